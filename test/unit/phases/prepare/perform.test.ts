// A preparation on a host of literal answers: one question when nothing changes, and the ledger before every change.
import { expect, test } from 'vitest';
import { openLedger, parseLedger } from '../../../../src/host/ledger.ts';
import type { PrepareContext } from '../../../../src/phases/prepare/context.ts';
import { preparePhases } from '../../../../src/phases/prepare/index.ts';
import { FakeHost, type Reply } from '../../../fakes/host.ts';
import { runAll, runContext } from '../../../fakes/run.ts';
import { specOf } from '../../prepare/states.ts';

const osRelease = Buffer.from('ID=rocky\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.6"\n').toString('base64');

/** What a host says that is ready to be a load balancer, or anything with these lines more. */
function answer(more: readonly string[] = []): string {
  return [
    'kernel 5.14.0-570.el9.x86_64',
    'hostname node1',
    'machine x86_64',
    'cgroup 2',
    'capabilities 000001ffffffffff',
    `text ${osRelease} /etc/os-release`,
    'unit Id=chronyd.service',
    'unit LoadState=loaded',
    'unit ActiveState=active',
    'unit UnitFileState=enabled',
    ...more,
    '',
  ].join('\n');
}

async function run(replies: readonly (readonly [string | RegExp, Reply])[], flags = {}): Promise<FakeHost> {
  const host = new FakeHost({ replies: [...replies, ['ledger.json', ''], [/^/, '']] });
  const ctx: PrepareContext = {
    ...runContext(host, 'kbinit host prepare'),
    spec: specOf({ role: ['lb'], ...flags }),
    ledger: openLedger(host),
    readLedger: (text) => parseLedger('node1', text),
  };
  await runAll(preparePhases, ctx);
  return host;
}

test('a host that is ready is asked one question and nothing else', async () => {
  const host = await run([['basics', answer()]]);
  expect(host.ran).toHaveLength(1);
  expect(host.files.size).toBe(0);
});

test('what is there is kept before it is changed', async () => {
  const host = await run([['basics', answer(['swap Filename Type', 'swap /dev/dm-1 partition 1 0 -2'])]]);
  const order = host.ran.map(({ command }) =>
    command.includes('ledger.json') && !command.includes('basics')
      ? 'ledger'
      : command.includes('swapoff')
        ? 'swapoff'
        : 'other',
  );
  expect(order.indexOf('ledger')).toBeGreaterThan(0);
  expect(order.indexOf('swapoff')).toBeGreaterThan(order.indexOf('ledger'));
  const kept = host.ran.find(({ stdin }) => typeof stdin === 'string' && stdin.includes('"swap"'));
  expect(kept?.stdin).toContain('/dev/dm-1');
});

test('a ledger that cannot be kept leaves the host as it is', async () => {
  const swap = answer(['swap /dev/dm-1 partition 1 0 -2']);
  const replies: readonly (readonly [string, Reply])[] = [
    ['basics', swap],
    ['ledger.json', { code: 1, stderr: 'No space left on device' }],
  ];
  await expect(run(replies)).rejects.toThrow('KB_LEDGER');
});

test('CentOS 7 is refused for Kubernetes 1.32 before anything is done', async () => {
  const seven = Buffer.from('ID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="7"\n').toString('base64');
  const old = answer().replace(osRelease, seven);
  await expect(run([['basics', old]], { kubernetesVersion: '1.32' })).rejects.toThrow('KB_PREPARE_OS');
});

test('a step that fails says what the command said', async () => {
  const swap = answer(['swap /dev/dm-1 partition 1 0 -2']);
  const failing = run([
    ['basics', swap],
    ['swapoff', { code: 255, stderr: 'swapoff: /dev/dm-1: swapoff failed: Cannot allocate memory' }],
  ]);
  await expect(failing).rejects.toMatchObject({
    problems: [{ code: 'KB_PREPARE_COMMAND', detail: expect.stringContaining('Cannot allocate memory') }],
  });
});

test('a disk that runs full under a step is told as that (R19)', async () => {
  const failing = run([
    ['basics', answer(['swap /dev/dm-1 partition 1 0 -2'])],
    ['swapoff', { code: 1, stderr: 'cat: write error: No space left on device' }],
  ]);
  await expect(failing).rejects.toMatchObject({ problems: [{ code: 'KB_DISK_FULL' }] });
});

test('Debian without the key of its packages is refused before anything is done, with the place of the key', async () => {
  const debian = Buffer.from('ID=debian\nVERSION_ID="12"\n').toString('base64');
  const twelve = answer().replace(osRelease, debian);
  const worker = { role: ['worker'], kubernetesVersion: '1.35' };
  await expect(run([['basics', twelve]], worker)).rejects.toMatchObject({
    problems: [{ fix: expect.stringContaining('https://pkgs.k8s.io/core:/stable:/v1.35/deb/Release.key') }],
  });
  const lb = await run([['basics', twelve]]);
  expect(lb.ran).toHaveLength(1);
});

test('programs are sent into the staging folder after the ledger; one that the host refuses has its own code', async () => {
  const source = { size: 3, read: async () => Buffer.from('abc') };
  const kubelet = { name: 'kubelet', path: '/usr/local/bin/kubelet', source, sha256: 'aa', architecture: 'x86_64' };
  const replies: readonly (readonly [string | RegExp, Reply])[] = [
    ['basics', answer()],
    ['what arrived has another checksum', { code: 3, stderr: 'what arrived has another checksum' }],
    ['ledger.json', ''],
    [/^/, ''],
  ];
  const host = new FakeHost({ replies });
  const ctx: PrepareContext = {
    ...runContext(host, 'kbinit host prepare'),
    spec: specOf({}, { binaries: [kubelet] }),
    ledger: openLedger(host),
    readLedger: (text) => parseLedger('node1', text),
  };
  const phases = preparePhases.filter(({ name }) => name === 'binaries');
  await expect(runAll(phases, ctx)).rejects.toMatchObject({
    problems: [{ code: 'KB_BINARY', detail: 'what arrived has another checksum (exit code 3)' }],
  });
  expect(host.files.get('/var/lib/kbinit/staging/kubelet')).toBe('abc');
  expect(host.modes.get('/var/lib/kbinit/staging/kubelet')).toBe(0o600);
  const order = host.ran.map(({ command }) => (command.includes('another checksum') ? 'place' : 'before'));
  expect(order.at(-1)).toBe('place');
  expect(order.filter((one) => one === 'place')).toHaveLength(1);
});
