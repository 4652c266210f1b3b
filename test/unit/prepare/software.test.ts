// The parts of a preparation that bring software: packages, uploads, containerd, kubelet.
import { spawnSync } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256, type Plan } from '../../../src/prepare/action.ts';
import { destination, planBinaries, readBinaries, readLock, type FoundProgram } from '../../../src/prepare/binaries.ts';
import { planClock } from '../../../src/prepare/clock.ts';
import { configSchema, containerdConfig, mirrorFile, planContainerd } from '../../../src/prepare/containerd.ts';
import { planKubelet, planNetworkManager } from '../../../src/prepare/kubelet.ts';
import { planPackages } from '../../../src/prepare/packages.ts';
import { places } from '../../../src/prepare/places.ts';
import { planRepositories } from '../../../src/prepare/repositories.ts';
import type { HostState } from '../../../src/prepare/state.ts';
import { bareState, found, specOf } from './states.ts';

const commands = (plan: Plan): readonly string[] =>
  plan.actions.flatMap((action) => (action.kind === 'command' ? [action.command.text] : []));
const whys = (plan: Plan): readonly string[] =>
  plan.actions.flatMap((action) => (action.kind === 'command' ? [action.why] : []));
const body = (plan: Plan, path: string): string | undefined =>
  plan.actions.flatMap((action) =>
    action.kind === 'file' && action.artifact.path === path ? [action.artifact.body] : [],
  )[0];

const debian: HostState = {
  ...bareState,
  osRelease: { ID: 'debian', VERSION_ID: '12', PRETTY_NAME: 'Debian GNU/Linux 12' },
  selinux: 'disabled',
};
const withClock = {
  ...bareState,
  units: new Map([['chronyd.service', { load: 'loaded', isActive: true, enabled: 'enabled' }]]),
};

// ------------------------------------------------------------------------------------------------------- packages

test('upstream: the minor decides the repository, signatures are checked, Kubernetes is excluded from updates', () => {
  expect(
    body(planRepositories(bareState, specOf({ kubernetesVersion: '1.35.4' })), '/etc/yum.repos.d/kbinit.repo'),
  ).toBe(
    `# kbinit host prepare
[kbinit-kubernetes]
name=kbinit-kubernetes
baseurl=https://pkgs.k8s.io/core:/stable:/v1.35/rpm
enabled=1
gpgcheck=1
gpgkey=https://pkgs.k8s.io/core:/stable:/v1.35/rpm/repodata/repomd.xml.key
exclude=kubelet kubeadm kubectl cri-tools kubernetes-cni containerd.io

[kbinit-containerd]
name=kbinit-containerd
baseurl=https://download.docker.com/linux/centos/9/$basearch/stable
enabled=1
gpgcheck=1
gpgkey=https://download.docker.com/linux/centos/gpg
exclude=kubelet kubeadm kubectl cri-tools kubernetes-cni containerd.io
`,
  );
});

test("a mirror's key is looked for where the mirrored one is; a given key takes its place; unsigned has to be said", () => {
  const repository = ['https://mirror.example/k8s/', 'https://mirror.example/docker-ce/linux/centos/9/x86_64/stable'];
  const text = body(planRepositories(bareState, specOf({ repository })), '/etc/yum.repos.d/kbinit.repo');
  expect(text).toContain('gpgkey=https://mirror.example/k8s/repodata/repomd.xml.key\n');
  expect(text).toContain('gpgkey=https://mirror.example/docker-ce/linux/centos/gpg\n');
  const keyed = planRepositories(bareState, specOf({ repository }, { repositoryKeys: ['KEY'] }));
  expect(body(keyed, '/etc/yum.repos.d/kbinit.repo')).toContain('gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-kbinit\n');
  expect(body(keyed, '/etc/pki/rpm-gpg/RPM-GPG-KEY-kbinit')).toBe('KEY');
  const unsigned = planRepositories(bareState, specOf({ repository, unsignedRepository: true }));
  expect(body(unsigned, '/etc/yum.repos.d/kbinit.repo')).toContain('gpgcheck=0\n');
});

