// Every check by its name: one host that fails it, and the good host that passes all.
import { describe, expect, test } from 'vitest';
import type { InitSpec } from '../../../src/config/spec.ts';
import type { HostFacts } from '../../../src/host/host.ts';
import type { Check, Finding, Found } from '../../../src/preflight/check.ts';
import { initChecks, joinChecks, resetChecks } from '../../../src/preflight/index.ts';
import type { Survey } from '../../../src/preflight/survey.ts';
import { cluster, externalEtcd, found, goodSurvey, initSpec, joinSpec, kernelOptions } from './fixtures.ts';

const run = (checks: readonly (readonly Check[])[], host: Found): readonly Finding[] =>
  checks.flat().flatMap((check) => check.run(host));
const names = (findings: readonly Finding[]): readonly string[] => findings.map((f) => `${f.level} ${f.name}`);

const ipvs = { kubeProxy: { isUserSupplied: true, document: { mode: 'ipvs' } } };
const dualStack = {
  networking: {
    serviceSubnet: '10.96.0.0/12,fd00:96::/112',
    podSubnet: '10.244.0.0/16,fd00:244::/48',
    dnsDomain: 'cluster.local',
  },
};
const old = { version: { major: 1, minor: 31, patch: 14 } };

/** Lists that together have every check once or more. */
const lists: Readonly<Record<string, readonly (readonly Check[])[]>> = {
  'init with local etcd': initChecks(initSpec()),
  'init with external etcd': initChecks(initSpec({ etcd: externalEtcd })),
  'init with two families': initChecks(initSpec(dualStack)),
  'init with ipvs': initChecks(initSpec(ipvs)),
  'init of 1.31': initChecks(initSpec(old)),
  join: joinChecks(joinSpec()),
  reset: resetChecks(),
};

describe.each(Object.entries(lists))('%s', (name, checks) => {
  test('finds nothing on a good host', () => {
    const facts: Partial<HostFacts> = name === 'init of 1.31' ? { kubeletVersion: 'v1.33.0' } : {};
    const findings = run(checks, found({}, facts)).filter((f) => f.name !== 'KubeletVersion');
    expect(findings).toEqual([]);
  });
});

interface Row {
  readonly name: string;
  readonly level: 'error' | 'warning';
  readonly survey?: Partial<Survey>;
  readonly facts?: Partial<HostFacts>;
  readonly spec?: InitSpec;
  /** Must be in what the user reads. */
  readonly says: string;
}

const without = <K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> =>
  new Map([...map].filter(([k]) => k !== key));
const listener = (port: number, command: string): Partial<Survey> => ({
  listeners: new Map([[port, { port, pid: 77, command }]]),
});
const path = (at: string, state: 'file' | 'filled-folder' | 'missing'): Partial<Survey> => ({
  paths: new Map([...goodSurvey.paths, [at, state]]),
});
const texts = (at: string, text: string): Partial<Survey> => ({ texts: new Map([...goodSurvey.texts, [at, text]]) });
const external = initSpec({ etcd: externalEtcd });
const proxy = { HTTPS_PROXY: 'http://user:secret@proxy:3128' };
const ipForward = '/proc/sys/net/ipv4/ip_forward';

