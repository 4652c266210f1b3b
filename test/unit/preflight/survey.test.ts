// The survey: its parser over literal answers, and its script run for real on this machine.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSurvey } from '../../../src/preflight/survey-parse.ts';
import { mergeQuestions, survey, surveyCommand, type Questions } from '../../../src/preflight/survey.ts';
import type { Survey } from '../../../src/preflight/survey-parse.ts';
import { FakeHost } from '../../fakes/host.ts';

type Parsed = Omit<Survey, 'externalEtcd'>;

/** @throws when the text is not a whole survey */
function parse(text: string): Parsed {
  const parsed = parseSurvey(`${text}\n@@kbinit:end\n`);
  if (parsed === undefined) throw new Error('the survey did not parse');
  return parsed;
}

describe('parser', () => {
  test('an answer that was cut off is none', () => {
    expect(parseSurvey('\n@@kbinit:identity\n0\nLinux\n')).toBeUndefined();
  });

  test('noise before the first fence is nothing', () => {
    expect(parse('Welcome!\n@@kbinit:identity\n0\nLinux\n')).toMatchObject({ uid: 0, kernelName: 'Linux' });
  });

  test('listeners of both families get their process by inode', () => {
    const { listeners } = parse(`
@@kbinit:listeners
   0: 00000000:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000 100 0 0 10 0
   1: 00000000000000000000000000000000:280A 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000 100 0 0 10 0
   2: 0100007F:2813 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 99 1 0000 100 0 0 10 0

@@kbinit:owners
812
kube-apiserver
/usr/local/bin/kube-apiserver
lrwx------ 1 0 0 64 Nov 21 08:00 7 -> socket:[4711]
900
kubelet

lrwx------ 1 0 0 64 Nov 21 08:00 12 -> socket:[4712]
`);
    expect([...listeners.values()]).toEqual([
      { port: 6443, pid: 812, command: 'kube-apiserver' },
      { port: 10250, pid: 900, command: 'kubelet' },
      { port: 10259 },
    ]);
  });

  test('an executable that was replaced keeps its name', () => {
    const { listeners } = parse(`
@@kbinit:listeners
   0: 00000000:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1
@@kbinit:owners
812
etcd
/usr/bin/etcd (deleted)
lrwx------ 1 0 0 64 Nov 21 08:00 7 -> socket:[4711]
`);
    expect(listeners.get(6443)?.command).toBe('etcd');
  });

  test('texts and certificates keep their lines; keys never come', () => {
    const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----';
    const { texts, certificates } = parse(`
@@kbinit:text /etc/a b
one

two
@@kbinit:certificates /x.pem
${pem}
${pem}
`);
    expect(texts.get('/etc/a b')).toBe('one\n\ntwo');
    expect(certificates.get('/x.pem')).toEqual([pem, pem]);
  });

  test('a text without line feed at its end is whole', () => {
    expect(parse('\n@@kbinit:text /a\nlast line').texts.get('/a')).toBe('last line');
  });

  test('units come in blocks; no section means no systemctl', () => {
    const { units } = parse(`
@@kbinit:units
Id=kubelet.service
LoadState=loaded
ActiveState=inactive
UnitFileState=enabled

Id=firewalld.service
LoadState=not-found
ActiveState=inactive
`);
    expect(units?.get('kubelet.service')).toEqual({ load: 'loaded', active: 'inactive', file: 'enabled' });
    expect(units?.get('firewalld.service')).toEqual({ load: 'not-found', active: 'inactive', file: '' });
    expect(parse('').units).toBeUndefined();
  });

  test('swaps are the lines after the head', () => {
    const text = '\n@@kbinit:swaps\nFilename Type Size Used Priority\n/dev/dm-1 partition 1 0 -2\n/swap file 1 0 -3\n';
    expect(parse(text).swaps).toEqual(['/dev/dm-1', '/swap']);
    expect(parse('\n@@kbinit:swaps\nFilename Type Size Used Priority\n').swaps).toEqual([]);
  });

  test('lookups group addresses by name, each once', () => {
    const { lookups } = parse(`
@@kbinit:lookups
? master1
192.168.3.29    STREAM master1
192.168.3.29    DGRAM
fd00::1         STREAM
? nobody
`);
    expect(lookups.get('master1')?.addresses).toEqual(['192.168.3.29', 'fd00::1']);
    expect(lookups.get('nobody')?.addresses).toEqual([]);
  });

  test('disks tell room, inodes where they are counted, and whether they can be written', () => {
    const { disks } = parse(
      '\n@@kbinit:disks\nrw /var/lib/a b\nro /etc\n\n@@kbinit:devices\n65024\n3\n\n@@kbinit:space\n512 1048576 9 10\n1 4096 0 0\n',
    );
    expect(disks).toEqual([
      { path: '/var/lib/a b', device: '65024', freeMiB: 512, freeInodes: 9, isWritable: true },
      { path: '/etc', device: '3', freeMiB: 0, isWritable: false },
    ]);
  });

  test.each([
    ['cgroup2 /sys/fs/cgroup cgroup2 rw 0 0', '', 2],
    ['tmpfs /sys/fs/cgroup tmpfs ro 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0', 'yes', 1],
    ['tmpfs /sys/fs/cgroup tmpfs ro 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0', '', 2],
    ['cgroup /dev/cgroup cgroup rw 0 0', '', 1],
    ['', '', undefined],
  ])('mounts %o with memory folder %o are cgroup v%s', (mounts, memory, version) => {
    const text = `\n@@kbinit:mounts\n${mounts}\n@@kbinit:cgroup-memory\n${memory}\n`;
    expect(parse(text).cgroups.version).toBe(version);
  });

  test('v1 controllers that are switched off do not count; v2 has devices by itself', () => {
    const v1 = `
@@kbinit:mounts
cgroup /sys/fs/cgroup cgroup rw 0 0
@@kbinit:cgroup-v1
#subsys_name hierarchy num_cgroups enabled
cpu 1 1 1
memory 0 1 0
`;
    expect([...parse(v1).cgroups.controllers]).toEqual(['cpu']);
    const v2 = `
@@kbinit:mounts
cgroup2 /sys/fs/cgroup cgroup2 rw 0 0
@@kbinit:cgroup-v2
cpuset cpu io memory
freezer
`;
    expect([...parse(v2).cgroups.controllers]).toEqual(['devices', 'cpuset', 'cpu', 'io', 'memory', 'freezer']);
  });

  test('chains and nftables tables are leftovers', () => {
    const text = '\n@@kbinit:chains\n:KUBE-SERVICES - [0:0]\n:KUBE-SERVICES - [0:0]\ntable ip kube-proxy\n';
    expect(parse(text).leftovers).toMatchObject({ chains: ['KUBE-SERVICES'], nftTables: ['ip kube-proxy'] });
  });
});

