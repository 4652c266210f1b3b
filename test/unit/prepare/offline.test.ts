// What a bundle brings beside its programs: packages as files, images by digest.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { planBundledPackages } from '../../../src/prepare/bundled-packages.ts';
import { planBinaries } from '../../../src/prepare/binaries.ts';
import { distroOf, type Distro } from '../../../src/prepare/distro.ts';
import { assertOneSource } from '../../../src/prepare/flags.ts';
import { readImages } from '../../../src/prepare/found-images.ts';
import { planImages } from '../../../src/prepare/images.ts';
import type { CommandAction, Plan } from '../../../src/prepare/action.ts';
import type { LocalFile, Offline } from '../../../src/prepare/spec.ts';
import type { HostState } from '../../../src/prepare/state.ts';
import { newestVersion } from '../../../src/kube/releases.ts';
import { formatVersion } from '../../../src/kube/version.ts';
import { bareState, specOf } from './states.ts';

const file: LocalFile = { source: { size: 5, read: async () => Buffer.from('12345') }, sha256: 'ab'.repeat(32) };
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const [a, b] = [digest('a'), digest('b')];
const apiServer = 'registry.k8s.io/kube-apiserver:v1.36.3';
const proxy = 'registry.k8s.io/kube-proxy:v1.36.3';

const offline: Offline = {
  version: newestVersion(),
  imageRepository: 'registry.k8s.io',
  packages: [],
  archives: [
    { ...file, file: 'apiserver.tar', images: [{ name: apiServer, digest: a, only: 'control-plane' }] },
    { ...file, file: 'proxy.tar', images: [{ name: proxy, digest: b }] },
  ],
};
const kubelet = { ...file, name: 'kubelet', path: '/usr/local/bin/kubelet', architecture: 'x86_64' };
const files = { binaries: [kubelet], offline };

function commands({ actions }: Plan): readonly CommandAction[] {
  return actions.flatMap((action) => (action.kind === 'command' ? [action] : []));
}

// --------------------------------------------------------------------------------------------------------- images

test('a worker gets no image of the control plane; a control plane gets all', () => {
  const whys = (role: string): readonly string[] =>
    commands(planImages(bareState, specOf({ role: [role] }, files))).map(({ why }) => why);
  expect(whys('worker')).toEqual([`import ${proxy} (1 MiB of the bundle)`]);
  expect(whys('control-plane')).toHaveLength(2);
  expect(whys('etcd')).toEqual([]);
});

test('an archive goes to the host only where it brings an image that the host has not with that digest', () => {
  const plan = (images: HostState['images']): number =>
    planImages({ ...bareState, images }, specOf({ role: ['worker'] }, files)).actions.length;
  expect(plan(new Map([[proxy, new Set([b])]]))).toBe(0);
  expect(plan(new Map([[proxy, new Set([a])]]))).toBe(1);
  expect(plan(new Map([['registry.k8s.io/other:1', new Set([b])]]))).toBe(1);
});

test('an import works on a file of the staging folder, is named for its images and says its own code', () => {
  const [action] = commands(planImages(bareState, specOf({}, files)));
  expect(action?.uploads).toEqual([
    { path: '/var/lib/kbinit/staging/proxy.tar', mode: 0o600, source: file.source, sha256: file.sha256 },
  ]);
  expect(action?.code).toBe('KB_IMAGE_IMPORT');
  expect(action?.command.text).toContain(
    `set -- /var/lib/kbinit/staging/proxy.tar registry.k8s.io/pause:3.10.2 ${proxy} ${b};`,
  );
});

test('the script is one that a POSIX shell reads', () => {
  for (const { command } of commands(planImages(bareState, specOf({ role: ['control-plane'] }, files)))) {
    execFileSync('dash', ['-n'], { input: command.text });
  }
});

