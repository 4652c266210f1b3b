import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { KbError } from '../../../../src/errors.ts';
import { sh } from '../../../../src/host/shell.ts';
import { openSshPool, type SshPool } from '../../../../src/host/ssh/pool.ts';
import type { Hop } from '../../../../src/host/ssh/route.ts';
import { canRunSshd, startSshd, wireTo, type Sshd } from './sshd.ts';

/** Two jump hosts and a host behind them, each with keys of its own. */
let first: Sshd;
let second: Sshd;
let target: Sshd;
let pool: SshPool;

const all = (): readonly Sshd[] => [first, second, target];
const known = (): string => join(first.home, 'known');

function hop(name: string, sshd: Sshd, port = sshd.port): Hop {
  return { name, host: '127.0.0.1', port, user: 'root', identityFiles: [sshd.key] };
}

/** known_hosts with the keys of these. */
function know(...sshds: readonly Sshd[]): void {
  const lines = sshds.map((sshd) => `[127.0.0.1]:${sshd.port} ${sshd.hostKey('ed25519')}\n`);
  writeFileSync(known(), lines.join(''));
}

function logins(sshd: Sshd): number {
  return sshd.log().match(/Accepted publickey/g)?.length ?? 0;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no failure',
    (error: unknown) => (error instanceof KbError ? error.message : String(error)),
  );
}

function open(): SshPool {
  return openSshPool({ homeDirectory: first.home, knownHostsFile: known() });
}

describe.skipIf(!canRunSshd)('jump hosts', () => {
  beforeAll(async () => {
    [first, second, target] = await Promise.all([startSshd(), startSshd(), startSshd()]);
  });
  afterAll(() => Promise.all(all().map((sshd) => sshd.stop())));
  beforeEach(() => {
    rmSync(known(), { force: true });
    pool = open();
    return () => pool.close();
  });

  test('a chain of two leads to the host, and each shows its own key', async () => {
    know(first, second, target);
    const via = [hop('b1', first), hop('b2', second)];
    const transport = await pool.connect({ ...hop('web', target), via });
    const { stdout } = await transport.exec(sh`echo "$SSH_CONNECTION"`);
    expect(stdout.trim().split(' ').at(-1)).toBe(String(target.port));
    await transport.close();
  });

  test.each([0, 1, 2])('a key that is not known is refused at hop %s, before any login there', async (at) => {
    know(...all().filter((_sshd, index) => index !== at));
    const before = all()[at]?.log().length ?? 0;
    const via = [hop('b1', first), hop('b2', second)];
    const said = await codeOf(pool.connect({ ...hop('web', target), via }));
    expect(said).toMatch(/KB_SSH_HOST_KEY_UNKNOWN/);
    expect(said).toContain(String(all()[at]?.port));
    expect(all()[at]?.log().slice(before)).not.toContain('userauth-request');
  });

  test('ten hosts behind one jump host share its one connection', async () => {
    know(first, target);
    const before = logins(first);
    const transports = await Promise.all(
      Array.from({ length: 10 }, (_, n) => pool.connect({ ...hop(`web${n}`, target), via: [hop('b1', first)] })),
    );
    const answers = await Promise.all(transports.map((transport) => transport.exec(sh`echo there`)));
    expect(answers.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 10 }, () => 'there\n'));
    expect(logins(first) - before).toBe(1);
    await Promise.all(transports.map((transport) => transport.close()));
  });

  test('a jump host whose link is cut is connected again, and so is the host behind it', async () => {
    const wire = await wireTo(first.port);
    know(first, target);
    writeFileSync(known(), `${readFileSync(known(), 'utf8')}[127.0.0.1]:${wire.port} ${first.hostKey('ed25519')}\n`);
    const transport = await pool.connect({ ...hop('web', target), via: [hop('b1', first, wire.port)] });
    wire.cut();
    await wait(100);
    expect((await transport.exec(sh`echo again`)).stdout).toBe('again\n');
    expect(wire.connections).toBe(2);
    await transport.close();
    await pool.close();
    await wire.stop();
  });

  test('a host that the jump host cannot reach is told with the way to it', async () => {
    know(first);
    const away = { ...hop('web', target), port: 1, via: [hop('b1', first)] };
    expect(await codeOf(pool.connect(away))).toMatch(/KB_SSH_UNREACHABLE.*port 1 by way of b1: .*refused/i);
  });

  test('a jump host that forwards nothing is told as such', async () => {
    const closed = await startSshd({ config: 'AllowTcpForwarding no' });
    know(closed, target);
    const said = await codeOf(pool.connect({ ...hop('web', target), via: [hop('b1', closed)] }));
    expect(said).toMatch(/KB_SSH_FORWARDING/);
    await closed.stop();
  });

  test('a key is looked up by its alias where there is one', async () => {
    writeFileSync(known(), `web-key ${target.hostKey('ed25519')}\n`);
    const transport = await pool.connect({ ...hop('web', target), hostKeyAlias: 'Web-Key' });
    expect((await transport.exec(sh`echo there`)).stdout).toBe('there\n');
    await transport.close();
    const other = { ...hop('web', target), hostKeyAlias: 'mail' };
    expect(await codeOf(pool.connect(other))).toMatch(/KB_SSH_HOST_KEY_UNKNOWN.*HostKeyAlias mail/);
  });
});
