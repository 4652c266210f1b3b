import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  fingerprint,
  hostKeyAlgorithmOrder,
  hostKeyVerdict,
  knownHostsLine,
  knownHostsName,
  parseKnownHosts,
} from '../../../../src/host/ssh/known-hosts.ts';
import { isMissing } from '../../../programs.ts';
import { ecdsa, ed25519, knownHostsTable, rsa, text } from './known-hosts-table.ts';
import { canRunSshd, startSshd } from './sshd.ts';

const [key, otherKey, ecKey, rsaKey] = [ed25519(), ed25519(), ecdsa(), rsa()];
const k = text(key);
const o = text(otherKey);

describe('the verdict on a host key', () => {
  test.each(knownHostsTable(k))('%s', (_what, file, host, port, expected) => {
    expect(hostKeyVerdict(parseKnownHosts(file, 'f'), { host, port }, key).kind).toBe(expected);
  });

  test('names the file and line that decided', () => {
    const verdict = hostKeyVerdict(
      parseKnownHosts(`# mine\n\nh ${o}\n`, '/x/known_hosts'),
      { host: 'h', port: 22 },
      key,
    );
    expect(verdict).toMatchObject({ kind: 'changed', by: { file: '/x/known_hosts', line: 3 } });
  });

  test('names the key of the same type when several differ', () => {
    const verdict = hostKeyVerdict(parseKnownHosts(`h ${text(rsaKey)}\nh ${o}\n`, 'f'), { host: 'h', port: 22 }, key);
    expect(verdict).toMatchObject({ kind: 'changed', by: { type: 'ssh-ed25519', line: 2 } });
  });
});

describe('the algorithms offered', () => {
  const order = (file: string, host = 'h', port = 22): readonly string[] =>
    hostKeyAlgorithmOrder(parseKnownHosts(file, 'f'), { host, port });

  test('begin with the types that are known for the host', () => {
    expect(order(`h ${text(ecKey)}\n`)[0]).toBe('ecdsa-sha2-nistp256');
  });
  test('an RSA key means the SHA-2 signatures, never SHA-1', () => {
    expect(order(`h ${text(rsaKey)}\n`).slice(0, 2)).toEqual(['rsa-sha2-512', 'rsa-sha2-256']);
    expect(order(`h ${text(rsaKey)}\n`)).not.toContain('ssh-rsa');
  });
  test('still have every type behind them', () => {
    expect(order(`h ${text(rsaKey)}\n`).toSorted()).toEqual(order('').toSorted());
  });
  test('are not moved by lines of other hosts, authorities and revocations', () => {
    const file = `g ${text(ecKey)}\n@revoked h ${text(rsaKey)}\n@cert-authority h ${text(ecKey)}\n`;
    expect(order(file)).toEqual(order(''));
  });
});

test('the name of a host carries the port unless it is 22', () => {
  const names = [
    { host: 'H', port: 22 },
    { host: 'fd00::1', port: 2222 },
    { host: 'h', port: 2222, alias: 'Web' },
  ];
  expect(names.map(knownHostsName)).toEqual(['h', '[fd00::1]:2222', 'web']);
});

test('a written line is read back as known', () => {
  const entries = parseKnownHosts(knownHostsLine({ host: 'h', port: 2222 }, key), 'f');
  expect(hostKeyVerdict(entries, { host: 'h', port: 2222 }, key).kind).toBe('known');
});

describe.skipIf(isMissing('/usr/bin/ssh-keygen'))('as ssh-keygen sees it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kbinit-known-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('the fingerprint is the same', () => {
    for (const blob of [key, ecKey, rsaKey]) {
      const file = join(folder, 'key.pub');
      writeFileSync(file, `${text(blob)}\n`);
      const printed = execFileSync('ssh-keygen', ['-lf', file], { encoding: 'utf8' });
      expect(printed.split(' ')[1]).toBe(fingerprint(blob));
    }
  });
});

describe.skipIf(!canRunSshd || isMissing('/usr/bin/ssh'))('as ssh sees it', () => {
  test('every verdict is the one of ssh -o BatchMode=yes', { timeout: 120_000 }, async () => {
    const sshd = await startSshd({ hostKeys: ['ed25519'], config: 'MaxStartups 200' });
    const wire = `exec 3<>/dev/tcp/127.0.0.1/${sshd.port}; cat <&3 2> /dev/null & cat >&3; kill $!`;
    const proxy = join(sshd.folder, 'proxy');
    writeFileSync(proxy, wire);
    const accepts = async (row: number, file: string, host: string, port: number): Promise<boolean> => {
      const path = join(sshd.folder, `known-${row}`);
      writeFileSync(path, file);
      const settings = {
        BatchMode: 'yes',
        StrictHostKeyChecking: 'yes',
        UserKnownHostsFile: path,
        GlobalKnownHostsFile: '/dev/null',
        PreferredAuthentications: 'none',
        ProxyCommand: `bash ${proxy}`,
      };
      const flags = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
      const said = await new Promise<string>((resolve) => {
        const args = ['-F', 'none', ...flags, '-p', String(port), '-l', 'root', host, 'true'];
        execFile('ssh', args, { timeout: 10_000 }, (_error, _stdout, stderr) => resolve(stderr));
      });
      if (/Host key verification failed/.test(said)) return false;
      if (/Permission denied/.test(said)) return true;
      throw new Error(`ssh for row ${row} said: ${said}`);
    };
    const rows = knownHostsTable(sshd.hostKey('ed25519'));
    const differing: string[] = [];
    const blob = Buffer.from(sshd.hostKey('ed25519').split(' ')[1] ?? '', 'base64');
    for (let at = 0; at < rows.length; at += 4) {
      const batch = rows.slice(at, at + 4).map(async ([what, file, host, port], n) => {
        const ours = hostKeyVerdict(parseKnownHosts(file, 'f'), { host, port }, blob).kind === 'known';
        if ((await accepts(at + n, file, host, port)) !== ours) differing.push(what);
      });
      await Promise.all(batch);
    }
    await sshd.stop();
    expect(rows.length).toBeGreaterThan(40);
    expect(differing).toEqual([]);
  });
});