describe('questions', () => {
  test('of many checks are one set', () => {
    const merged = mergeQuestions([{ ports: [1, 2] }, { ports: [2], criSocket: 'unix:///a' }, { leftovers: true }]);
    expect(merged).toMatchObject({ ports: [1, 2], criSocket: 'unix:///a', leftovers: true });
  });

  test('a survey that ended early is a failure with what the host said', async () => {
    const host = new FakeHost({ replies: [['@@kbinit', { code: 127, stderr: 'sh: not found\n' }]] });
    await expect(survey(host, {})).rejects.toMatchObject({
      problems: [{ code: 'KB_SURVEY', host: 'master1', evidence: ['sh: not found'] }],
    });
  });
});

describe('the cgroup driver of containerd', () => {
  const driver = (lines: string): string | undefined =>
    parse(`\n@@kbinit:socket\nlistening\n\n@@kbinit:cgroup-driver\ncontainerd\n${lines}`).runtime?.cgroupDriver;

  test.each([
    ['          SystemdCgroup = true', 'systemd'],
    ['SystemdCgroup=true', 'systemd'],
    ['  SystemdCgroup = false', 'cgroupfs'],
    ['', 'cgroupfs'],
  ])('%o is %s', (line, expected) => {
    expect(driver(line)).toBe(expected);
  });

  test('is not known of another runtime', () => {
    expect(parse('\n@@kbinit:socket\nlistening\n').runtime?.cgroupDriver).toBeUndefined();
  });
});