const initRows: readonly Row[] = [
  { name: 'IsPrivilegedUser', level: 'error', survey: { uid: 1000 }, says: '1000' },
  { name: 'NumCPU', level: 'error', facts: { cpuCount: 1 }, says: '1 usable' },
  { name: 'Mem', level: 'error', facts: { memoryMiB: 1699 }, says: '1699 MiB' },
  {
    name: 'KubernetesVersion',
    level: 'warning',
    spec: initSpec({ version: { major: 1, minor: 37, patch: 0, pre: 'alpha.1' } }),
    says: 'v1.37.0-alpha.1',
  },
  {
    name: 'Firewalld',
    level: 'warning',
    survey: {
      units: new Map([
        ...(goodSurvey.units ?? []),
        ['firewalld.service', { load: 'loaded', active: 'active', file: 'enabled' }],
      ]),
    },
    says: '6443, 10250',
  },
  { name: 'Port-6443', level: 'error', survey: listener(6443, 'nc'), says: 'nc (pid 77)' },
  { name: 'Port-10259', level: 'error', survey: listener(10259, 'nc'), says: 'kube-scheduler' },
  { name: 'Port-10257', level: 'error', survey: listener(10257, 'nc'), says: 'kube-controller-manager' },
  { name: 'Port-10250', level: 'error', survey: listener(10250, 'nc'), says: 'kubelet needs it' },
  { name: 'Port-2379', level: 'error', survey: listener(2379, 'nc'), says: 'etcd' },
  { name: 'Port-2380', level: 'error', survey: listener(2380, 'nc'), says: 'etcd' },
  ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'].map((component): Row => ({
    name: `FileAvailable--etc-kubernetes-manifests-${component}.yaml`,
    level: 'error',
    survey: path(`/etc/kubernetes/manifests/${component}.yaml`, 'file'),
    says: `/etc/kubernetes/manifests/${component}.yaml already exists`,
  })),
  {
    name: 'HTTPProxy',
    level: 'warning',
    facts: { proxyEnvironment: { ...proxy, NO_PROXY: '10.0.0.0/8' } },
    says: 'proxy http://proxy:3128',
  },
  {
    name: 'HTTPProxyCIDR',
    level: 'warning',
    facts: { proxyEnvironment: { ...proxy, NO_PROXY: '192.168.3.29,10.96.0.0/12' } },
    says: '10.244.0.0/16',
  },
  {
    name: 'CRI',
    level: 'error',
    survey: { runtime: { socket: 'missing', tool: 'none', state: 'unknown' } },
    says: 'does not exist',
  },
  {
    name: 'ContainerRuntimeVersion',
    level: 'warning',
    survey: { runtime: { socket: 'listening', tool: 'crictl', state: 'ready', hasRuntimeConfig: false } },
    says: 'RuntimeConfig',
  },
  { name: 'Swap', level: 'warning', survey: { swaps: ['/dev/dm-1'] }, says: '/dev/dm-1' },
  ...['conntrack', 'losetup', 'mount', 'cp'].map((command): Row => ({
    name: `FileExisting-${command}`,
    level: 'error',
    survey: { executables: new Set([...goodSurvey.executables].filter((name) => name !== command)) },
    facts: { kubeletVersion: 'v1.33.0' },
    ...(command === 'conntrack' ? { spec: initSpec({ version: { major: 1, minor: 31, patch: 14 } }) } : {}),
    says: `${command} is not on the PATH`,
  })),
  {
    name: 'SystemVerification',
    level: 'error',
    survey: {
      kernel: {
        source: '/boot/config-6',
        options: new Map(kernelOptions.filter((o) => o !== 'MEMCG').map((o) => [o, 'm'])),
      },
    },
    says: '/boot/config-6 lacks CONFIG_MEMCG',
  },
  {
    name: 'Hostname',
    level: 'warning',
    survey: { lookups: new Map([['master1', { name: 'master1', addresses: [] }]]) },
    says: 'does not resolve',
  },
  {
    name: 'KubeletVersion',
    level: 'error',
    facts: { kubeletVersion: 'v1.37.0' },
    says: "newer than the control plane's",
  },
  {
    name: 'Service-kubelet',
    level: 'warning',
    survey: {
      units: new Map([
        ...(goodSurvey.units ?? []),
        ['kubelet.service', { load: 'loaded', active: 'active', file: 'disabled' }],
      ]),
    },
    says: 'disabled',
  },
  {
    name: 'FileContent--proc-sys-net-ipv4-ip_forward',
    level: 'error',
    survey: texts(ipForward, '0\n'),
    says: `${ipForward} is 0`,
  },
  {
    name: 'FileContent--proc-sys-net-ipv6-conf-default-forwarding',
    level: 'error',
    survey: { texts: without(goodSurvey.texts, '/proc/sys/net/ipv6/conf/default/forwarding') },
    spec: initSpec(dualStack),
    says: 'does not exist',
  },
  {
    name: 'DirAvailable--var-lib-etcd',
    level: 'error',
    survey: path('/var/lib/etcd', 'filled-folder'),
    says: '/var/lib/etcd is not empty',
  },
  {
    name: 'ExternalEtcdVersion',
    level: 'error',
    spec: external,
    survey: { externalEtcd: [{ endpoint: 'https://10.0.0.1:2379', version: '3.5.23' }] },
    says: '3.5.23',
  },
  {
    name: 'ExternalEtcdClientCertificates',
    level: 'error',
    spec: external,
    survey: path('/pki/etcd.key', 'missing'),
    says: '/pki/etcd.key does not exist',
  },
  {
    name: 'DiskSpace',
    level: 'error',
    survey: { disks: goodSurvey.disks.map((disk) => ({ ...disk, freeMiB: 199 })) },
    says: '199 MiB',
  },
  {
    name: 'Leftovers',
    level: 'warning',
    survey: {
      leftovers: {
        cniFiles: ['10-flannel.conflist'],
        links: ['cni0'],
        chains: ['KUBE-SERVICES', 'KUBE-MARK-MASQ'],
        nftTables: [],
      },
    },
    says: '10-flannel.conflist); network links cni0; iptables chains KUBE-SERVICES, KUBE-MARK-MASQ',
  },
  { name: 'Resolver', level: 'warning', survey: texts('/etc/resolv.conf', 'search lan\n'), says: 'no name server' },
  {
    name: 'BridgeNetfilter',
    level: 'warning',
    survey: { texts: without(goodSurvey.texts, '/proc/sys/net/bridge/bridge-nf-call-iptables') },
    says: 'br_netfilter is not loaded',
  },
  {
    name: 'ProxyModules',
    level: 'error',
    spec: initSpec(ipvs),
    survey: path('/proc/net/ip_vs', 'missing'),
    says: 'ipvs',
  },
];