test("crictl's list: each name of an image with its digests; ctr's: a name and a digest", () => {
  const images = [
    { id: digest('c'), repoTags: [proxy], repoDigests: [`registry.k8s.io/kube-proxy@${b}`] },
    { id: digest('d'), repoTags: [apiServer], repoDigests: [] },
    { id: digest('e'), repoTags: null },
  ];
  const found = readImages(JSON.stringify({ images }), []);
  expect([...(found.get(proxy) ?? [])]).toEqual([b]);
  expect([...(found.get(apiServer) ?? ['nothing'])]).toEqual([]);
  expect(readImages('', [`REF TYPE DIGEST SIZE`, `${proxy} application/x ${b} 3 MiB`])).toEqual(
    new Map([[proxy, new Set([b])]]),
  );
  expect(readImages('not JSON', []).size).toBe(0);
});

// ------------------------------------------------------------------------------------------------------- packages

const packages: Offline['packages'] = [
  { ...file, name: 'conntrack-tools', file: 'conntrack-tools-1.rpm', system: 'el9' },
  { ...file, name: 'libnetfilter_cthelper', file: 'libnetfilter_cthelper-1.rpm', system: 'el9' },
  { ...file, name: 'socat', file: 'socat-1.rpm', system: 'el9' },
  { ...file, name: 'chrony', file: 'chrony-1.rpm', system: 'el9' },
  { ...file, name: 'conntrack-tools', file: 'conntrack-tools-old.rpm', system: 'el8' },
  { ...file, name: 'conntrack-tools', file: 'conntrack-tools-any.rpm', system: 'rpm' },
  { ...file, name: 'socat', file: 'socat.deb', system: 'deb' },
];
const withClock: HostState = {
  ...bareState,
  programs: new Set(['socat', 'ethtool', 'iptables', 'tc']),
  packages: new Map([['container-selinux', '2']]),
  units: new Map([['chronyd.service', { load: 'loaded', isActive: true, enabled: 'enabled' }]]),
};

function systemOf(state: HostState): Distro {
  const distro = distroOf(state);
  if ('unknown' in distro) throw new Error(distro.unknown);
  return distro;
}

function packagePlan(state: HostState): Plan {
  return planBundledPackages(state, { ...offline, packages }, systemOf(state));
}

test('what is missing comes with what it needs, from the files of that very system, without tools nobody lacks', () => {
  const [action, ...others] = commands(packagePlan(withClock));
  expect(others).toEqual([]);
  expect(action?.why).toBe('install conntrack-tools libnetfilter_cthelper (1 MiB of the bundle)');
  expect(action?.command.text).toContain("--disablerepo='*'");
  expect(action?.uploads?.map(({ path }) => path)).toEqual([
    '/var/lib/kbinit/staging/conntrack-tools-1.rpm',
    '/var/lib/kbinit/staging/libnetfilter_cthelper-1.rpm',
  ]);
  expect(action?.before).toEqual([{ kind: 'packages', manager: 'rpm' }]);
  execFileSync('dash', ['-n'], { input: action?.command.text });
});

test('what is installed is not installed again, and a host that lacks nothing gets nothing', () => {
  const installed = new Map([...withClock.packages, ['libnetfilter_cthelper', '1']]);
  expect(commands(packagePlan({ ...withClock, packages: installed }))[0]?.why).toBe(
    'install conntrack-tools (1 MiB of the bundle)',
  );
  const programs = new Set([...withClock.programs, 'conntrack']);
  expect(packagePlan({ ...withClock, programs })).toEqual({ actions: [], warnings: [] });
});

test('a system without files of its own takes those of its format', () => {
  const ten = { ...withClock, osRelease: { ...bareState.osRelease, VERSION_ID: '10.0' } };
  expect(commands(packagePlan(ten))[0]?.uploads?.[0]?.path).toBe('/var/lib/kbinit/staging/conntrack-tools-any.rpm');
  const debian = { ...withClock, osRelease: { ID: 'debian', VERSION_ID: '12' }, programs: new Set(['tc', 'iptables']) };
  const found = packagePlan(debian);
  expect(commands(found)[0]?.command.text).toContain('Dir::Etc::SourceList=/dev/null');
  expect(found.warnings).toEqual(['conntrack, ethtool: neither on the host nor in the bundle for debian 12']);
});