test('Debian: a flat source, signed by the given key', () => {
  const spec = specOf({ repository: ['https://mirror.example/deb'] }, { repositoryKeys: ['KEY'] });
  expect(body(planRepositories(debian, spec), '/etc/apt/sources.list.d/kbinit.list')).toBe(
    '# kbinit host prepare\ndeb [signed-by=/etc/apt/keyrings/kbinit.asc] https://mirror.example/deb/ /\n',
  );
});

test('exactly the version that was asked for is installed, with what the system lacks', () => {
  const plan = planPackages(
    { ...withClock, programs: new Set(['iptables', 'conntrack']) },
    specOf({ kubernetesVersion: 'v1.35.4' }),
  );
  expect(whys(plan)).toEqual([
    'install kubelet-1.35.4 kubectl-1.35.4 cri-tools kubernetes-cni containerd.io socat ethtool iproute-tc container-selinux',
  ]);
  expect(plan.actions[0]).toMatchObject({
    before: [{ kind: 'packages', manager: 'rpm' }, { unit: 'containerd.service' }, { unit: 'kubelet.service' }],
  });
});

test("what yum did not find is named, though CentOS 7's yum is content with the rest", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kbinit-yum-'));
  const stub = (name: string, text: string): Promise<void> =>
    writeFile(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  await stub('yum', 'exit 0');
  // All but the kubelet are there.
  await stub('rpm', 'case "$*" in *-qa*) ;; *kubelet-*) exit 1 ;; esac');
  const spec = specOf({ kubernetesVersion: 'v1.31.14' });
  const text = (commands(planPackages(withClock, spec))[0] ?? '').replace(places.packageList, join(folder, 'list'));
  const { status, stdout } = spawnSync('/bin/sh', ['-c', text], {
    env: { PATH: `${folder}:/usr/bin:/bin` },
    encoding: 'utf8',
  });
  expect([status, stdout]).toEqual([1, 'no repository of this host has kubelet-1.31.14\n']);
});

test('Debian: versions by pattern, and held', () => {
  const programs = new Set(['iptables', 'conntrack', 'socat', 'ethtool', 'tc']);
  const plan = planPackages({ ...debian, programs }, specOf({ kubernetesVersion: '1.36.3' }));
  expect(commands(plan)[0]).toContain(
    "'kubelet=1.36.3-*' 'kubectl=1.36.3-*' cri-tools kubernetes-cni containerd chrony;",
  );
  expect(whys(plan)[1]).toBe('hold kubelet, kubectl, cri-tools, kubernetes-cni at their version');
});

test('what is installed is no reason to do anything; another version stays and is told', () => {
  const packages = new Map(
    ['kubectl', 'cri-tools', 'kubernetes-cni', 'containerd.io', 'container-selinux'].map((name) => [name, '1.36.3-1']),
  );
  const state = {
    ...withClock,
    packages: new Map([...packages, ['kubelet', '1.35.0-1']]),
    programs: new Set(['iptables', 'conntrack', 'socat', 'ethtool', 'tc']),
  };
  const plan = planPackages(state, specOf({ kubernetesVersion: '1.36.3' }));
  expect(plan.actions).toEqual([]);
  expect(plan.warnings).toEqual(['kubelet 1.35.0-1 is installed and stays; 1.36.3 was asked for']);
});

test('uploaded programs bring no tools and no rules for SELinux: what is to be installed beside them is told', () => {
  const spec = specOf({}, { binaries: [] });
  const programs = new Set(['iptables', 'conntrack', 'tc']);
  expect(planPackages({ ...withClock, programs }, spec).warnings).toEqual([
    'socat, ethtool are not there: install socat ethtool',
    'SELinux is on and has no rules for containers: install container-selinux before init or join',
  ]);
  const all = new Set([...programs, 'socat', 'ethtool']);
  const packages = new Map([['container-selinux', '2.240.0-1']]);
  expect(planPackages({ ...withClock, programs: all, packages }, spec).warnings).toEqual([]);
  expect(planPackages({ ...debian, programs: all }, spec).warnings).toEqual([]);
});

