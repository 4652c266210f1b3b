// A host on which every check passes, and the specs of the checks: tests change one thing of it.
import type { ClusterSpec, ExternalEtcd, InitSpec, JoinSpec, NodeRegistration } from '../../../src/config/spec.ts';
import type { HostFacts } from '../../../src/host/host.ts';
import type { Found } from '../../../src/preflight/check.ts';
import type { Survey } from '../../../src/preflight/survey-parse.ts';
import { plainFacts } from '../../fakes/host.ts';

export const kernelOptions: readonly string[] = [
  'NAMESPACES NET_NS PID_NS IPC_NS UTS_NS CPUSETS MEMCG INET EXT4_FS PROC_FS NETFILTER_XT_TARGET_REDIRECT',
  'NETFILTER_XT_MATCH_COMMENT FAIR_GROUP_SCHED CGROUPS CGROUP_BPF CGROUP_PIDS CGROUP_SCHED CGROUP_CPUACCT',
  'CGROUP_DEVICE CGROUP_FREEZER',
].flatMap((line) => line.split(' '));

export const goodSurvey: Survey = {
  uid: 0,
  kernelName: 'Linux',
  listeners: new Map(),
  paths: new Map([
    ['/pki/etcd-ca.crt', 'file'],
    ['/pki/etcd.crt', 'file'],
    ['/pki/etcd.key', 'file'],
    ['/proc/net/ip_vs', 'file'],
  ]),
  kinds: new Map(),
  texts: new Map([
    ['/proc/sys/net/ipv4/ip_forward', '1\n'],
    ['/proc/sys/net/ipv6/conf/default/forwarding', '1\n'],
    ['/proc/sys/net/bridge/bridge-nf-call-iptables', '1\n'],
    ['/proc/sys/net/bridge/bridge-nf-call-ip6tables', '1\n'],
    ['/etc/resolv.conf', 'nameserver 192.168.3.1\n'],
  ]),
  certificates: new Map(),
  executables: new Set(
    'crictl conntrack ip iptables losetup mount cp nsenter ebtables ethtool socat tc touch'.split(' '),
  ),
  units: new Map([
    ['kubelet.service', { load: 'loaded', active: 'inactive', file: 'enabled' }],
    ['firewalld.service', { load: 'not-found', active: 'inactive', file: '' }],
  ]),
  swaps: [],
  lookups: new Map([['master1', { name: 'master1', addresses: ['192.168.3.29'] }]]),
  kernel: { source: '/proc/config.gz', options: new Map(kernelOptions.map((option) => [option, 'y'])) },
  cgroups: {
    version: 2,
    controllers: new Set(['cpu', 'cpuset', 'devices', 'freezer', 'memory', 'pids', 'hugetlb', 'io']),
  },
  disks: ['/etc/kubernetes', '/var/lib/kubelet', '/var/lib/containerd', '/var/lib/etcd'].map((path) => ({
    path,
    device: '65024',
    freeMiB: 50_000,
    freeInodes: 100_000,
    isWritable: true,
  })),
  links: [{ name: 'eth0', mac: '52:54:00:12:34:56' }],
  runtime: { socket: 'listening', tool: 'crictl', state: 'ready', hasRuntimeConfig: true },
  leftovers: { cniFiles: [], links: [], chains: [], nftTables: [] },
  externalEtcd: [{ endpoint: 'https://10.0.0.1:2379', version: '3.6.8' }],
};

/** What the checks see: the good host, but for these. */
export function found(survey: Partial<Survey> = {}, facts: Partial<HostFacts> = {}): Found {
  return { survey: { ...goodSurvey, ...survey }, facts: { ...plainFacts, ...facts } };
}

const component = { extraArgs: [], extraVolumes: [], extraEnvs: [] };

export const cluster: ClusterSpec = {
  version: { major: 1, minor: 36, patch: 3 },
  clusterName: 'kubernetes',
  networking: { serviceSubnet: '10.96.0.0/12', podSubnet: '10.244.0.0/16', dnsDomain: 'cluster.local' },
  apiServer: { ...component, certSANs: [] },
  controllerManager: component,
  scheduler: component,
  etcd: { kind: 'local', dataDir: '/var/lib/etcd', extraArgs: [], extraEnvs: [], serverCertSANs: [], peerCertSANs: [] },
  dns: { isDisabled: false },
  proxy: { isDisabled: false },
  certificatesDir: '/etc/kubernetes/pki',
  imageRepository: 'registry.k8s.io',
  featureGates: {},
  encryptionAlgorithm: 'RSA-2048',
  certificateValiditySeconds: 31_536_000,
  caCertificateValiditySeconds: 315_360_000,
  kubelet: { isUserSupplied: false, document: {} },
  kubeProxy: { isUserSupplied: false, document: {} },
};

const node: NodeRegistration = {
  name: 'master1',
  criSocket: 'unix:///run/containerd/containerd.sock',
  taints: undefined,
  kubeletExtraArgs: [],
  ignorePreflightErrors: [],
  imagePullPolicy: 'IfNotPresent',
  imagePullSerial: true,
};

const timeouts = {
  controlPlaneComponentHealthCheck: 240,
  kubeletHealthCheck: 240,
  kubernetesAPICall: 60,
  etcdAPICall: 120,
  tlsBootstrap: 300,
  discovery: 300,
  upgradeManifests: 300,
};

export function initSpec(changes: Partial<ClusterSpec> = {}, advertiseAddress = '192.168.3.29'): InitSpec {
  return {
    cluster: { ...cluster, ...changes },
    node,
    localAPIEndpoint: { advertiseAddress, bindPort: 6443 },
    bootstrapTokens: [],
    skipPhases: [],
    timeouts,
    isDryRun: false,
  };
}

export const externalEtcd: ExternalEtcd = {
  kind: 'external',
  endpoints: ['https://10.0.0.1:2379'],
  httpEndpoints: [],
  caFile: '/pki/etcd-ca.crt',
  certFile: '/pki/etcd.crt',
  keyFile: '/pki/etcd.key',
};

export function joinSpec(apiServerEndpoint = '192.168.3.33:6443'): JoinSpec {
  return {
    node,
    caCertPath: '/etc/kubernetes/pki/ca.crt',
    discovery: {
      kind: 'token',
      token: '',
      apiServerEndpoint,
      caCertHashes: [],
      unsafeSkipCAVerification: false,
    },
    skipPhases: [],
    timeouts,
    isDryRun: false,
  };
}