test.each(initRows)('init: $name fails alone, as $level', ({ name, level, spec, survey, facts, says }) => {
  const findings = run(initChecks(spec ?? initSpec()), found(survey, facts)).filter(
    (f) => spec === undefined || f.name === name,
  );
  const others = findings.filter((f) => f.name !== name && f.name !== 'KubeletVersion');
  const [finding] = findings.filter((f) => f.name === name);
  expect(names(others)).toEqual([]);
  expect(finding).toMatchObject({ name, level });
  expect(finding?.text).toContain(says);
  expect(finding?.fix).not.toBe('');
});

test('every check of init has a row that makes it fail', () => {
  const tested = new Set(initRows.map((row) => row.name));
  const listed = Object.entries(lists).filter(([name]) => name.startsWith('init'));
  const all = listed.flatMap(([, checks]) => checks.flat().map((check) => check.name));
  expect([...new Set(all)].filter((name) => !tested.has(name))).toEqual([]);
});

const joinRows: readonly Omit<Row, 'spec'>[] = [
  {
    name: 'FileAvailable--etc-kubernetes-kubelet.conf',
    level: 'error',
    survey: path('/etc/kubernetes/kubelet.conf', 'file'),
    says: 'already exists',
  },
  {
    name: 'FileAvailable--etc-kubernetes-bootstrap-kubelet.conf',
    level: 'error',
    survey: path('/etc/kubernetes/bootstrap-kubelet.conf', 'file'),
    says: 'already exists',
  },
  {
    name: 'FileAvailable--etc-kubernetes-pki-ca.crt',
    level: 'error',
    survey: path('/etc/kubernetes/pki/ca.crt', 'file'),
    says: 'already exists',
  },
  { name: 'HTTPProxy', level: 'warning', facts: { proxyEnvironment: proxy }, says: '192.168.3.33' },
  {
    name: 'FileContent--proc-sys-net-ipv4-ip_forward',
    level: 'error',
    survey: texts(ipForward, '0\n'),
    says: 'is 0',
  },
];

