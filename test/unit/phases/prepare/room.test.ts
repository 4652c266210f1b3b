import { expect, test } from 'vitest';
import { openLedger, parseLedger } from '../../../../src/host/ledger.ts';
import type { PrepareContext } from '../../../../src/phases/prepare/context.ts';
import { preparePhases } from '../../../../src/phases/prepare/index.ts';
import { room } from '../../../../src/phases/prepare/room.ts';
import { newestVersion } from '../../../../src/kube/releases.ts';
import type { PrepareFiles } from '../../../../src/prepare/flags.ts';
import type { Offline } from '../../../../src/prepare/spec.ts';
import type { HostState } from '../../../../src/prepare/state.ts';
import { FakeHost, recordingReporter } from '../../../fakes/host.ts';
import { runContext } from '../../../fakes/run.ts';
import { failureOf } from '../../../fakes/failure.ts';
import { bareState, found, specOf } from '../../prepare/states.ts';

const source = { size: 1, read: async () => new Uint8Array([1]) };
const kubelet = { name: 'kubelet', path: '/usr/local/bin/kubelet', source, sha256: 'aa', architecture: 'x86_64' };
const uploaded: PrepareFiles = { binaries: [kubelet] };

interface Room {
  readonly programsMiB: number;
  readonly dataMiB?: number;
  readonly inodes?: number;
}

/** A preparation of a host in this state, with this much room. */
function preparing(
  { programsMiB, dataMiB = 50_000, inodes = 1e6 }: Room,
  { files = uploaded, state = bareState }: Partial<Given> = {},
): { readonly ctx: PrepareContext; readonly host: FakeHost; readonly told: () => readonly string[] } {
  const programs = files.binaries === undefined ? '/usr' : '/usr/local/bin';
  const disks = [programs, '/var/lib/kubelet', '/var/lib/containerd'].map((path) => `rw ${path}`).join('\n');
  const space = [programsMiB, dataMiB, dataMiB].map((mib) => `${mib} 1048576 ${inodes} 2000000`).join('\n');
  const survey = `\n@@kbinit:disks\n${disks}\n\n@@kbinit:devices\n1\n2\n2\n\n@@kbinit:space\n${space}\n\n@@kbinit:end\n`;
  const host = new FakeHost({ name: 'node1', replies: [[/disks/, survey]] });
  const reporter = recordingReporter();
  const ctx: PrepareContext = {
    ...runContext(host, 'kbinit host prepare'),
    reporter,
    spec: specOf({}, files),
    ledger: openLedger(host),
    readLedger: (text) => parseLedger('node1', text),
    state: Promise.resolve(state),
  };
  const told = (): readonly string[] =>
    reporter.events.flatMap((event) => (event.kind === 'warning' ? [event.text] : []));
  return { ctx, host, told };
}

interface Given {
  readonly files: PrepareFiles;
  readonly state: HostState;
}

test('comes before anything is changed', () => {
  expect(preparePhases.map(({ name }) => name).slice(0, 2)).toEqual(['detect', 'room']);
});

test.each([
  ['programs to upload', uploaded, '/usr/local/bin'],
  ['packages to install', {}, '/usr'],
])('%s need a GiB where they go (R19)', async (_what, files, folder) => {
  await room.run(preparing({ programsMiB: 1024 }, { files }).ctx, []);
  const { problems } = await failureOf(room.run(preparing({ programsMiB: 1023 }, { files }).ctx, []));
  expect(problems).toMatchObject([{ code: 'KB_DISK_FULL', host: 'node1' }]);
  expect(problems[0]?.detail).toContain(`the filesystem of ${folder} has 1023 MiB free`);
  expect(problems[0]?.fix).toContain('--skip-phases=room');
});

test('too few inodes for them are refused too (R19)', async () => {
  await expect(failureOf(room.run(preparing({ programsMiB: 4096, inodes: 999 }).ctx, []))).resolves.toMatchObject({
    problems: [{ code: 'KB_DISK_FULL' }, { code: 'KB_DISK_FULL' }],
  });
});

test('less than two GiB for images are told of, and the preparation goes on (R19)', async () => {
  const { ctx, told } = preparing({ programsMiB: 4096, dataMiB: 2047 });
  await room.run(ctx, []);
  expect(told()).toEqual([expect.stringContaining('/var/lib/kubelet, /var/lib/containerd has 2047 MiB free')]);
});

test('images of a bundle need room as they come and unpacked, beside the largest archive (R19)', async () => {
  const archiveOf = (file: string, mib: number): Offline['archives'][number] => ({
    source: { ...source, size: mib * 2 ** 20 },
    sha256: 'aa',
    file,
    images: [{ name: `registry.k8s.io/${file}:1`, digest: 'sha256:aa' }],
  });
  const offline: Offline = {
    version: newestVersion(),
    imageRepository: 'registry.k8s.io',
    packages: [],
    archives: [archiveOf('a', 100), archiveOf('b', 300)],
  };
  const files = { ...uploaded, offline };
  const needed = 200 + 2 * (100 + 300) + 300;
  await room.run(preparing({ programsMiB: 4096, dataMiB: needed }, { files }).ctx, []);
  const { problems } = await failureOf(
    room.run(preparing({ programsMiB: 4096, dataMiB: needed - 1 }, { files }).ctx, []),
  );
  expect(problems).toMatchObject([{ code: 'KB_DISK_FULL' }]);
  expect(problems[0]?.detail).toContain(`/var/lib/containerd has ${needed - 1} MiB free`);
  const images = new Map(['a', 'b'].map((name) => [`registry.k8s.io/${name}:1`, new Set(['sha256:aa'])]));
  await room.run(preparing({ programsMiB: 4096, dataMiB: 200 }, { files, state: { ...bareState, images } }).ctx, []);
});

test('a host that has its programs is not asked (R19)', async () => {
  const there = found('x', 0o755);
  const stamp = `aa ${there.size} ${there.modified} /usr/local/bin/kubelet\n`;
  const state: HostState = {
    ...bareState,
    files: new Map([['/usr/local/bin/kubelet', there]]),
    texts: new Map([['/var/lib/kbinit/uploads', stamp]]),
  };
  const { ctx, host } = preparing({ programsMiB: 0 }, { state });
  expect(await room.run(ctx, [])).toBe('unchanged');
  expect(host.ran).toEqual([]);
});
