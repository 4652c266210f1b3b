// The way to a host: host keys, logins, sudo, login shells, umasks, and links that break. On real hosts with their sshd.
import { spawn } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mustRun } from '../lab/run.ts';
import type { Lab } from '../lab/lab.ts';
import { clusterConfig, eventually, kbinit, scratch, testLab, type KbinitResult } from './support.ts';
import { addUser, goldenTree, inHost, kubernetesTree, makeSshdTalk, sshdJournal, wipe } from './support/host.ts';
import { netcut } from './support/netcut.ts';
import { installShells } from './support/shells.ts';
import { kbinitAtTerminal } from './support/terminal.ts';

let lab: Lab;
/** A configuration whose keys are made in a moment. */
let config: string;
/** A run on node1 whose link goes dead under it; it takes a while, so it runs beside the other tests. */
let blackHoled: Promise<BlackHoled>;

const certs = ['init', 'phase', 'certs', 'all'];
const pki = (path: string): boolean => path.startsWith('etc/kubernetes/pki');

interface Way {
  readonly user?: string;
  readonly host?: string;
  readonly address?: string;
  readonly port?: number;
  readonly knownHosts?: string;
}

/** The flags that lead to master1, or somewhere else. */
function to(way: Way = {}): readonly string[] {
  const { user = 'root', host = 'master1', port = 22, knownHosts = lab.knownHostsFile } = way;
  const address = way.address ?? lab.host(host).address;
  return ['--host', `${user}@${address}:${port}`, '--identity-file', lab.identityFile, '--known-hosts', knownHosts];
}

/** A home folder of its own, and the flags of a user who keeps nothing in it but a key. */
async function stranger(): Promise<{ home: string; flags: readonly string[]; environment: Record<string, string> }> {
  const home = await scratch();
  await mkdir(join(home, '.ssh'), { mode: 0o700 });
  const flags = ['--host', `root@${lab.host('master1').address}`, '--identity-file', lab.identityFile];
  return { home, flags, environment: { HOME: home } };
}

/** `address type key` of a host key of master1, for a known_hosts file. */
async function hostKeyLine(type: string, prefix = ''): Promise<string> {
  const key = await inHost(lab, 'master1', `cut -d' ' -f1,2 /etc/ssh/ssh_host_${type}_key.pub`);
  return `${prefix}${lab.host('master1').address} ${key}`;
}

async function pkiTree(): Promise<readonly string[]> {
  return (await kubernetesTree(lab, 'master1')).filter((line) => pki(line.split(' ')[3] ?? ''));
}

beforeAll(async () => {
  lab = await testLab('ssh', 41);
  await lab.up(['master1', 'node1']);
  await lab.recreate(['master1', 'node1']);
  config = await clusterConfig({ cluster: 'encryptionAlgorithm: ECDSA-P256\n' });
  await makeSshdTalk(lab, 'master1');
  blackHoled = runIntoBlackHole();
});