// ------------------------------------------------------------------------------------------------------- programs

test('the kubelet of a bundle has to be of exactly its version; one of a folder of its minor', () => {
  const asked = (more: Partial<typeof files>): string =>
    commands(planBinaries(bareState, specOf({}, { binaries: [kubelet], ...more })))[0]?.command.text ?? '';
  const version = formatVersion(newestVersion());
  expect(asked({ offline })).toContain(`--version ${version} /var/lib/kbinit/uploads`);
  expect(asked({})).toContain(`--version ${version.replace(/\d+$/, '')} /var/lib/kbinit/uploads`);
});

test('the version and the registry are those of the bundle', () => {
  const spec = specOf({}, { ...files, offline: { ...offline, imageRepository: 'mirror.example/k8s' } });
  expect([formatVersion(spec.version), spec.imageRepository]).toEqual([
    formatVersion(newestVersion()),
    'mirror.example/k8s',
  ]);
  expect(() => specOf({ kubernetesVersion: '1.36' }, files)).not.toThrow();
  expect(() => specOf({ kubernetesVersion: 'v1.35.4' }, files)).toThrow('is not that of the bundle');
  expect(() => specOf({ imageRepository: 'other.example' }, files)).toThrow('is not that of the bundle');
});

test.each([
  [{ binaries: 'folder' }, '--binaries'],
  [{ repository: ['host'] }, '--repository'],
  [{ repositoryKey: ['key'] }, '--repository-key'],
  [{ unsignedRepository: true }, '--unsigned-repository'],
])('%o is refused beside a bundle', (flags, name) => {
  expect(() => assertOneSource({ ...flags, offline: 'bundle' })).toThrow(name);
  expect(() => assertOneSource(flags)).not.toThrow();
});

// -------------------------------------------------------------------------------------------- what a host does then

/** Programs in the place of containerd's: a table of names and digests in a file, which an import fills. */
function runImport(
  imported: string,
  told: string,
): { readonly code: number; readonly said: string; readonly left: string } {
  const folder = mkdtempSync(join(tmpdir(), 'kbinit-import-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const staging = join(folder, 'staging');
  mkdirSync(staging);
  writeFileSync(join(staging, 'proxy.tar'), '12345');
  const put = (name: string, text: string): void =>
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}`, { mode: 0o755 });
  put(
    'ctr',
    `while [ "$1" != images ]; do shift; done; cd ${folder}; echo "$@" >>log
case $2 in
import) ${imported === '' ? 'echo "unexpected EOF" >&2; exit 1' : `echo "${proxy} type ${imported}" >table`} ;;
ls) echo 'REF TYPE DIGEST'; cat table ;;
esac`,
  );
  put('crictl', `echo '"registry.k8s.io/kube-proxy@${told}"'`);
  put('sleep', '');
  const [action] = commands(planImages(bareState, specOf({}, files)));
  const text = (action?.command.text ?? '').replaceAll('/var/lib/kbinit/staging', staging);
  const { status, stderr } = spawnSync('dash', ['-c', text], {
    env: { PATH: `${folder}:/usr/bin:/bin` },
    encoding: 'utf8',
  });
  return { code: status ?? -1, said: stderr.trim(), left: existsSync(staging) ? readdirSync(staging).join() : 'gone' };
}

test.each([
  ['the digest of the lock', b, b, 0, ''],
  ['a broken archive', '', b, 1, 'unexpected EOF'],
  ['another digest in containerd', a, b, 5, `${proxy} is ${a} after the import, the lock file has ${b}`],
  [
    'another digest in the CRI',
    b,
    a,
    6,
    `the runtime does not tell registry.k8s.io/kube-proxy@${b} as the digest of ${proxy}`,
  ],
])('an import with %s; the archive is gone from the host', (_, imported, told, code, said) => {
  expect(runImport(imported, told)).toEqual({ code, said, left: 'gone' });
});
