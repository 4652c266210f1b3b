import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import ssh2 from 'ssh2';
import { KbError } from '../../../src/errors.ts';
import { sh } from '../../../src/host/shell.ts';
import { connectSsh } from '../../../src/host/ssh/pool.ts';
import { freePort } from './ssh/sshd.ts';

/** A stand-in for sudo: it asks like sudo does, and writes down its arguments and what it was told. */
const fakeSudo = `#!/bin/sh
echo "args $*" >> "$LOG"
mode=$(cat "$MODE")
wants=
while [ "$1" != -- ]; do
  case $1 in -S) wants=yes ;; -p) shift; prompt=$1 ;; esac
  shift
done
shift
case $mode in
  free) exec "$@" ;;
  nobody) exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@" ;;
  tty) echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1 ;;
  refuse) echo 'admin is not in the sudoers file.' >&2; exit 1 ;;
esac
[ "$wants" ] || { echo 'sudo: a password is required' >&2; exit 1; }
echo 'We trust you have received the usual lecture.' >&2
for try in 1 2 3; do
  printf %s "$prompt" >&2
  IFS= read -r word || exit 1
  echo "told $word" >> "$LOG"
  [ "$word" != right ] || exec "$@"
  echo 'Sorry, try again.' >&2
done
exit 1
`;

const isRoot = process.getuid?.() === 0;
let folder = '';
let server: ssh2.Server;
let port = 0;

/** An SSH server in this process: a user that is not root, whose sudo is the stand-in. */
async function listen(): Promise<void> {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  server = new ssh2.Server({ hostKeys: [privateKey] }, (client) => {
    client.on('error', () => {});
    client.on('authentication', (context) => context.accept());
    client.on('session', (accept) => {
      accept().on('exec', (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        const isSudo = command.includes('/usr/bin/sudo');
        const child = spawn('/bin/sh', ['-c', command.replace('/usr/bin/sudo', join(folder, 'sudo'))], {
          env: { LOG: join(folder, 'log'), MODE: join(folder, 'mode'), PATH: process.env['PATH'] ?? '' },
          detached: true,
          ...(!isSudo && { uid: 65_534, gid: 65_534 }),
        });
        child.stdin.on('error', () => {});
        channel.pipe(child.stdin);
        child.stdout.pipe(channel, { end: false });
        child.stderr.pipe(channel.stderr, { end: false });
        child.on('close', (code) => {
          channel.exit(code ?? 1);
          channel.close();
        });
        channel.on('close', () => child.stdin.end());
      });
    });
  });
  port = await freePort();
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
}

function log(): string {
  return readFileSync(join(folder, 'log'), 'utf8');
}

async function withSudo(mode: string, password?: string): ReturnType<typeof connectSsh> {
  writeFileSync(join(folder, 'mode'), mode);
  return connectSsh({
    host: '127.0.0.1',
    port,
    user: 'admin',
    name: 'master1',
    homeDirectory: folder,
    acceptNewHostKeys: true,
    ...(password !== undefined && { ask: async () => password }),
  });
}

async function refusal(mode: string, password?: string): Promise<KbError> {
  const error: unknown = await withSudo(mode, password).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof KbError) return error;
  throw new Error(`expected a KbError, got ${String(error)}`);
}

describe.skipIf(!isRoot)('a user who is not root', () => {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kbinit-sudo-'));
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, 'sudo'), fakeSudo, { mode: 0o755 });
    writeFileSync(join(folder, 'log'), '');
    await listen();
  });
  afterEach(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  test('works as root where sudo asks for nothing', async () => {
    const transport = await withSudo('free');
    expect(await transport.exec(sh`id -u; cat`, { stdin: 'data' })).toEqual({ code: 0, stdout: '0\ndata', stderr: '' });
    expect(log()).not.toContain('-S');
    await transport.close();
  });

  test('gives the password to sudo alone, and neither lecture nor prompt is in the output', async () => {
    const transport = await withSudo('ask', 'right');
    const result = await transport.exec(sh`id -u; cat; echo err >&2`, { stdin: 'data' });
    expect(result).toEqual({ code: 0, stdout: '0\ndata', stderr: 'err\n' });
    expect(log().match(/^args .*right/m)).toBeNull();
    await transport.close();
  });

  test('a password that sudo does not ask for after all does not get into the command', async () => {
    const transport = await withSudo('ask', 'right');
    writeFileSync(join(folder, 'mode'), 'free');
    expect((await transport.exec(sh`cat`, { stdin: 'data' })).stdout).toBe('data');
    await transport.close();
  });

  test('a wrong password is tried once and never again', async () => {
    const failure = await refusal('ask', 'wrong');
    expect(failure.problems[0]).toMatchObject({ code: 'KB_SUDO', summary: 'sudo refused the password' });
    expect(failure.message).not.toContain('wrong');
    expect(log().match(/^told /gm)).toHaveLength(1);
    expect(failure.exitCode).toBe(4);
  });

  test('is told what to do where sudo requires a password and nobody can give it', async () => {
    expect((await refusal('ask')).problems[0]?.fix).toContain('NOPASSWD');
  });

  test('asks sudo for root by name, and does not believe it who it became', async () => {
    const transport = await withSudo('free');
    expect(log()).toContain('-u root --');
    await transport.close();
    const failure = await refusal('nobody');
    expect(failure.problems[0]).toMatchObject({ code: 'KB_SUDO', summary: 'sudo did not grant root' });
    expect(failure.problems[0]?.detail).toContain('65534');
  });

  test('is told about requiretty, and about a sudoers file that leaves him out', async () => {
    expect((await refusal('tty')).problems[0]?.fix).toContain('!requiretty');
    expect((await refusal('refuse')).problems[0]?.detail).toBe('admin is not in the sudoers file.');
  });
});
