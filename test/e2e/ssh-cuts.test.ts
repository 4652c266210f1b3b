// A run whose connection breaks goes on by itself: cut at each of its commands, sshd restarted, the host rebooted, the
// link silent; and an sshd that gives few sessions and few logins. On real hosts.
import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../lab/lab.ts';
import { amount } from '../long.ts';
import { openHost } from '../../src/host/remote.ts';
import { connectSsh } from '../../src/host/ssh/pool.ts';
import { sh } from '../../src/host/shell.ts';
import type { Reporter } from '../../src/report/events.ts';
import { clusterConfig, eventually, kbinit, over, scratch, testLab, type KbinitResult } from './support.ts';
import { inHost, kubernetesTree, wipe } from './support/host.ts';
import { netcut, type CutRule } from './support/netcut.ts';
import { countCommands, endSshdCut, makeSshdCut, planCut, type CutPlace } from './support/sshd-cut.ts';

/** The long form tries every command, in all three places. */
const isShort = amount('KBINIT_CUTS', { short: 0, long: 1 }) === 0;

let lab: Lab;
let config: string;

beforeAll(async () => {
  lab = await testLab('sshcuts', 74);
  await lab.up(['master1']);
  await lab.recreate(['master1']);
  config = await clusterConfig({ cluster: 'encryptionAlgorithm: ECDSA-P256\n' });
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

const certs = (): Promise<KbinitResult> =>
  kbinit(['init', 'phase', 'certs', 'all', ...over(lab, 'master1'), '--config', config]);
const init = (...more: readonly string[]): Promise<KbinitResult> =>
  kbinit(['init', ...over(lab, 'master1'), '--config', config, ...more]);
const reset = (): Promise<KbinitResult> => kbinit(['reset', '--force', ...over(lab, 'master1')]);

/** Temporary files, folders and locks that a run must not leave behind. */
const leftovers = (): Promise<string> =>
  inHost(
    lab,
    'master1',
    "find /etc/kubernetes /var/lib/kbinit /run -xdev -name '*kbinit*' -newer /run/cut/plan -path '*.*kbinit*' | grep -v '^/run/systemd' || true",
  );

describe('a connection that is cut', () => {
  beforeAll(() => makeSshdCut(lab, 'master1'));
  afterAll(() => endSshdCut(lab, 'master1'));

  test('at each of the commands of a phase, before, under or after it, gives the files of an undisturbed run', async () => {
    await wipe(lab, 'master1');
    await planCut(lab, 'master1');
    const whole = await certs();
    expect(whole.code, whole.stderr).toBe(0);
    const tree = await kubernetesTree(lab, 'master1');
    const commands = await countCommands(lab, 'master1');
    expect(commands).toBeGreaterThan(2);
    const places: readonly CutPlace[] = ['before', 'under', 'after'];
    for (let at = 1; at <= commands; at++) {
      for (const place of isShort ? [places[at % 3] ?? 'under'] : places) {
        await wipe(lab, 'master1');
        await planCut(lab, 'master1', at, place);
        const run = await certs();
        expect(run.code, `${place} command ${at}: ${run.stderr}`).toBe(0);
        expect(await kubernetesTree(lab, 'master1'), `${place} command ${at}`).toEqual(tree);
        expect(await leftovers(), `${place} command ${at}`).toBe('');
      }
    }
  });

  test(
    `at every ${isShort ? 'eighth ' : ''}command of a whole init, and of a reset, ends in the cluster, and the clean host, of undisturbed ones`,
    { timeout: 1_200_000 },
    async () => {
      await wipe(lab, 'master1');
      await planCut(lab, 'master1');
      const whole = await init();
      expect(whole.code, whole.stderr).toBe(0);
      const tree = await kubernetesTree(lab, 'master1');
      const ofInit = await countCommands(lab, 'master1');
      expect((await reset()).code).toBe(0);
      for (let at = isShort ? 3 : 1; at <= ofInit; at += isShort ? 8 : 1) {
        await planCut(lab, 'master1', at, at % 3 === 0 ? 'under' : 'after');
        const run = await init();
        expect(run.code, `command ${at} of ${ofInit}: ${run.stderr}`).toBe(0);
        expect(await kubernetesTree(lab, 'master1'), `command ${at}`).toEqual(tree);
        await planCut(lab, 'master1');
        const again = await init();
        expect(again.stderr, `command ${at}`).toContain('no changes');
        const tokens = await lab.kubectl(['-n', 'kube-system', 'get', 'secrets', '--no-headers']);
        expect(tokens.stdout.match(/bootstrap\.kubernetes\.io\/token/g), `command ${at}`).toHaveLength(1);
        await planCut(lab, 'master1', at, at % 2 === 0 ? 'under' : 'after');
        const undone = await reset();
        expect(undone.code, `reset ${at}: ${undone.stderr}`).toBe(0);
        const files = 'find /etc/kubernetes/manifests /var/lib/etcd -type f 2>/dev/null || true';
        expect(await inHost(lab, 'master1', files), `reset ${at}`).toBe('');
      }
    },
  );
});

describe('a host that comes back', () => {
  test('after a reboot under a run is waited for, known again, and the run goes on', async () => {
    await wipe(lab, 'master1');
    let isStopped: Promise<void> | undefined;
    const run = await kbinit(['init', ...over(lab, 'master1'), '--config', config], {
      onProgress: (text) => {
        if (/ kubelet-start /.test(text)) isStopped ??= lab.restart('master1');
      },
    });
    await isStopped;
    expect(isStopped).toBeDefined();
    expect(run.code, run.stderr).toBe(0);
    expect(run.stderr).toContain('waiting up to 300 s for the host to come back');
    expect((await init()).stderr).toContain('no changes');
    expect((await reset()).code).toBe(0);
  });

  test('as another machine with the same key is refused', async () => {
    await wipe(lab, 'master1');
    const before = await inHost(lab, 'master1', 'cat /etc/machine-id');
    let done: Promise<unknown> | undefined;
    const swap =
      'tr 0-9a-f 1-9a-f0 </etc/machine-id >/tmp/id; cat /tmp/id >/etc/machine-id; systemctl stop ssh; pkill -KILL -x sshd; sleep 1; systemctl start ssh';
    const run = await kbinit(['init', ...over(lab, 'master1'), '--config', config], {
      onProgress: (text) => {
        if (/ certs /.test(text)) done ??= lab.exec('master1', swap);
      },
    });
    await done;
    await inHost(lab, 'master1', `printf '%s' '${before}' >/etc/machine-id`);
    expect(run.code, run.stderr).toBe(4);
    expect(run.stderr).toContain('KB_SSH_HOST_REPLACED');
  });

  test('never is given up after --reconnect-timeout', async () => {
    await wipe(lab, 'master1');
    let done: Promise<unknown> | undefined;
    const run = await kbinit(['init', ...over(lab, 'master1'), '--config', config, '--reconnect-timeout', '5'], {
      onProgress: (text) => {
        if (/ certs /.test(text)) done ??= lab.exec('master1', 'systemctl stop ssh.socket ssh; pkill -KILL -x sshd');
      },
    });
    await done;
    await inHost(lab, 'master1', 'systemctl start ssh');
    expect(run.code, run.stderr).toBe(4);
    expect(run.stderr).toContain('KB_SSH_UNREACHABLE');
    expect(run.seconds).toBeLessThan(40);
  });

  test('from behind a silent link is noticed within a minute, and the run goes on (R31)', async () => {
    await wipe(lab, 'master1');
    const rule = silence();
    let [cutAt, noticedAt] = [0, 0];
    let healed: Promise<unknown> | undefined;
    const run = await kbinit(['init', ...over(lab, 'master1'), '--config', config, '--ssh-timeout', '3'], {
      onProgress: (text) => {
        if (/ certs /.test(text) && cutAt === 0) {
          cutAt = performance.now();
          void inHost(lab, 'master1', rule('-I'));
        }
        if (/went away|waiting up to|trying again/.test(text) && noticedAt === 0) {
          noticedAt = performance.now();
          healed = inHost(lab, 'master1', rule('-D'));
        }
      },
    });
    await healed;
    expect(run.code, run.stderr).toBe(0);
    expect((noticedAt - cutAt) / 1000).toBeGreaterThan(1);
    expect((noticedAt - cutAt) / 1000).toBeLessThan(60);
    expect((await reset()).code).toBe(0);
  });
});

/** Rules that drop what this machine sends to the host, and what it is answered: `-I` puts them, `-D` takes them. */
function silence(): (verb: '-I' | '-D') => string {
  const gateway = lab.host('master1').address.replace(/\d+$/, '1');
  return (verb) => `iptables -w ${verb} INPUT -s ${gateway} -j DROP; iptables -w ${verb} OUTPUT -d ${gateway} -j DROP`;
}

describe('a limit for the whole run', () => {
  const limited = (limit: string, onProgress: (text: string) => void = () => undefined): Promise<KbinitResult> =>
    kbinit(['init', ...over(lab, 'master1'), '--config', config, '--deadline', limit], { onProgress });

  test('ends it where the link is silent, five seconds later at most, with the command to go on (R31)', async () => {
    await wipe(lab, 'master1');
    const rule = silence();
    let silent: Promise<unknown> | undefined;
    const run = await limited('12s', (text) => {
      if (/ certs /.test(text)) silent ??= inHost(lab, 'master1', rule('-I'));
    });
    expect(silent).toBeDefined();
    await silent;
    await inHost(lab, 'master1', rule('-D'));
    expect(run.code, run.stderr).toBe(1);
    expect(run.stderr).toContain('KB_DEADLINE');
    expect(run.stderr).toMatch(/to continue, .*: kbinit init .*--deadline 12s/);
    // The limit counts from when the program has started: by its own clock.
    const own = Number(/^failed after ([\d.]+)s$/m.exec(run.stderr)?.[1]);
    expect(own).toBeGreaterThan(11.5);
    expect(own).toBeLessThan(17);
    // What still waits for the host ends with the process.
    expect(run.seconds - own).toBeLessThan(10);
  });

  test('stops a healthy one cleanly: no process, no lock, no half file is left, and it goes on with more time (R31)', async () => {
    await eventually('what the silent run held to be free', 90, async () =>
      (await inHost(lab, 'master1', 'flock -n /run/kbinit/lock echo free || true')).includes('free'),
    );
    await wipe(lab, 'master1');
    const run = await limited('4s');
    expect(run.code, run.stderr).toBe(1);
    expect(run.stderr).toContain('KB_DEADLINE');
    expect(run.seconds).toBeGreaterThan(3.5);
    expect(run.seconds).toBeLessThan(9);
    const left = `flock -n /run/kbinit/lock true || echo lock; find /etc/kubernetes -type f -size 0 -o -name '*.kbinit*'`;
    await eventually('the lock', 5, async () => (await inHost(lab, 'master1', left)) === '');
    const again = await limited('5m');
    expect(again.code, again.stderr).toBe(0);
    expect((await reset()).code).toBe(0);
  });
});

describe('an upload', () => {
  /** A host behind a proxy on this machine, and the file that is sent to it. */
  async function send(
    bytes: Buffer,
    rule: CutRule,
  ): Promise<{
    readonly seconds: number;
    readonly steps: readonly string[];
    readonly connections: number;
    readonly carried: number;
  }> {
    const proxy = await netcut({ host: lab.host('master1').address, port: 22 }, rule);
    const known = (await readFile(lab.knownHostsFile, 'utf8'))
      .split('\n')
      .filter((line) => line.startsWith('master1,'));
    const knownHostsFile = join(await scratch(), 'known_hosts');
    await writeFile(knownHostsFile, known.map((line) => line.replace(/^\S+/, '127.0.0.1')).join('\n'));
    const steps: string[] = [];
    const reporter: Reporter = { emit: (event) => void (event.kind === 'step' && steps.push(event.text)) };
    const way = { host: '127.0.0.1', port: proxy.port, user: 'root', name: 'master1', reporter };
    const transport = await connectSsh({ ...way, knownHostsFile, identityFiles: [lab.identityFile] });
    const host = openHost(transport, { name: 'master1', reporter });
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const source = { size: bytes.length, read: async (at: number, length: number) => bytes.subarray(at, at + length) };
    const start = performance.now();
    await host.upload({ path: '/root/upload/file', mode: 0o644, source, sha256 });
    const seconds = (performance.now() - start) / 1000;
    const { connections, bytes: carried } = proxy;
    await host.close();
    await proxy.close();
    expect(await inHost(lab, 'master1', 'cd /root/upload; ls -A; sha256sum <file')).toBe(`file\n${sha256}  -\n`);
    return { seconds, steps, connections, carried };
  }

  test('of two megabytes over a link of 256 kbit/s tells how far it is, and arrives', async () => {
    const sent = await send(randomBytes(2_000_000), { afterBytes: Infinity, times: 0, bytesPerSecond: 32_000 });
    expect(sent.connections).toBe(1);
    expect(sent.steps.filter((text) => / \d+ % of 1\.9 MiB$/.test(text)).length).toBeGreaterThan(5);
    expect(sent.seconds).toBeLessThan(120);
  });

  test('of two megabytes over a link that loses a fifth of its packets arrives, and so do the files of a phase (R34)', async () => {
    const random = '-p tcp -m statistic --mode random --probability 0.2 -j DROP';
    const lose = (verb: string): Promise<string> =>
      inHost(
        lab,
        'master1',
        `iptables -w ${verb} INPUT --dport 22 ${random}; iptables -w ${verb} OUTPUT --sport 22 ${random}`.replaceAll(
          /(INPUT|OUTPUT) (--[ds]port 22) -p tcp/g,
          '$1 -p tcp $2',
        ),
      );
    await wipe(lab, 'master1');
    await lose('-I');
    try {
      await send(randomBytes(2_000_000), { afterBytes: Infinity, times: 0 });
      const run = await certs();
      expect(run.code, run.stderr).toBe(0);
    } finally {
      await lose('-D');
    }
    const verify = 'cd /etc/kubernetes/pki; openssl verify -CAfile ca.crt apiserver.crt apiserver-kubelet-client.crt';
    expect(await inHost(lab, 'master1', verify)).toMatch(/apiserver\.crt: OK[\s\S]*client\.crt: OK/);
  });

  test('of a hundred megabytes over 100 Mbit/s, cut at 60 %, goes on there', async () => {
    const bytes = randomBytes(100_000_000);
    const sent = await send(bytes, { afterBytes: 60_000_000, times: 1, bytesPerSecond: 12_500_000 });
    expect(sent.connections).toBe(2);
    // It did not begin again: what was there stayed there.
    expect(sent.carried).toBeLessThan(120_000_000);
  });
});

describe('an sshd that gives little', () => {
  const settings = (lines: string): Promise<string> =>
    inHost(
      lab,
      'master1',
      // An sshd that reads its settings anew does not listen for a moment.
      `printf '%s\\n' '${lines}' >/etc/ssh/sshd_config.d/little.conf; systemctl reload ssh; sleep 0.3
until ss -Hltn 'sport = :22' | grep -q .; do sleep 0.05; done`,
    );
  afterAll(() => inHost(lab, 'master1', 'rm -f /etc/ssh/sshd_config.d/little.conf; systemctl reload ssh'));

  test('one session at a time, and five seconds for the login, are enough for an init and a reset (R33)', async () => {
    await wipe(lab, 'master1');
    await settings('MaxSessions 1\nLoginGraceTime 5');
    const run = await init();
    expect(run.code, run.stderr).toBe(0);
    const undone = await reset();
    expect(undone.code, undone.stderr).toBe(0);
  });

  test('few logins at a time (MaxStartups 2:50:4) are shared by eight runs at once (R33)', async () => {
    await wipe(lab, 'master1');
    await settings('MaxStartups 2:50:4');
    const dry = ['init', 'phase', 'certs', 'ca', '--dry-run', ...over(lab, 'master1'), '--config', config];
    const runs = await Promise.all(Array.from({ length: 8 }, () => kbinit(dry)));
    expect(
      runs.map(({ code }) => code),
      runs.map(({ stderr }) => stderr).join('\n'),
    ).toEqual(Array(8).fill(0));
  });

  test('hears of five hundred commands on one connection, and no channel of them is left (R33)', async () => {
    await settings('MaxSessions 10');
    const { address } = lab.host('master1');
    const silent: Reporter = { emit: () => undefined };
    const way = { host: address, port: 22, user: 'root', name: 'master1', reporter: silent };
    const transport = await connectSsh({
      ...way,
      knownHostsFile: lab.knownHostsFile,
      identityFiles: [lab.identityFile],
    });
    /** Open files of the sshd of this connection, which has a few for each channel, and its children. */
    const held = sh`set -- $(ps -o ppid= -p $PPID); fds=$(ls /proc/$1/fd | wc -l); echo $fds $(ps --ppid "$1" -o pid= | wc -l)`;
    const seen = async (): Promise<string> => (await transport.exec(held)).stdout;
    try {
      await transport.exec(sh`true`);
      const before = await seen();
      expect(before).toMatch(/^\d+ 1\n$/);
      const codes = await Promise.all(Array.from({ length: 500 }, async () => (await transport.exec(sh`true`)).code));
      expect(codes.every((code) => code === 0)).toBe(true);
      await eventually('the channels to be closed', 10, async () => (await seen()) === before);
    } finally {
      await transport.close();
    }
  });

  test('none of its sessions stays behind a run (R33)', async () => {
    await settings('MaxSessions 10');
    expect((await certs()).code).toBe(0);
    await eventually('every session to end', 10, async () => {
      const { stdout } = await lab.exec('master1', "ps -eo args | grep -c '^sshd: root@' || true");
      return stdout.trim() === '0';
    });
  });
});