afterAll(async () => {
  await blackHoled.catch(() => undefined);
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

describe('a host key that is not known', () => {
  test('is refused with its fingerprint and the way to accept it, and nobody logs in', async () => {
    const { flags, environment } = await stranger();
    let run: KbinitResult | undefined;
    const journal = await sshdJournal(lab, 'master1', async () => {
      run = await kbinit([...certs, ...flags], { environment });
    });
    expect(run?.code).toBe(4);
    expect(run?.stderr).toContain('KB_SSH_HOST_KEY_UNKNOWN');
    const shown = /SHA256:\S{43}/.exec(run?.stderr ?? '')?.[0];
    const own = await inHost(lab, 'master1', 'cat /etc/ssh/ssh_host_*_key.pub | ssh-keygen -lf -');
    expect(own).toContain(`${shown ?? 'no fingerprint'} `);
    expect(run?.stderr).toContain('--accept-new-host-keys');
    expect(journal).toContain('Connection from');
    expect(journal).not.toContain('userauth-request');
  });

  test('is recorded in a file of our own with --accept-new-host-keys, and known from then on', async () => {
    const { home, flags, environment } = await stranger();
    const first = await kbinit([...certs, ...flags, '--config', config, '--accept-new-host-keys'], { environment });
    expect(first.code, first.stderr).toBe(0);
    const file = join(home, '.kbinit', 'known_hosts');
    expect(first.stderr).toContain(file);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await expect(stat(join(home, '.ssh', 'known_hosts'))).rejects.toThrow('ENOENT');
    const journal = await sshdJournal(lab, 'master1', async () => {
      const second = await kbinit([...certs, ...flags, '--config', config], { environment });
      expect(second.code, second.stderr).toBe(0);
      expect(second.stderr).not.toContain('accepted');
    });
    expect(journal).toContain('userauth-request');
  });
});

describe('a host key that must not be used', () => {
  test('is refused when it has changed, even with --accept-new-host-keys', async () => {
    const { home, flags, environment } = await stranger();
    await writeFile(join(home, '.ssh', 'known_hosts'), await hostKeyLine('ed25519'));
    const regenerate =
      'mkdir /root/keys; cp -p /etc/ssh/ssh_host_* /root/keys; rm /etc/ssh/ssh_host_*; ssh-keygen -A; systemctl restart ssh';
    await inHost(lab, 'master1', regenerate);
    try {
      let run: KbinitResult | undefined;
      const journal = await sshdJournal(lab, 'master1', async () => {
        run = await kbinit([...certs, ...flags, '--accept-new-host-keys'], { environment });
      });
      expect(run?.code).toBe(4);
      expect(run?.stderr).toContain('KB_SSH_HOST_KEY_CHANGED');
      expect(run?.stderr).toContain(`${join(home, '.ssh', 'known_hosts')}:1`);
      expect(journal).not.toContain('userauth-request');
      await expect(readFile(join(home, '.kbinit', 'known_hosts'))).rejects.toThrow('ENOENT');
    } finally {
      await inHost(lab, 'master1', 'mv -f /root/keys/* /etc/ssh/; rmdir /root/keys; systemctl restart ssh');
    }
  });

  test('is refused when it is revoked, even with --accept-new-host-keys', async () => {
    const { home, flags, environment } = await stranger();
    const types = ['ed25519', 'ecdsa', 'rsa'];
    const lines = types.flatMap((type) => [hostKeyLine(type), hostKeyLine(type, '@revoked ')]);
    await writeFile(join(home, '.ssh', 'known_hosts'), (await Promise.all(lines)).join(''));
    const run = await kbinit([...certs, ...flags, '--accept-new-host-keys'], { environment });
    expect(run.code).toBe(4);
    expect(run.stderr).toContain('KB_SSH_HOST_KEY_REVOKED');
  });

  test('is refused when a known_hosts file cannot be read, even with --accept-new-host-keys', async () => {
    const { home, flags, environment } = await stranger();
    // A folder in its place: nothing that root could read.
    await mkdir(join(home, '.ssh', 'known_hosts'));
    let run: KbinitResult | undefined;
    const journal = await sshdJournal(lab, 'master1', async () => {
      run = await kbinit([...certs, ...flags, '--accept-new-host-keys'], { environment });
    });
    expect(run?.code).toBe(4);
    expect(run?.stderr).toContain('KB_SSH_KNOWN_HOSTS');
    expect(journal).not.toContain('userauth-request');
  });
});

describe('a host that cannot be reached', () => {
  test('is given up after --ssh-timeout when nobody has the address', async () => {
    const address = lab.host('master1').address.replace(/\d+$/, '200');
    const run = await kbinit([...certs, ...to({ address }), '--ssh-timeout', '2']);
    expect(run.code).toBe(4);
    expect(run.stderr).toContain('KB_SSH_UNREACHABLE');
    expect(run.stderr).toContain(`${address} port 22: no answer within 2 s`);
    expect(run.stderr).toMatch(/do +check the address/);
    expect(run.seconds).toBeLessThan(8);
  });

  test('is reported at once when nothing listens on the port', async () => {
    const run = await kbinit([...certs, ...to({ port: 2299 })]);
    expect(run.code).toBe(4);
    expect(run.stderr).toMatch(/KB_SSH_UNREACHABLE[^]*port 2299: .*ECONNREFUSED[^]*do +check/);
    expect(run.seconds).toBeLessThan(8);
  });
});

describe('a login that is refused', () => {
  test.each([
    ['of an unknown user', 'ghost'],
    ['with a key that is not authorized', 'stranger'],
  ])('%s is reported with what was tried, after one try', async (_what, user) => {
    await inHost(lab, 'master1', 'id stranger >/dev/null 2>&1 || useradd -m stranger');
    let run: KbinitResult | undefined;
    const journal = await sshdJournal(lab, 'master1', async () => {
      run = await kbinit([...certs, ...to({ user })]);
    });
    expect(run?.code).toBe(4);
    expect(run?.stderr).toContain('KB_SSH_AUTH');
    expect(run?.stderr).toContain(`key ${lab.identityFile}`);
    expect(journal.match(/userauth-request for user \S+ service ssh-connection method publickey/g)).toHaveLength(1);
  });
});

describe('sudo', () => {
  const password = `it's a "pass\\word"; $(touch /tmp/pwn) äö`;
  const question = /sudo password for .*: $/;
  let golden: readonly string[];

  beforeAll(async () => {
    golden = await goldenTree(pki);
    const sudoers = (name: string, what: string): string =>
      `Defaults:${name} lecture=always, secure_path=/usr/bin:/bin\n${name} ALL=(ALL) ${what}`;
    await addUser(lab, 'master1', { name: 'free', sudoers: sudoers('free', 'NOPASSWD: ALL') });
    await addUser(lab, 'master1', { name: 'asked', password, sudoers: sudoers('asked', 'ALL') });
    await addUser(lab, 'master1', { name: 'plain', password });
  });

  beforeEach(async () => wipe(lab, 'master1'));

  test('without a password gives the same files as root', async () => {
    const run = await kbinit([...certs, ...to({ user: 'free' }), '--config', config]);
    expect(run.code, run.stderr).toBe(0);
    expect(await pkiTree()).toEqual(golden);
  });

  test('with a password that is asked for at the terminal gives the same files as root', async () => {
    const args = [...certs, ...to({ user: 'asked' }), '--config', config];
    const run = await kbinitAtTerminal(args, [{ question, text: password }]);
    expect(run.code, run.screen).toBe(0);
    expect(run.asked).toEqual([1]);
    expect(run.screen).not.toContain('touch');
    expect(await pkiTree()).toEqual(golden);
    expect(await inHost(lab, 'master1', 'ls /tmp')).not.toContain('pwn');
  });

  test('with a wrong password ends after one try', async () => {
    const since = (await inHost(lab, 'master1', 'date "+%F %T"')).trim();
    const args = [...certs, ...to({ user: 'asked' }), '--config', config];
    const run = await kbinitAtTerminal(args, [{ question, text: 'not this one' }]);
    expect(run.code).toBe(4);
    expect(run.screen).toContain('KB_SUDO');
    expect(run.asked).toEqual([1]);
    const failures = await inHost(lab, 'master1', `journalctl --sync; journalctl -t sudo --since '${since}' -o cat`);
    expect(failures.match(/pam_unix\(sudo:auth\): authentication failure/g)).toHaveLength(1);
    expect(await inHost(lab, 'master1', 'ls /etc/kubernetes')).toBe('');
  });

  test('that wants a password where nobody can be asked says so', async () => {
    const run = await kbinit([...certs, ...to({ user: 'asked' }), '--config', config]);
    expect(run.code).toBe(4);
    expect(run.stderr).toMatch(/KB_SUDO +sudo requires a password/);
  });

  test('that a user may not use is told apart from a wrong password', async () => {
    const args = [...certs, ...to({ user: 'plain' }), '--config', config];
    const run = await kbinitAtTerminal(args, [{ question, text: password }]);
    expect(run.code).toBe(4);
    expect(run.screen).toMatch(/KB_SUDO +sudo did not grant root/);
    expect(run.screen).toContain('plain');
  });
});

describe('a login shell', () => {
  const noise = [
    `printf 'echo noise on stdout; echo noise on stderr >&2; PS1="> "; set -o noclobber\\nalias sh=false\\n' >/root/.bashrc`,
    'cp /root/.bashrc /root/.profile; cp /root/.bashrc /root/.bash_profile; cp /root/.bashrc /root/.zshenv',
    `mkdir -p /root/.config/fish; echo 'echo noise; echo noise >&2' >/root/.config/fish/config.fish`,
    `echo 'echo noise' >/root/.tcshrc`,
    `printf '#!/bin/sh\\necho noise; echo noise >&2\\nexec sh "$@"\\n' >/usr/local/bin/noisy-shell`,
    'chmod 755 /usr/local/bin/noisy-shell',
    'seq 1 300 >/etc/motd; seq 1 300 >/etc/issue.net',
    `printf 'Banner /etc/issue.net\\nSetEnv LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8 CDPATH=/tmp\\n' >/etc/ssh/sshd_config.d/noise.conf`,
    'systemctl reload ssh',
  ].join('\n');

  beforeAll(async () => {
    await installShells(lab, 'master1');
    await inHost(lab, 'master1', noise);
    await wipe(lab, 'master1');
    const run = await kbinit([...certs, ...to(), '--config', config]);
    expect(run.code, run.stderr).toBe(0);
  });

  afterAll(async () => {
    const quiet =
      'rm -f /root/.bashrc /root/.profile /root/.bash_profile /root/.zshenv /root/.tcshrc /etc/ssh/sshd_config.d/noise.conf';
    await inHost(lab, 'master1', `${quiet}; usermod -s /bin/bash root; systemctl reload ssh`);
  });

  test.each([
    '/bin/bash',
    '/bin/sh',
    '/bin/dash',
    '/usr/bin/zsh',
    '/usr/bin/fish',
    '/usr/bin/tcsh',
    '/usr/local/bin/noisy-shell',
  ])('%s with a banner, a motd, a foreign language and noisy start-up files changes nothing', async (shell) => {
    await inHost(lab, 'master1', `test -x ${shell}; usermod -s ${shell} root`);
    await inHost(lab, 'master1', 'rm /etc/kubernetes/pki/apiserver.*');
    const run = await kbinit([...certs, ...to(), '--config', config]);
    expect(run.code, run.stderr).toBe(0);
    expect(run.stderr).toContain('2 files created');
    expect(run.stdout + run.stderr).not.toContain('noise');
    expect(await pkiTree()).toEqual(await goldenTree(pki));
  });

  test('/usr/sbin/nologin is named as the reason', async () => {
    await inHost(lab, 'master1', 'usermod -s /usr/sbin/nologin root');
    const run = await kbinit([...certs, ...to(), '--config', config]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/KB_SSH_SHELL +the login shell does not execute commands \(nologin\?\)/);
    expect(run.stderr).toContain('This account is currently not available');
  });
});

describe('a umask', () => {
  afterAll(async () => {
    await inHost(lab, 'master1', "sed -i '/pam_umask/d' /etc/pam.d/sshd");
  });

  /** All that was written with each, so that they can be held against each other. */
  const listings = new Map<string, string>();
  const prepare = ['modules', 'sysctl', 'crictl', 'kubelet'];
  const kubeletFiles = ['config.yaml', 'kubeadm-flags.env', 'instance-config.yaml'].map((n) => `/var/lib/kubelet/${n}`);
  const written = `/etc/systemd/system/kubelet* /var/lib/kbinit /var/lib/kubelet ${kubeletFiles.join(' ')} \
/etc/modules-load.d/kbinit.conf /etc/sysctl.d/99-zz-kbinit.conf /etc/crictl.yaml`;
  const list = `for path in ${written}; do
  if [ "$path" = /var/lib/kubelet ]; then stat -c '%a %U:%G %n' $path; else find $path -printf '%m %u:%g %p\\n'; fi
done 2>/dev/null | LC_ALL=C sort -k 3; systemctl show -p UMask kubelet`;

  test.each(['000', '022', '027', '077'])('of %s gives the modes that kubeadm gives (R25)', async (umask) => {
    await wipe(lab, 'master1');
    await inHost(lab, 'master1', `rm -rf ${kubeletFiles.join(' ')} /etc/systemd/system/kubelet.service.d`);
    const rule = `session optional pam_umask.so umask=0${umask}`;
    await inHost(lab, 'master1', `sed -i '/pam_umask/d' /etc/pam.d/sshd; echo '${rule}' >>/etc/pam.d/sshd`);
    const seen = await mustRun('ssh', [
      '-i',
      lab.identityFile,
      '-o',
      `UserKnownHostsFile=${lab.knownHostsFile}`,
      `root@${lab.host('master1').address}`,
      'umask',
    ]);
    expect(seen.trim()).toBe(`0${umask}`);
    for (const phase of ['certs all', 'kubeconfig all', 'etcd local', 'control-plane all']) {
      const run = await kbinit(['init', 'phase', ...phase.split(' '), ...to(), '--config', config]);
      expect(run.code, run.stderr).toBe(0);
    }
    expect(await kubernetesTree(lab, 'master1')).toEqual(await goldenTree((path) => path.startsWith('etc/kubernetes')));
    const start = await kbinit(['init', 'phase', 'kubelet-start', ...to(), '--config', config]);
    expect(start.code, start.stderr).toBe(0);
    // By then it may have written a certificate of a CA that is gone with the next test.
    await inHost(lab, 'master1', 'systemctl stop kubelet; rm -rf /var/lib/kubelet/pki');
    for (const phase of prepare) {
      const run = await kbinit(['host', 'prepare', 'phase', phase, ...to()]);
      expect(run.code, run.stderr).toBe(0);
    }
    listings.set(umask, await inHost(lab, 'master1', list));
    const restored = await kbinit(['host', 'restore', ...to(), '--force']);
    expect(restored.code, restored.stderr).toBe(0);
  });

  test('makes no difference: every file and folder has the same mode and owner with all four (R25)', () => {
    const [first = '', ...others] = listings.values();
    for (const path of [...kubeletFiles, '/etc/systemd/system/kubelet.service.d/10-kubeadm.conf']) {
      expect(first).toContain(`644 root:root ${path}\n`);
    }
    expect(first).toContain('700 root:root /var/lib/kbinit/ledger\n');
    expect(first).toContain('UMask=0022');
    expect(others).toEqual([first, first, first]);
  });
});

describe("the user's SSH configuration", () => {
  test('makes nothing run, and no agent, display or port is forwarded', async () => {
    const { home, environment, flags } = await stranger();
    const trap = join(home, 'pwned');
    const hostile = [
      'Host *',
      'ForwardAgent yes',
      'ForwardX11 yes',
      'PermitLocalCommand yes',
      `LocalCommand touch ${trap}`,
      `ProxyCommand touch ${trap}`,
      'SendEnv *',
      'RemoteForward 7777 127.0.0.1:22',
      'StrictHostKeyChecking no',
    ];
    await writeFile(join(home, '.ssh', 'config'), `${hostile.join('\n')}\n`);
    await writeFile(join(home, '.ssh', 'known_hosts'), await hostKeyLine('ed25519'));
    const socket = join(home, 'agent');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      await eventually('the agent', 10, () => stat(socket));
      await mustRun('ssh-add', ['-q', lab.identityFile], { env: { SSH_AUTH_SOCK: socket } });
      const journal = await sshdJournal(lab, 'master1', async () => {
        const run = await kbinit([...certs, ...flags, '--config', config], {
          environment: { ...environment, SSH_AUTH_SOCK: socket, DISPLAY: ':0' },
        });
        expect(run.code, run.stderr).toBe(0);
      });
      expect(journal).toMatch(/server_input_channel_req: channel \d+ request exec/);
      expect(journal).not.toMatch(/request (auth-agent-req|x11-req|env|pty-req)|tcpip-forward/);
      await expect(stat(trap)).rejects.toThrow('ENOENT');
    } finally {
      agent.kill();
    }
  });
});

describe('a login', () => {
  const failed = (journal: string): number => journal.match(/^Failed (?!none)/gm)?.length ?? 0;
  const connections = (journal: string): number => journal.match(/^Connection from /gm)?.length ?? 0;

  /** A key that no host knows. */
  async function strangeKey(): Promise<string> {
    const file = join(await scratch(), 'key');
    await mustRun('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'strange', '-f', file]);
    return file;
  }

  test('with the right key fails not once in a whole phase, and happens once (R33)', async () => {
    const journal = await sshdJournal(lab, 'master1', async () => {
      const run = await kbinit([...certs, ...to(), '--config', config]);
      expect(run.code, run.stderr).toBe(0);
    });
    expect([connections(journal), failed(journal)]).toEqual([1, 0]);
  });

  test('with a wrong one fails once and is not tried again (R33)', async () => {
    const wrong = await strangeKey();
    const journal = await sshdJournal(lab, 'master1', async () => {
      const flags = to().map((word) => (word === lab.identityFile ? wrong : word));
      const { home, environment } = await stranger();
      const run = await kbinit([...certs, ...flags, '--config', config], {
        environment: { ...environment, HOME: home, SSH_AUTH_SOCK: '' },
      });
      expect(run.code, run.stderr).toBe(4);
      expect(run.stderr).toContain('KB_SSH_AUTH');
    });
    expect([connections(journal), failed(journal)]).toEqual([1, 1]);
  });

  test('with the third key of an agent fails as often as with ssh (R33)', async () => {
    const { home, environment, flags } = await stranger();
    const socket = join(home, 'agent');
    await writeFile(join(home, '.ssh', 'known_hosts'), await hostKeyLine('ed25519'));
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      await eventually('the agent', 10, () => stat(socket));
      const env = { SSH_AUTH_SOCK: socket };
      for (const key of [await strangeKey(), await strangeKey(), lab.identityFile]) {
        await mustRun('ssh-add', ['-q', key], { env });
      }
      const [host = '', login = ''] = flags;
      const ofSsh = await sshdJournal(lab, 'master1', async () => {
        const known = `UserKnownHostsFile=${join(home, '.ssh', 'known_hosts')}`;
        await mustRun('ssh', ['-F', 'none', '-i', '/nowhere', '-o', 'BatchMode=yes', '-o', known, login, 'true'], {
          env,
        });
      });
      const ofKbinit = await sshdJournal(lab, 'master1', async () => {
        const run = await kbinit([...certs, host, login, '--config', config], {
          environment: { ...environment, ...env },
        });
        expect(run.code, run.stderr).toBe(0);
      });
      expect(failed(ofSsh)).toBe(2);
      expect([connections(ofKbinit), failed(ofKbinit)]).toEqual([1, 2]);
    } finally {
      agent.kill();
    }
  });
});

describe('a connection that is reset', () => {
  let known: string;

  beforeAll(async () => {
    // The proxy is on this machine: the host's keys are known for its address too.
    known = join(await scratch(), 'known_hosts');
    const keys = (await readFile(lab.knownHostsFile, 'utf8')).split('\n').filter((line) => line.startsWith('master1,'));
    await writeFile(known, keys.map((line) => line.replace(/^\S+/, '127.0.0.1')).join('\n'));
  });

  const through = (port: number): readonly string[] => to({ address: '127.0.0.1', port, knownHosts: known });
  const sshd = (): { host: string; port: number } => ({ host: lab.host('master1').address, port: 22 });

  /** Run until it is done; a run that is not must have ended with a lost connection. */
  async function converge(args: readonly string[], runs: number): Promise<number> {
    for (let count = 1; ; count++) {
      const run = await kbinit(args);
      if (run.code === 0) return count;
      expect(run.code, run.stderr).toBe(4);
      expect(run.stderr).toMatch(/KB_SSH_(LOST|UNREACHABLE)/);
      expect(run.stderr).not.toMatch(/\n +at /);
      expect(count, run.stderr).toBeLessThan(runs);
    }
  }

  test('once at any of ten places is survived, and leaves the certificates of an undisturbed run', async () => {
    const whole = await netcut(sshd(), { afterBytes: Infinity, times: 0 });
    await wipe(lab, 'master1');
    const undisturbed = await kbinit([...certs, ...through(whole.port), '--config', config]);
    expect(undisturbed.code, undisturbed.stderr).toBe(0);
    const { bytes } = whole;
    await whole.close();
    for (let place = 1; place <= 10; place++) {
      await wipe(lab, 'master1');
      const cut = await netcut(sshd(), { afterBytes: Math.floor((bytes * place) / 11), times: 1 });
      await converge([...certs, ...through(cut.port), '--config', config], 1);
      expect(cut.cuts, `place ${place}`).toBe(1);
      await cut.close();
      expect(await pkiTree(), `place ${place}`).toEqual(await goldenTree(pki));
      expect(await inHost(lab, 'master1', "find /etc/kubernetes /var/lib/kbinit -name '.*'")).toBe('');
    }
    const again = await kbinit([...certs, ...to(), '--config', config]);
    expect(again.stderr).toContain('unchanged');
  });

  test('again and again is told as a lost connection, with what to do', async () => {
    await wipe(lab, 'master1');
    const cut = await netcut(sshd(), { afterBytes: 9000, times: Infinity });
    const run = await kbinit([...certs, ...through(cut.port), '--config', config, '--reconnect-timeout', '10']);
    await cut.close();
    expect(run.code, run.stderr).toBe(4);
    expect(run.stderr).toMatch(/KB_SSH_(LOST|UNREACHABLE)/);
    expect(run.stderr).toMatch(/do +check/);
    expect(run.seconds).toBeLessThan(60);
  });

  test('many times during a whole init ends in the same cluster', async () => {
    await wipe(lab, 'master1');
    const cut = await netcut(sshd(), { afterBytes: 60_000, times: 8 });
    await converge(['init', ...through(cut.port), '--config', config], 4);
    expect(cut.cuts).toBeGreaterThan(2);
    await cut.close();
    expect((await lab.kubectl(['get', 'nodes', '--no-headers'])).stdout).toContain('master1');
    const secrets = await lab.kubectl(['-n', 'kube-system', 'get', 'secrets', '--no-headers']);
    expect(secrets.stdout.match(/bootstrap\.kubernetes\.io\/token/g)).toHaveLength(1);
    expect(await kubernetesTree(lab, 'master1')).toEqual(await goldenTree((path) => path.startsWith('etc/kubernetes')));
    const again = await kbinit(['init', ...to(), '--config', config]);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toContain('no changes');
  });
});

describe('a link that goes dead', () => {
  test('under a command is noticed within a minute and told as a lost connection', async () => {
    const { run, silentSeconds } = await blackHoled;
    expect(run.code, run.stderr).toBe(4);
    // The kubelet's start, or whatever else the run asked of the host at that moment.
    expect(run.stderr).toMatch(/(?:went away|no channel could be opened); trying again/);
    expect(run.stderr).toMatch(/KB_SSH_(LOST|UNREACHABLE)/);
    expect(run.stderr).toContain(lab.host('node1').address);
    // A minute to notice it, and five seconds and a last try for the host to come back.
    expect(silentSeconds).toBeLessThan(75);
    const again = await kbinit(['init', 'phase', 'kubelet-start', ...to({ host: 'node1' }), '--config', config]);
    expect(again.code, again.stderr).toBe(0);
  });

  test('because the host is off is given up after --ssh-timeout', async () => {
    await lab.stop('node1', 'power cut');
    const run = await kbinit([...certs, ...to({ host: 'node1' }), '--ssh-timeout', '3']);
    expect(run.code).toBe(4);
    expect(run.stderr).toContain('KB_SSH_UNREACHABLE');
    expect(run.stderr).toContain(lab.host('node1').address);
    expect(run.seconds).toBeLessThan(10);
  });
});

interface BlackHoled {
  readonly run: KbinitResult;
  /** From the moment the link went dead. */
  readonly silentSeconds: number;
}

/** The kubelet takes its time to start, and meanwhile nothing gets through between this machine and the host. */
async function runIntoBlackHole(): Promise<BlackHoled> {
  const slow = '[Service]\nExecStartPre=/bin/sleep 600\n';
  await inHost(
    lab,
    'node1',
    `mkdir -p /run/systemd/system/kubelet.service.d; printf '${slow}' >/run/systemd/system/kubelet.service.d/slow.conf`,
  );
  const gateway = lab.host('node1').address.replace(/\d+$/, '1');
  const drop = (verb: string): string =>
    `iptables -w ${verb} INPUT -s ${gateway} -j DROP; iptables -w ${verb} OUTPUT -d ${gateway} -j DROP`;
  const phase = ['init', 'phase', 'kubelet-start', ...to({ host: 'node1' }), '--config', config];
  const running = kbinit([...phase, '--ssh-timeout', '3', '--reconnect-timeout', '5']);
  try {
    await eventually('the kubelet to be started', 60, async () => {
      const { stdout } = await lab.exec('node1', 'systemctl is-active kubelet');
      return stdout.trim() === 'activating' && (await lab.exec('node1', 'pgrep -x sleep')).code === 0;
    });
    await inHost(lab, 'node1', drop('-I'));
    const start = performance.now();
    const run = await running;
    return { run, silentSeconds: (performance.now() - start) / 1000 };
  } finally {
    await inHost(
      lab,
      'node1',
      `${drop('-D')}; rm /run/systemd/system/kubelet.service.d/slow.conf; systemctl daemon-reload; systemctl stop kubelet`,
    );
  }
}
