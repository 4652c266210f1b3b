// Hosts reached the way ~/.ssh/config says: behind a jump host, by aliases, with users, ports and keys of their own.
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../lab/run.ts';
import type { Lab } from '../lab/lab.ts';
import { clusterConfig, kbinit, scratch, testLab, type KbinitResult } from './support.ts';
import { addUser, inHost, makeSshdTalk, sshdJournal, wipe } from './support/host.ts';

let lab: Lab;
let config: string;
/** An ssh_config with an Include, for the hosts of the lab. */
let sshConfig: string;
let folder: string;

const hosts = ['bastion', 'master1', 'node1'];
const behind = ['master1', 'node1'];

beforeAll(async () => {
  lab = await testLab('sshconfig', 72);
  await lab.up(hosts);
  await lab.recreate(hosts);
  config = await clusterConfig({ cluster: 'encryptionAlgorithm: ECDSA-P256\n' });
  folder = await scratch();
  await addUser(lab, 'bastion', { name: 'ops' });
  await addUser(lab, 'node1', { name: 'admin', sudoers: 'admin ALL=(ALL) NOPASSWD: ALL' });
  const gateway = lab.host('master1').address.replace(/\d+$/, '1');
  for (const host of behind) {
    await inHost(lab, host, `iptables -w -I INPUT -s ${gateway} -p tcp -j REJECT`);
    await makeSshdTalk(lab, host);
  }
  await makeSshdTalk(lab, 'bastion');
  await inHost(
    lab,
    'node1',
    "printf 'Port 22\\nPort 2222\\n' >/etc/ssh/sshd_config.d/port.conf; systemctl restart ssh",
  );
  sshConfig = join(folder, 'config');
  const known = join(folder, 'known');
  await writeFile(known, await knownLines());
  await mkdir(join(folder, 'more'));
  const block = (name: string, lines: readonly string[]): string => `Host ${name}\n  ${lines.join('\n  ')}\n`;
  await writeFile(
    join(folder, 'more', 'hosts.conf'),
    [
      block('jump', [`HostName ${lab.host('bastion').address}`, 'User ops', 'ProxyJump none']),
      block('m1', [`HostName ${lab.host('master1').address}`, 'User root', 'HostKeyAlias first-master']),
      block('n1', [`HostName ${lab.host('node1').address}`, 'User admin', 'Port 2222']),
    ].join(''),
  );
  const all = [
    `IdentityFile ${lab.identityFile}`,
    'IdentitiesOnly yes',
    `UserKnownHostsFile ${known}`,
    'ProxyJump jump',
  ];
  await writeFile(sshConfig, `Include ${folder}/more/*.conf\n${block('*', all)}`);
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

/** known_hosts: the bastion by address, master1 by its alias alone, node1 with its port. */
async function knownLines(): Promise<string> {
  const key = async (host: string): Promise<string> =>
    (await inHost(lab, host, "cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub")).trim();
  return [
    `${lab.host('bastion').address} ${await key('bastion')}`,
    `first-master ${await key('master1')}`,
    `[${lab.host('node1').address}]:2222 ${await key('node1')}`,
    '',
  ].join('\n');
}

const certs = (host: string, ...more: readonly string[]): Promise<KbinitResult> =>
  kbinit(['init', 'phase', 'certs', 'all', '--host', host, '--config', config, ...more]);

describe('--ssh-config', () => {
  test('without it the hosts are out of reach', async () => {
    const told = await certs(`root@${lab.host('master1').address}`, '--ssh-config', 'none', '-i', lab.identityFile);
    expect(told.code).toBe(4);
    expect(told.stderr).toContain('KB_SSH_UNREACHABLE');
  });

  test.each(behind)('leads to %s by alias, jump host, user, port and key, as it leads ssh', async (host) => {
    const alias = host === 'master1' ? 'm1' : 'n1';
    const ssh = await run('ssh', ['-F', sshConfig, '-o', 'BatchMode=yes', alias, 'hostname']);
    expect(ssh.stdout.trim(), ssh.stderr).toBe(host);
    await wipe(lab, host);
    const told = await certs(alias, '--ssh-config', sshConfig);
    expect(told.code, told.stderr).toBe(0);
    expect(await inHost(lab, host, 'ls /etc/kubernetes/pki/ca.crt')).toContain('ca.crt');
  });

  test('the machine without an ssh program reads the same from the file', async () => {
    const told = await kbinit(
      ['init', 'phase', 'certs', 'all', '--host', 'n1', '--config', config, '--ssh-config', sshConfig],
      { environment: { PATH: '/nowhere' } },
    );
    expect(told.code, told.stderr).toBe(0);
    expect(told.stderr).toContain('unchanged');
  });

  test('so does a user with another HOME, from ~/.ssh/config', async () => {
    const home = await scratch();
    await mkdir(join(home, '.ssh'), { mode: 0o700 });
    await writeFile(join(home, '.ssh', 'config'), await readFile(sshConfig, 'utf8'));
    const told = await kbinit(['init', 'phase', 'certs', 'all', '--host', 'm1', '--config', config], {
      environment: { HOME: home },
    });
    expect(told.code, told.stderr).toBe(0);
  });

  test('what the command line says wins', async () => {
    const told = await certs('nobody@n1:22', '--ssh-config', sshConfig);
    expect(told.code).toBe(4);
    // Port 22 of that host is not in the known_hosts file.
    expect(told.stderr).toMatch(/KB_SSH_HOST_KEY_UNKNOWN[^]*port 22 /);
  });
});

describe('a jump host', () => {
  test('is logged in to once for two hosts, runs no command, and is asked for nothing but streams', async () => {
    let told: KbinitResult | undefined;
    const journal = await sshdJournal(lab, 'bastion', async () => {
      told = await kbinit(['ssh', 'trust', '--host', 'm1', 'n1', '--dry-run', '--ssh-config', sshConfig]);
    });
    expect(told?.code, told?.stderr).toBe(0);
    expect(journal.match(/Accepted publickey for ops/g)).toHaveLength(1);
    expect(journal).toContain('server_request_direct_tcpip');
    expect(journal).not.toMatch(/request (exec|shell|auth-agent-req|x11-req|env|pty-req)|tcpip-forward/);
  });

  test('with a key that is not known stops everything behind it', async () => {
    const empty = join(folder, 'empty');
    await writeFile(empty, '');
    const journal = await sshdJournal(lab, 'bastion', async () => {
      const told = await certs('m1', '--ssh-config', sshConfig, '--known-hosts', empty);
      expect(told.code).toBe(4);
      expect(told.stderr).toMatch(/KB_SSH_HOST_KEY_UNKNOWN/);
      expect(told.stderr).toContain(lab.host('bastion').address);
    });
    expect(journal).not.toContain('userauth-request');
  });

  test('leads kbinit ssh scan to the hosts behind it', async () => {
    const known = join(folder, 'scanned');
    await writeFile(known, (await readFile(join(folder, 'known'), 'utf8')).split('\n').slice(0, 1).join('') + '\n');
    const told = await kbinit(['ssh', 'scan', 'm1', 'n1', '--yes', '--ssh-config', sshConfig, '--known-hosts', known]);
    expect(told.code, told.stderr).toBe(0);
    const written = await readFile(known, 'utf8');
    expect(written).toMatch(/^first-master ssh-ed25519 /m);
    expect(written).toContain(`[${lab.host('node1').address}]:2222 ssh-ed25519 `);
  });

  test('that reboots under a run is waited for, and the run goes on', async () => {
    await wipe(lab, 'master1');
    let isStopped: Promise<void> | undefined;
    const told = await kbinit(['init', '--host', 'm1', '--config', config, '--ssh-config', sshConfig], {
      onProgress: (text) => {
        if (/ certs /.test(text)) isStopped ??= lab.restart('bastion');
      },
    });
    await isStopped;
    expect(isStopped).toBeDefined();
    expect(told.code, told.stderr).toBe(0);
  });
});

describe('a hostile configuration', () => {
  test('runs nothing, forwards nothing and sends nothing, also with Match exec', async () => {
    const trap = join(folder, 'trap');
    const hostile = join(folder, 'hostile');
    const lines = [
      `Match exec "touch ${trap}"`,
      '  User trapped',
      'Host *',
      '  ForwardAgent yes',
      '  ForwardX11 yes',
      '  PermitLocalCommand yes',
      `  LocalCommand touch ${trap}`,
      `  KnownHostsCommand /usr/bin/touch ${trap}`,
      '  SendEnv *',
      '  RemoteForward 7777 127.0.0.1:22',
      '  StrictHostKeyChecking no',
      `Include ${sshConfig}`,
    ];
    await writeFile(hostile, `${lines.join('\n')}\n`);
    const journal = await sshdJournal(lab, 'master1', async () => {
      const told = await certs('m1', '--ssh-config', hostile);
      expect(told.code, told.stderr).toBe(0);
      expect(told.stderr).toContain('Match exec would run a command');
    });
    expect(journal).toMatch(/request exec/);
    expect(journal).not.toMatch(/request (auth-agent-req|x11-req|env|pty-req)|tcpip-forward/);
    await expect(stat(trap)).rejects.toThrow('ENOENT');
  });
});