test('a clock that is kept is left alone; chrony starts where nothing keeps it', () => {
  expect(planClock(withClock, specOf()).actions).toEqual([]);
  expect(whys(planClock({ ...bareState, packages: new Map([['chrony', '4']]) }, specOf()))).toEqual([
    'start chronyd.service, now and at boot',
  ]);
  expect(planClock(bareState, specOf()).warnings).toEqual([
    'the clock of this host is not synchronised: install chrony',
  ]);
});

// -------------------------------------------------------------------------------------------------------- uploads

/** A file that begins as a program for x86_64 or, with 183, for aarch64. */
function elf(machine = 62): Uint8Array {
  const bytes = Buffer.alloc(64, 1);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]).copy(bytes);
  bytes.writeUInt16LE(machine, 18);
  return bytes;
}

const names = ['kubelet', 'containerd', 'containerd-shim-runc-v2', 'runc', 'cni/bridge'];
/** What reading a file told. */
function program(bytes: Uint8Array, architecture?: string): FoundProgram {
  const source = { size: bytes.length, read: async (at: number, n: number) => bytes.subarray(at, at + n) };
  return { source, sha256: sha256(bytes), architecture };
}

const folderOf = (bytes: Uint8Array, architecture?: string): ReadonlyMap<string, FoundProgram> =>
  new Map(names.map((name) => [name, program(bytes, architecture)]));
const lockOf = (bytes: Uint8Array): ReadonlyMap<string, string> => new Map(names.map((name) => [name, sha256(bytes)]));

test('files go to their places, and to no others', () => {
  expect(destination('kubelet')).toBe('/usr/local/bin/kubelet');
  expect(destination('cni/host-local')).toBe('/opt/cni/bin/host-local');
  for (const name of ['cni/../../etc/passwd', 'cni/', 'LICENSE', '/kubelet']) expect(destination(name)).toBeUndefined();
});

test('the lock is what sha256sum writes', () => {
  const hash = 'a'.repeat(64);
  expect([...readLock(`${hash}  kubelet\n${hash} *./runc\n`)]).toEqual([
    ['kubelet', hash],
    ['runc', hash],
  ]);
  expect(() => readLock('abc  kubelet\n')).toThrow('KB_BINARY');
});

test.each([
  ['a flipped byte', (bytes: Uint8Array) => Buffer.concat([bytes.subarray(0, 63), Buffer.from([9])]), 'SHA256SUMS has'],
  ['a truncated file', (bytes: Uint8Array) => bytes.subarray(0, 40), 'SHA256SUMS has'],
  ['a file that is missing', () => undefined, 'not in the folder'],
])('%s is refused before any host is asked', (_, change, said) => {
  const folder = new Map(folderOf(elf(), 'x86_64'));
  const changed = change(elf());
  if (changed === undefined) folder.delete('runc');
  else folder.set('runc', program(changed, 'x86_64'));
  expect(() => readBinaries(lockOf(elf()), folder)).toThrow(said);
});

test('what is no program, and a lock without the kubelet, are refused', () => {
  const text = Buffer.from('#!/bin/sh\nexit 0\n# and more of it\n');
  expect(() => readBinaries(lockOf(text), folderOf(text))).toThrow('is not a Linux');
  expect(() => readBinaries(new Map(), new Map())).toThrow('does not name kubelet');
});

test('a program for another machine is refused', () => {
  const binaries = readBinaries(lockOf(elf(183)), folderOf(elf(183), 'aarch64'));
  expect(() => planBinaries(bareState, specOf({}, { binaries }))).toThrow('is for aarch64, the host is x86_64');
});

test('a program that was uploaded before is known by size and time, and uploaded again when either differs', () => {
  const binaries = readBinaries(lockOf(elf()), folderOf(elf(), 'x86_64'));
  const spec = specOf({}, { binaries });
  const stamps = binaries.map(({ path, sha256: hash }) => `${hash} 64 1000 ${path}\n`).join('');
  const files = new Map(binaries.map(({ path }) => [path, { mode: 0o755, isRoots: true, size: 64, modified: 1000 }]));
  const state = { ...bareState, texts: new Map([['/var/lib/kbinit/uploads', stamps]]), files };
  expect(planBinaries(state, spec).actions).toEqual([]);
  const touched = new Map(files).set('/usr/local/bin/runc', { mode: 0o755, isRoots: true, size: 64, modified: 1001 });
  expect(whys(planBinaries({ ...state, files: touched }, spec))).toEqual([
    expect.stringContaining('upload /usr/local/bin/runc'),
  ]);
});