test('what the survey says stays out of the log: it may hold what a runtime logs in with', async () => {
  const host = new FakeHost({ replies: [['@@kbinit', (_, io) => `\n@@kbinit:text x\n${io.secret}\n@@kbinit:end\n`]] });
  expect((await survey(host, {})).texts.get('x')).toBe('true');
});

describe('the script on this machine', () => {
  let server: Server;
  let port = 0;
  let folder = '';
  let seen: Parsed;

  /** Run the survey under the machine's sh, read-only. */
  const look = (questions: Questions, programs?: string): Promise<Parsed> =>
    new Promise((resolve, reject) => {
      const { text } = surveyCommand(questions);
      const path = [...(programs === undefined ? [] : [programs]), process.env['PATH']].join(':');
      execFile('sh', ['-c', text], { env: { ...process.env, PATH: path, LC_ALL: 'C' } }, (_, stdout, stderr) => {
        const parsed = parseSurvey(stdout);
        if (parsed === undefined) reject(new Error(`no survey: ${stderr}`));
        else resolve(parsed);
      });
    });

  beforeAll(async () => {
    server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    folder = mkdtempSync(join(tmpdir(), "survey it's "));
    mkdirSync(join(folder, 'empty'));
    mkdirSync(join(folder, 'disk', 'lost+found'), { recursive: true });
    writeFileSync(join(folder, 'text'), '$(touch /tmp/never) `x`\nsecond\n');
    writeFileSync(
      join(folder, 'pem'),
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\nBBBB\n-----END EC PRIVATE KEY-----\n',
    );
    seen = await look({
      ports: [port, 1],
      paths: ['', '/empty', '/disk', '/text', '/none'].map((name) => folder + name),
      kinds: [folder, join(folder, 'text'), join(folder, 'none'), '/dev/null'],
      texts: [join(folder, 'text'), join(folder, 'none')],
      certificates: [join(folder, 'pem')],
      executables: ['cp', 'no-such-command'],
      units: ['kubelet.service'],
      lookups: ['localhost', 'name.invalid'],
      disks: [folder, '/var/lib/not/there/yet'],
      kernelOptions: ['NAMESPACES'],
      criSocket: 'unix:///no/such.sock',
      leftovers: true,
    });
  });
  afterAll(() => server.close());

  test('names the process that listens, and nobody on a free port', () => {
    expect(seen.listeners.get(port)).toEqual({ port, pid: process.pid, command: 'node' });
    expect(seen.listeners.has(1)).toBe(false);
  });

  test('tells missing, file, empty and filled apart, whatever the name holds', () => {
    expect([...seen.paths.values()]).toEqual(['filled-folder', 'empty-folder', 'fresh-disk', 'file', 'missing']);
  });

  test('tells files, directories and devices apart', () => {
    expect([...seen.kinds.values()]).toEqual(['directory', 'file', 'missing', 'character device']);
  });

  test('reads texts to the letter and no private key', () => {
    expect(seen.texts).toEqual(new Map([[join(folder, 'text'), '$(touch /tmp/never) `x`\nsecond\n'.trimEnd()]]));
    expect(seen.certificates.get(join(folder, 'pem'))?.join()).not.toContain('BBBB');
    expect(seen.certificates.get(join(folder, 'pem'))).toHaveLength(1);
  });

  test('looks up commands and names', () => {
    expect([...seen.executables]).toEqual(['cp']);
    expect(seen.lookups.get('localhost')?.addresses).not.toEqual([]);
    expect(seen.lookups.get('name.invalid')?.addresses).toEqual([]);
  });

  test('finds the room of folders that do not exist yet', () => {
    expect(seen.disks.map((disk) => disk.path)).toEqual([folder, '/var/lib/not/there/yet']);
    for (const disk of seen.disks) expect(disk.freeMiB).toBeGreaterThan(0);
  });

  test('knows who runs it, the kernel and its cgroups', () => {
    expect(seen.uid).toBe(process.getuid?.());
    expect(seen.kernelName).toBe('Linux');
    expect([1, 2]).toContain(seen.cgroups.version);
    expect(seen.runtime).toEqual({ socket: 'missing', tool: 'none', state: 'unknown' });
  });

  test('names the interfaces that have a hardware address', () => {
    const own = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
      addresses.flatMap(({ mac, internal }) => (internal ? [] : [`${name} ${mac}`])),
    );
    expect(seen.links.map(({ name, mac }) => `${name} ${mac}`)).toEqual(expect.arrayContaining([...new Set(own)]));
    expect(seen.links.map(({ name }) => name)).not.toContain('lo');
  });

  test('tells a listening socket from a stale one', async () => {
    const at = join(folder, 'x.sock');
    const listening = createServer();
    await new Promise<void>((resolve) => void listening.listen(at, resolve));
    expect((await look({ criSocket: `unix://${at}` })).runtime?.socket).toBe('listening');
    expect((await look({ criSocket: `unix://${at.slice(0, -1)}` })).runtime?.socket).toBe('missing');
    await new Promise((resolve) => void listening.close(resolve));
    expect((await look({ criSocket: `unix://${join(folder, 'text')}` })).runtime?.socket).toBe('not-a-socket');
  });

  /** Look through a socket at a runtime whose tools are these scripts. */
  const lookAtRuntime = async (tools: Readonly<Record<string, string>>): Promise<Parsed['runtime']> => {
    const programs = mkdtempSync(join(folder, 'programs-'));
    for (const [name, text] of Object.entries(tools)) {
      writeFileSync(join(programs, name), `#!/bin/sh\n${text}`, { mode: 0o755 });
    }
    const at = join(programs, 'containerd.sock');
    const listening = createServer();
    await new Promise<void>((resolve) => void listening.listen(at, resolve));
    const { runtime } = await look({ criSocket: `unix://${at}` }, programs);
    await new Promise((resolve) => void listening.close(resolve));
    return runtime;
  };
  const ready = '{"status": {"conditions": [{"type": "RuntimeReady", "status": true}]}}';

  test('takes what crictl says about its answer for no part of it', async () => {
    const crictl = `echo 'DEBU[0000] {"status": {"conditions": []}}' >&2
case "$*" in
*runtime-config) echo 'cgroup driver: SYSTEMD' ;;
*info) echo '${ready}' ;;
esac
echo 'DEBU[0000] }' >&2`;
    expect(await lookAtRuntime({ crictl })).toMatchObject({ tool: 'crictl', state: 'ready', hasRuntimeConfig: true });
  });

  test('asks crictl without the configuration of the host, and ctr about a CRI that is not served', async () => {
    const crictl = `case "$*" in '--config /dev/null '*) ;; *) exit 7 ;; esac
echo 'FATA[0000] rpc error: code = Unimplemented desc = unknown service runtime.v1.RuntimeService' >&2; exit 1`;
    const ctr = `case "$*" in
*version) printf 'Server:\n  Version:  v2.3.5\n' ;;
*ls) printf 'io.containerd.cri.v1  runtime  linux/amd64  ok\n' ;;
esac`;
    expect(await lookAtRuntime({ crictl, ctr })).toMatchObject({
      state: 'silent',
      message: expect.stringContaining('unknown service'),
      withoutCri: { version: '2.3.5', plugin: 'missing' },
    });
  });

  test('asks nothing when nothing is asked', async () => {
    const nothing = await look({});
    expect(nothing.runtime).toBeUndefined();
    expect(nothing.paths.size).toBe(0);
  });
});

test.each([
  ['identity', '0; reboot', 'user id'],
  ['swaps', 'Filename\n/dev/\u009B31m file 1 0 -2', 'swap device'],
  ['lookups', '? api.example\n10.0.0.1,evil STREAM api.example', 'address of a name'],
  ['macs', '52:54:00:00:00:01 e\u202Eth0', 'network interface'],
  ['cni', '10-x\u001B]0;PWNED\u0007.conf', 'file of a network'],
  ['owners', '12\nsh\n/bin/s\u001Bh\nlrwx 1 0 0 socket:[7]', 'name of a process'],
  ['kernel', 'config\nCONFIG_X=y', "kernel's configuration"],
])('a host that says what cannot be in its section %s is refused', (section, text, what) => {
  expect(() => parseSurvey(`@@kbinit:${section}\n${text}\n\n@@kbinit:end\n`)).toThrow(
    new RegExp(`^KB_HOST_FACT the host reports an invalid value: ${what}: found `),
  );
});
