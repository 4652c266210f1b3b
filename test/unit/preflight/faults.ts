// What is wrong with a host for a check to fail: one row a name, for every command and version that has the check.
import type { HostFacts } from '../../../src/host/host.ts';
import type { KubeVersion } from '../../../src/kube/version.ts';
import type { Survey } from '../../../src/preflight/survey-parse.ts';
import { goodSurvey, kernelOptions } from './fixtures.ts';

export interface Fault {
  readonly name: string;
  readonly survey?: Partial<Survey>;
  readonly facts?: Partial<HostFacts>;
  /** The version that is asked for, where that is the fault. */
  readonly version?: KubeVersion;
  /** Must be in what the user reads. */
  readonly says: string;
}

const without = <T>(items: Iterable<T>, item: T): readonly T[] => [...items].filter((one) => one !== item);
const listener = (port: number): Partial<Survey> => ({
  listeners: new Map([[port, { port, pid: 77, command: 'nc' }]]),
});
const path = (at: string, state: 'file' | 'filled-folder' | 'missing'): Partial<Survey> => ({
  paths: new Map([...goodSurvey.paths, [at, state]]),
});
const texts = (at: string, text: string): Partial<Survey> => ({ texts: new Map([...goodSurvey.texts, [at, text]]) });
const unit = (name: string, active: string, file: string): Partial<Survey> => ({
  units: new Map([...(goodSurvey.units ?? []), [name, { load: 'loaded', active, file }]]),
});
const proxy = { HTTPS_PROXY: 'http://user:secret@proxy:3128' };

const commands = 'crictl conntrack ip iptables losetup mount cp nsenter ebtables ethtool socat tc touch'.split(' ');

const files = [
  ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'].map((name) => `manifests/${name}.yaml`),
  'kubelet.conf',
  'bootstrap-kubelet.conf',
  'pki/ca.crt',
].map((file) => `/etc/kubernetes/${file}`);

const switches = [
  'bridge/bridge-nf-call-iptables',
  'bridge/bridge-nf-call-ip6tables',
  'ipv4/ip_forward',
  'ipv6/conf/default/forwarding',
].map((file) => `/proc/sys/net/${file}`);

const nameOf = (kind: string, at: string): string => `${kind}-${at.replaceAll('/', '-')}`;

/** kubeadm's checks. */
export const faults: readonly Fault[] = [
  { name: 'IsPrivilegedUser', survey: { uid: 1000 }, says: '1000' },
  { name: 'NumCPU', facts: { cpuCount: 1 }, says: '1 usable' },
  { name: 'Mem', facts: { memoryMiB: 1699 }, says: '1699 MiB' },
  { name: 'KubernetesVersion', version: { major: 1, minor: 37, patch: 0, pre: 'alpha.1' }, says: 'v1.37.0-alpha.1' },
  { name: 'Firewalld', survey: unit('firewalld.service', 'active', 'enabled'), says: '6443, 10250' },
  ...[6443, 10259, 10257, 10250, 2379, 2380].map((port) => ({
    name: `Port-${port}`,
    survey: listener(port),
    says: 'nc (pid 77)',
  })),
  ...files.map((file) => ({
    name: nameOf('FileAvailable', file),
    survey: path(file, 'file'),
    says: `${file} already exists`,
  })),
  {
    name: 'HTTPProxy',
    facts: { proxyEnvironment: { ...proxy, NO_PROXY: '10.0.0.0/8,fd00:96::/112,fd00:244::/48' } },
    says: 'proxy http://proxy:3128',
  },
  {
    name: 'HTTPProxyCIDR',
    facts: { proxyEnvironment: { ...proxy, NO_PROXY: '192.168.3.29,10.96.0.0/12,fd00::29,fd00:96::/112' } },
    says: '244',
  },
  { name: 'CRI', survey: { runtime: { socket: 'missing', tool: 'none', state: 'unknown' } }, says: 'does not exist' },
  {
    name: 'ContainerRuntimeVersion',
    survey: { runtime: { socket: 'listening', tool: 'crictl', state: 'ready', hasRuntimeConfig: false } },
    says: 'RuntimeConfig',
  },
  { name: 'Swap', survey: { swaps: ['/dev/dm-1'] }, says: '/dev/dm-1' },
  ...commands.map((command) => ({
    name: `FileExisting-${command}`,
    survey: { executables: new Set(without(goodSurvey.executables, command)) },
    says: `${command} is not on the PATH`,
  })),
  {
    name: 'SystemVerification',
    survey: {
      kernel: {
        source: '/boot/config-6',
        options: new Map(without(kernelOptions, 'MEMCG').map((option) => [option, 'm'])),
      },
    },
    says: '/boot/config-6 lacks CONFIG_MEMCG',
  },
  {
    name: 'Hostname',
    survey: { lookups: new Map([['master1', { name: 'master1', addresses: [] }]]) },
    says: 'does not resolve',
  },
  { name: 'KubeletVersion', facts: { kubeletVersion: 'v1.20.0' }, says: 'the kubelet is v1.20.0' },
  ...['Service-kubelet', 'Service-Kubelet'].map((name) => ({
    name,
    survey: unit('kubelet.service', 'active', 'disabled'),
    says: 'disabled',
  })),
  ...switches.map((file) => ({ name: nameOf('FileContent', file), survey: texts(file, '0\n'), says: `${file} is 0` })),
  {
    name: 'DirAvailable--var-lib-etcd',
    survey: path('/var/lib/etcd', 'filled-folder'),
    says: '/var/lib/etcd is not empty',
  },
  {
    name: 'ExternalEtcdVersion',
    survey: { externalEtcd: [{ endpoint: 'https://10.0.0.1:2379', version: '3.2.17' }] },
    says: '3.2.17',
  },
  { name: 'ExternalEtcdClientCertificates', survey: path('/pki/etcd.key', 'missing'), says: '/pki/etcd.key' },
];