// ----------------------------------------------------------------------------------------------- containerd, kubelet

test.each([
  ['1.6.33', 2],
  ['1.7.27', 2],
  ['2.0.5', 3],
  ['2.3.5', 3],
  [undefined, 3],
])('containerd %s is configured in schema %i', (version, schema) => {
  expect(configSchema(version)).toBe(schema);
});

test('schema 2 as containerd 1.7 wants it', () => {
  expect(containerdConfig(2, { sandbox: 'registry.k8s.io/pause:3.9', isSystemd: true, isSelinux: true }))
    .toBe(`# kbinit host prepare; more settings go into /etc/containerd/conf.d/NAME.toml
# (not those of the plugin cri: containerd 1.x would take all of them from there)
version = 2
imports = ["/etc/containerd/conf.d/*.toml"]

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:3.9"
  enable_selinux = true

[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "/etc/containerd/certs.d"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = true
`);
});

test('schema 3 as containerd 2 wants it', () => {
  expect(containerdConfig(3, { sandbox: 'registry.k8s.io/pause:3.10.2', isSystemd: false, isSelinux: false }))
    .toBe(`# kbinit host prepare; more settings go into /etc/containerd/conf.d/NAME.toml
version = 3
imports = ["/etc/containerd/conf.d/*.toml"]

[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "registry.k8s.io/pause:3.10.2"

[plugins."io.containerd.cri.v1.runtime"]
  enable_selinux = false

[plugins."io.containerd.cri.v1.images".registry]
  config_path = "/etc/containerd/certs.d"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  SystemdCgroup = false
`);
});

test('a mirror with a path is asked below /v2 of its own, one without as it is', () => {
  expect(mirrorFile({ registry: 'registry.k8s.io', url: 'https://registry.aliyuncs.com/google_containers' }))
    .toBe(`# kbinit host prepare
server = "https://registry.k8s.io"

[host."https://registry.aliyuncs.com/v2/google_containers"]
  capabilities = ["pull", "resolve"]
  override_path = true
`);
  expect(mirrorFile({ registry: 'docker.io', url: 'https://mirror.example:5000' })).toBe(`# kbinit host prepare
server = "https://registry-1.docker.io"

[host."https://mirror.example:5000"]
  capabilities = ["pull", "resolve"]
`);
});

test("the sandbox image is the cluster's, of its version", () => {
  const plan = planContainerd(
    bareState,
    specOf({ kubernetesVersion: '1.31.14', imageRepository: 'registry.aliyuncs.com/google_containers' }),
  );
  expect(body(plan, '/etc/containerd/config.toml')).toContain(
    'sandbox = "registry.aliyuncs.com/google_containers/pause:3.10"',
  );
});

test('containerd is restarted for a new file, or for one that an earlier run wrote and did not load', () => {
  const spec = specOf();
  const fresh = planContainerd(bareState, spec);
  expect(fresh.actions.map((action) => (action.kind === 'file' ? action.artifact.path : action.why))).toEqual([
    '/run/kbinit-containerd-pending',
    '/etc/containerd/config.toml',
    'start containerd with its configuration, now and at boot',
  ]);
  const files = new Map([['/etc/containerd/config.toml', found(body(fresh, '/etc/containerd/config.toml') ?? '')]]);
  const units = new Map([['containerd.service', { load: 'loaded', isActive: true, enabled: 'enabled' }]]);
  expect(planContainerd({ ...bareState, files, units }, spec).actions).toEqual([]);
  const cut = new Map(files).set('/run/kbinit-containerd-pending', found(''));
  expect(planContainerd({ ...bareState, files: cut, units }, spec).actions).toHaveLength(1);
});

