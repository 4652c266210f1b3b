// `kbinit ssh scan` and `kbinit ssh trust` on real hosts, and what OpenSSH makes of what they write.
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../lab/run.ts';
import type { Lab } from '../lab/lab.ts';
import { kbinit, scratch, testLab, type KbinitResult } from './support.ts';
import { addUser, inHost } from './support/host.ts';
import { kbinitAtTerminal } from './support/terminal.ts';

let lab: Lab;
const hosts = ['master1', 'master2', 'node1'];

beforeAll(async () => {
  lab = await testLab('sshkeys', 73);
  await lab.up(hosts);
  await lab.recreate(hosts);
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

const address = (host: string): string => lab.host(host).address;
const flags = (): readonly string[] => ['--identity-file', lab.identityFile, '--known-hosts', lab.knownHostsFile];

/** The fingerprints that a host's console shows. */
async function fingerprints(host: string): Promise<readonly string[]> {
  const listed = await inHost(lab, host, 'for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $f; done');
  return [...listed.matchAll(/SHA256:\S+/g)].map(([text]) => text);
}

describe('ssh scan', () => {
  let home: string;
  let known: string;
  const scan = (more: readonly string[] = [], stdin = ''): Promise<KbinitResult> => {
    const targets = ['master1', 'node1'].map((host) => `root@${address(host)}`);
    return kbinit(['ssh', 'scan', ...targets, ...more], { environment: { HOME: home }, stdin });
  };

  beforeEach(async () => {
    home = await scratch();
    known = join(home, '.ssh', 'known_hosts');
  });

  test('shows every key with the fingerprint of the console, and writes nothing before somebody agrees', async () => {
    const asked = await scan();
    expect(asked.code).toBe(1);
    expect(asked.stderr).toContain('KB_NOT_CONFIRMED');
    for (const host of ['master1', 'node1']) {
      for (const shown of await fingerprints(host)) expect(asked.stdout).toContain(shown);
    }
    expect((await scan(['--dry-run'])).code).toBe(0);
    await expect(stat(known)).rejects.toThrow('ENOENT');
  });

  test('with a yes it writes what ssh then accepts, and a second scan finds all of it known', async () => {
    const told = await scan([], 'y\n');
    expect(told.code, told.stderr).toBe(0);
    expect((await stat(known)).mode & 0o777).toBe(0o600);
    const settings = ['BatchMode=yes', 'StrictHostKeyChecking=yes', `UserKnownHostsFile=${known}`];
    for (const type of ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'rsa-sha2-512']) {
      const options = [...settings, `HostKeyAlgorithms=${type}`].flatMap((setting) => ['-o', setting]);
      const login = await run('ssh', [
        '-F',
        'none',
        '-i',
        lab.identityFile,
        ...options,
        `root@${address('node1')}`,
        'true',
      ]);
      expect(login.code, login.stderr).toBe(0);
    }
    const written = await readFile(known, 'utf8');
    const again = await scan(['--yes']);
    expect(again.code).toBe(0);
    expect(again.stdout).not.toMatch(/ new$/m);
    expect(await readFile(known, 'utf8')).toBe(written);
  });

  test('a changed key is told, never overwritten, and holds up nobody else', async () => {
    await mkdir(join(home, '.ssh'));
    const key = (await inHost(lab, 'master2', 'cut -d" " -f1,2 /etc/ssh/ssh_host_ed25519_key.pub')).trim();
    await writeFile(known, `${address('master1')} ${key}\n`);
    const told = await scan(['--yes']);
    expect(told.code).toBe(4);
    expect(told.stderr).toMatch(/KB_SSH_HOST_KEY_CHANGED[^]*known_hosts:1/);
    const lines = (await readFile(known, 'utf8')).trim().split('\n');
    expect(lines[0]).toBe(`${address('master1')} ${key}`);
    expect(lines.slice(1).every((line) => line.startsWith(`${address('node1')} `))).toBe(true);
    expect(lines).toHaveLength(4);
  });

  test('a further key of a known host is added after a question at a terminal, and not with --yes', async () => {
    await mkdir(join(home, '.ssh'));
    const key = (await inHost(lab, 'node1', 'cut -d" " -f1,2 /etc/ssh/ssh_host_ed25519_key.pub')).trim();
    const line = `${address('node1')} ${key}\n`;
    await writeFile(known, line);
    const told = await scan(['--yes']);
    expect(told.code).toBe(4);
    expect(told.stderr).toMatch(/KB_SSH_HOST_KEY_FURTHER[^]*of the type ssh-ed25519/);
    expect((await readFile(known, 'utf8')).split('\n').filter((one) => one.startsWith(address('node1')))).toEqual([
      line.trim(),
    ]);
    const args = ['ssh', 'scan', `root@${address('node1')}`];
    const at = await kbinitAtTerminal(args, [{ question: /\[y\/N\] $/, text: 'y' }], { environment: { HOME: home } });
    expect(at.code, at.screen).toBe(0);
    expect(await readFile(known, 'utf8')).toMatch(new RegExp(`^${address('node1')} ecdsa-sha2-nistp256 `, 'm'));
  });

  test('a host that is not there is told, and the others are scanned', async () => {
    const nobody = `root@${address('master1').replace(/\d+$/, '250')}`;
    const told = await scan([nobody, '--yes', '--ssh-timeout', '3']);
    expect(told.code).toBe(4);
    expect(told.stderr).toContain('KB_SSH_UNREACHABLE');
    expect(await readFile(known, 'utf8')).toContain(address('node1'));
  });
});

describe('ssh trust', () => {
  const trust = (more: readonly string[] = [], user = 'root'): Promise<KbinitResult> => {
    const others = ['master2', 'node1'].map((host) => `${user}@${address(host)}`);
    return kbinit(['ssh', 'trust', '--host', `${user}@${address('master1')}`, ...others, ...flags(), ...more]);
  };
  const sshFiles = (host: string, home = '/root'): Promise<string> =>
    inHost(
      lab,
      host,
      `cd ${home}/.ssh 2>/dev/null && find . -type f -printf '%m %u %p ' -exec sha256sum {} ';' | sort`,
    );
  const login = (to: string, user = 'root'): Promise<string> =>
    inHost(lab, 'master1', `runuser -u ${user} -- ssh -o BatchMode=yes ${user}@${address(to)} hostname </dev/null`);

  beforeAll(() => inHost(lab, 'master1', 'rm -f /root/.ssh/id_* /root/.ssh/known_hosts'));

  test('a dry run shows the plan and changes nothing', async () => {
    const before = await Promise.all(hosts.map((host) => sshFiles(host)));
    const told = await trust(['--dry-run']);
    expect(told.code, told.stderr).toBe(0);
    for (const words of ['make the key pair', 'host keys known', 'log in as root']) {
      expect(told.stdout + told.stderr).toContain(words);
    }
    expect(await Promise.all(hosts.map((host) => sshFiles(host)))).toEqual(before);
  });

  test('lets master1 log in everywhere without a question, and its private key stays there', async () => {
    const told = await trust();
    expect(told.code, told.stderr).toBe(0);
    expect(await login('master2')).toBe('master2\n');
    expect(await login('node1')).toBe('node1\n');
    expect(await sshFiles('master1')).toMatch(/^600 root .\/id_ed25519 /m);
    const key = await inHost(lab, 'master1', 'sed -n 3p /root/.ssh/id_ed25519');
    const log = await inHost(lab, 'node1', 'cat /root/.ssh/authorized_keys');
    expect(log).not.toContain(key.trim());
    expect(told.stdout + told.stderr).not.toContain(key.trim());
    const known = await inHost(lab, 'master1', 'ssh-keygen -lf /root/.ssh/known_hosts');
    for (const shown of await fingerprints('node1')) expect(known).toContain(shown);
  });

  test('again it changes nothing', async () => {
    const before = await Promise.all(hosts.map((host) => sshFiles(host)));
    const told = await trust();
    expect(told.code, told.stderr).toBe(0);
    expect(told.stdout).toMatch(/unchanged +works/);
    expect(await Promise.all(hosts.map((host) => sshFiles(host)))).toEqual(before);
  });

  test('a host whose key master1 knows otherwise is refused, and nothing is changed', async () => {
    await inHost(
      lab,
      'master1',
      `ssh-keygen -R ${address('node1')}; sed -n 's/^${address('master2')} /${address('node1')} /p' /root/.ssh/known_hosts >/tmp/wrong; cat /tmp/wrong >>/root/.ssh/known_hosts; rm -f /root/.ssh/known_hosts.old`,
    );
    const before = await sshFiles('master1');
    const told = await trust();
    expect(told.code).toBe(4);
    expect(told.stderr).toMatch(/KB_SSH_HOST_KEY_CHANGED[^]*known_hosts:\d+/);
    expect(await sshFiles('master1')).toBe(before);
  });

  test('works for a user who is not root, with files that are its own', async () => {
    for (const host of hosts) await addUser(lab, host, { name: 'ops', sudoers: 'ops ALL=(ALL) NOPASSWD: ALL' });
    const told = await trust([], 'ops');
    expect(told.code, told.stderr).toBe(0);
    expect(await login('node1', 'ops')).toBe('node1\n');
    const lines = (await sshFiles('master1', '/home/ops')).trim().split('\n');
    expect(lines.filter((line) => !/^6[04]0 ops /.test(line))).toEqual([]);
    const again = await trust([], 'ops');
    expect(again.stdout).toMatch(/unchanged +works/);
  });

  test('a key with a passphrase is told, and left alone', async () => {
    await inHost(
      lab,
      'master1',
      'rm /root/.ssh/id_ed25519*; ssh-keygen -q -t ed25519 -N secret1 -f /root/.ssh/id_ed25519',
    );
    const before = await sshFiles('master1');
    const told = await trust();
    expect(told.code).toBe(1);
    expect(told.stderr).toMatch(/KB_SSH_TRUST[^]*passphrase/);
    expect(await sshFiles('master1')).toBe(before);
  });
});