test.each(joinRows)('join: $name fails alone, as $level', ({ name, level, survey, facts, says }) => {
  const findings = run(joinChecks(joinSpec()), found(survey, facts));
  expect(names(findings)).toEqual([`${level} ${name}`]);
  expect(findings[0]?.text).toContain(says);
});

test('every check of join has a row that makes it fail, here or in the list of init', () => {
  const tested = new Set([...initRows, ...joinRows].map((row) => row.name));
  const all = joinChecks(joinSpec()).flat();
  expect(all.map((check) => check.name).filter((name) => !tested.has(name))).toEqual([]);
});

test("init's checks are kubeadm's, in kubeadm's order, then kbinit's own", () => {
  expect(initChecks(initSpec()).map((batch) => batch.map((check) => check.name))).toEqual([
    ['IsPrivilegedUser'],
    [
      'NumCPU',
      'Mem',
      'KubernetesVersion',
      'Firewalld',
      'Port-6443',
      'Port-10259',
      'Port-10257',
      'FileAvailable--etc-kubernetes-manifests-kube-apiserver.yaml',
      'FileAvailable--etc-kubernetes-manifests-kube-controller-manager.yaml',
      'FileAvailable--etc-kubernetes-manifests-kube-scheduler.yaml',
      'FileAvailable--etc-kubernetes-manifests-etcd.yaml',
      'HTTPProxy',
      'HTTPProxyCIDR',
      'HTTPProxyCIDR',
      'CRI',
      'ContainerRuntimeVersion',
      'Swap',
      'FileExisting-losetup',
      'FileExisting-mount',
      'FileExisting-cp',
      'SystemVerification',
      'Hostname',
      'KubeletVersion',
      'Service-kubelet',
      'Port-10250',
      'FileContent--proc-sys-net-ipv4-ip_forward',
      'Port-2379',
      'Port-2380',
      'DirAvailable--var-lib-etcd',
      'DiskSpace',
      'Leftovers',
      'Resolver',
      'BridgeNetfilter',
    ],
  ]);
});

test("join's checks are kubeadm's for a worker, in kubeadm's order, then kbinit's own", () => {
  expect(joinChecks(joinSpec()).map((batch) => batch.map((check) => check.name))).toEqual([
    ['IsPrivilegedUser'],
    [
      'FileAvailable--etc-kubernetes-kubelet.conf',
      'FileAvailable--etc-kubernetes-bootstrap-kubelet.conf',
      'CRI',
      'ContainerRuntimeVersion',
      'Swap',
      'FileExisting-losetup',
      'FileExisting-mount',
      'FileExisting-cp',
      'SystemVerification',
      'Hostname',
      'KubeletVersion',
      'Service-kubelet',
      'Port-10250',
      'FileAvailable--etc-kubernetes-pki-ca.crt',
      'HTTPProxy',
      'FileContent--proc-sys-net-ipv4-ip_forward',
      'DiskSpace',
      'Leftovers',
      'Resolver',
      'BridgeNetfilter',
    ],
  ]);
});

test('join by a name asks for no forwarding, join by an IPv6 address for that of IPv6', () => {
  const forwarding = (endpoint: string): readonly string[] =>
    joinChecks(joinSpec(endpoint))
      .flat()
      .map((check) => check.name)
      .filter((name) => name.startsWith('FileContent'));
  expect(forwarding('vip.k8test.com:6443')).toEqual([]);
  expect(forwarding('[fd00::1]:6443')).toEqual(['FileContent--proc-sys-net-ipv6-conf-default-forwarding']);
});

test('a cluster with an etcd data folder of its own is asked about that folder', () => {
  const spec = initSpec({
    etcd: {
      ...cluster.etcd,
      kind: 'local',
      dataDir: '/data/etcd',
      extraArgs: [],
      extraEnvs: [],
      serverCertSANs: [],
      peerCertSANs: [],
    },
  });
  const all = initChecks(spec).flat();
  expect(all.map((check) => check.name)).toContain('DirAvailable--data-etcd');
});