test("the kubelet gets kubeadm's drop-in, its own umask, and the system's place for defaults", () => {
  const packaged = planKubelet(bareState, specOf());
  const dropIn = body(packaged, '/etc/systemd/system/kubelet.service.d/10-kubeadm.conf');
  expect(dropIn).toContain('\nUMask=0022\n');
  expect(dropIn).toContain('\nEnvironmentFile=-/etc/sysconfig/kubelet\n');
  expect(dropIn).toContain('\nExecStart=\nExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS');
  expect(body(packaged, '/etc/systemd/system/kubelet.service')).toBeUndefined();
  const uploaded = planKubelet(debian, specOf({}, { binaries: [] }));
  expect(body(uploaded, '/etc/systemd/system/kubelet.service')).toContain('\nExecStart=/usr/local/bin/kubelet\n');
  expect(body(uploaded, '/etc/systemd/system/kubelet.service.d/10-kubeadm.conf')).toContain('-/etc/default/kubelet');
});

test("NetworkManager is told of Pods' interfaces only where it runs", () => {
  expect(planNetworkManager(bareState, specOf()).actions).toEqual([]);
  const units = new Map([['NetworkManager.service', { load: 'loaded', isActive: true, enabled: 'enabled' }]]);
  const plan = planNetworkManager({ ...bareState, units }, specOf());
  expect(body(plan, '/etc/NetworkManager/conf.d/zz-kbinit.conf')).toContain('interface-name:cni*;interface-name:veth*');
});

test('a host that runs no Pods gets none of it', () => {
  const spec = specOf({ role: ['etcd', 'lb'] });
  for (const plan of [planRepositories, planPackages, planContainerd, planKubelet]) {
    expect(plan(bareState, spec).actions).toEqual([]);
  }
});

describe('the cgroup driver of a node in a cluster', () => {
  const inCluster = (driver: 'systemd' | 'cgroupfs', text?: string): HostState => {
    const config = containerdConfig(3, {
      sandbox: 'registry.k8s.io/pause:3.10.1',
      isSystemd: driver === 'systemd',
      isSelinux: true,
    });
    return {
      ...bareState,
      files: new Map([['/etc/kubernetes/kubelet.conf', found('')]]),
      texts: new Map([['/etc/containerd/config.toml', text ?? config]]),
    };
  };

  test.each([
    ['systemd', 'cgroupfs', undefined],
    ['cgroupfs', 'systemd', undefined],
    ['cgroupfs', 'systemd', 'version = 3\n# SystemdCgroup = true\n'],
  ] as const)('%s is not changed to %s, and what to do is said', (from, to, text) => {
    const { refusal } = planContainerd(inCluster(from, text), specOf({ cgroupDriver: to }));
    expect(refusal).toMatchObject({
      code: 'KB_CGROUP_DRIVER',
      fix: expect.stringContaining(`--cgroup-driver ${from}`),
    });
  });

  test('stays as it is without a word, and is free on a host that is in none', () => {
    expect(planContainerd(inCluster('cgroupfs'), specOf({ cgroupDriver: 'cgroupfs' })).refusal).toBeUndefined();
    const alone = { ...inCluster('cgroupfs'), files: new Map() };
    expect(planContainerd(alone, specOf()).refusal).toBeUndefined();
  });
});

test('the mirror that is forgotten goes where kbinit made it and nobody changed it', () => {
  const path = '/etc/containerd/certs.d/docker.io/hosts.toml';
  const entry = { kind: 'file', path, existed: false, after: sha256('mirror') } as const;
  const state = { ...bareState, files: new Map([[path, found('mirror')]]), ledger: [entry] };
  const removals = (of: HostState): readonly string[] =>
    planContainerd(of, { ...specOf(), formerMirrors: ['docker.io', 'other'] }).actions.flatMap((one) =>
      one.kind === 'command' && one.why.startsWith('remove') ? [one.command.text] : [],
    );
  expect(removals(state)).toEqual([`rm -f -- ${path}`]);
  expect(removals({ ...state, files: new Map([[path, found('edited')]]) })).toEqual([]);
  expect(removals({ ...state, ledger: [{ ...entry, existed: true }] })).toEqual([]);
});
