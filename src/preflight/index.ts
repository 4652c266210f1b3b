// The check lists: which checks a command runs, in kubeadm's order (spec 03 §2–§4), kbinit's own at the end.
import type { ClusterSpec, InitSpec, JoinSpec, NodeRegistration } from '../config/spec.ts';
import { commandsNeeded, switchesNeeded } from '../kube/node-needs.ts';
import { manifestPath, paths, staticPods } from '../kube/paths.ts';
import { newestVersion } from '../kube/releases.ts';
import { checksRuntimeVersion, leavesBridgesToPlugins } from '../kube/traits.ts';
import type { KubeVersion } from '../kube/version.ts';
import { parseCidr, parseIp, type Family } from '../util/net.ts';
import type { Check } from './check.ts';
import { cgroupDriver } from './checks/cgroup-driver.ts';
import { clockSkew } from './checks/clock.ts';
import { containerRuntimeVersion, cri } from './checks/cri.ts';
import { diskSpace } from './checks/disk-space.ts';
import { externalEtcdClientCertificates, externalEtcdVersion } from './checks/external-etcd.ts';
import { commandExisting, dirAvailable, fileAvailable, switchedOn } from './checks/files.ts';
import { kubeletFiles } from './checks/host-files.ts';
import { hostname } from './checks/hostname.ts';
import { httpProxy, httpProxyCidr } from './checks/http-proxy.ts';
import { kubeletVersion } from './checks/kubelet-version.ts';
import { kubernetesVersion } from './checks/kubernetes-version.ts';
import { leftovers } from './checks/leftovers.ts';
import { mem, numCpu } from './checks/machine.ts';
import { bridgeNetfilter, proxyModules } from './checks/network-modules.ts';
import { portAvailable } from './checks/port.ts';
import { isPrivilegedUser } from './checks/privileged-user.ts';
import { resolver } from './checks/resolver.ts';
import { swap } from './checks/swap.ts';
import { systemVerification } from './checks/system-verification.ts';
import { firewalld, serviceKubelet } from './checks/units.ts';
import type { Batches } from './run.ts';

const kubeletPort = 10250;
/** Of packages, and of what `host prepare --binaries` uploads. */
const programFolders = ['/usr', '/usr/local/bin'];

/** The checks of `init`; `more` are those that ask for more than the spec. */
export function initChecks(spec: InitSpec, more: readonly Check[] = []): Batches {
  const { cluster, node, localAPIEndpoint } = spec;
  const kubelet = cluster.kubelet.document;
  const { version } = cluster;
  const { advertiseAddress } = localAPIEndpoint;
  return [
    [isPrivilegedUser],
    [
      ...controlPlaneChecks(spec),
      ...commonChecks(node, { version, kubelet, controlPlane: version }),
      ...switches(version, [advertiseAddress], subnets(cluster)),
      ...etcdChecks(cluster),
      ...ownChecks({ version, caPath: `${cluster.certificatesDir}/ca.crt`, etcdDir: etcdDir(cluster), kubelet }),
      cgroupDriver(node.criSocket, kubelet),
      ...(cluster.proxy.isDisabled ? [] : proxyModules(cluster.kubeProxy.document)),
      kubeletFiles(node, `${cluster.certificatesDir}/ca.crt`, kubelet),
      ...more,
    ],
  ];
}

/** What a join knows of the node to be. */
export interface JoiningNode {
  /** The kubelet's on the host: what it needs is asked for. The newest without one. */
  readonly version?: KubeVersion;
  /** The cluster's KubeletConfiguration where it is known already; else what depends on it is left to clusterChecks. */
  readonly kubelet?: Readonly<Record<string, unknown>>;
}

/** The checks of `join`; a control plane is asked more by joiningControlPlaneChecks. */
export function joinChecks(
  spec: Pick<JoinSpec, 'node' | 'caCertPath' | 'discovery' | 'controlPlane'>,
  { version = newestVersion(), kubelet }: JoiningNode = {},
): Batches {
  const endpoint = spec.discovery.kind === 'token' ? endpointHost(spec.discovery.apiServerEndpoint) : undefined;
  const known = kubelet === undefined ? {} : { kubelet };
  return [
    [isPrivilegedUser],
    [
      fileAvailable(paths.kubeletConf),
      fileAvailable(paths.bootstrapKubeletConf),
      ...commonChecks(spec.node, { version, kubelet: kubelet ?? anythingGoes }),
      ...(spec.controlPlane === undefined ? [fileAvailable(spec.caCertPath)] : []),
      ...(endpoint === undefined ? [] : [httpProxy(endpoint), ...switches(version, [endpoint])]),
      ...ownChecks({ version, caPath: spec.caCertPath, ...known }),
      cgroupDriver(spec.node.criSocket, kubelet),
      kubeletFiles(spec.node, spec.caCertPath, kubelet),
    ],
  ];
}

/** What a KubeletConfiguration can say to make a finding a warning. */
const anythingGoes = { failCgroupV1: false };

/** What a joining host is judged by once the cluster's KubeletConfiguration is known; the questions were joinChecks'. */
export function clusterChecks(
  spec: Pick<JoinSpec, 'node'>,
  { version = newestVersion(), kubelet = {} }: JoiningNode,
): Batches {
  const isStrict = kubelet['failCgroupV1'] !== false;
  return [[...(isStrict ? [systemVerification(version, kubelet)] : []), cgroupDriver(spec.node.criSocket, kubelet)]];
}

/**
 * What a joining control plane is asked once its cluster is known: kubeadm's secondary mode of the checks of `init`
 * (spec 03 §2). `bringsCertificates`: an external etcd's client certificate comes with the shared ones.
 */
export function joiningControlPlaneChecks(
  spec: Pick<InitSpec, 'cluster' | 'localAPIEndpoint'>,
  bringsCertificates: boolean,
  more: readonly Check[] = [],
): Batches {
  const { etcd } = spec.cluster;
  const dir = etcdDir(spec.cluster);
  const external = etcd.kind === 'external' && !bringsCertificates ? externalEtcdClientCertificates(etcd) : [];
  const local = etcd.kind === 'local' ? localEtcdChecks(etcd.dataDir) : [];
  return [
    [
      ...controlPlaneChecks(spec),
      ...local,
      ...external,
      ...(dir === undefined ? [] : [diskSpace({ data: [dir] })]),
      ...more,
    ],
  ];
}

/** The checks of `reset`. */
export function resetChecks(): Batches {
  return [[isPrivilegedUser]];
}

/** What only a control-plane host is asked, up to the common checks. */
function controlPlaneChecks({
  cluster,
  localAPIEndpoint,
}: Pick<InitSpec, 'cluster' | 'localAPIEndpoint'>): readonly Check[] {
  const { advertiseAddress, bindPort } = localAPIEndpoint;
  return [
    numCpu,
    mem,
    kubernetesVersion(cluster.version),
    firewalld([bindPort, kubeletPort], advertiseAddress),
    portAvailable(bindPort, 'kube-apiserver'),
    portAvailable(10259, 'kube-scheduler'),
    portAvailable(10257, 'kube-controller-manager'),
    ...staticPods.map((component) => fileAvailable(manifestPath(component))),
    httpProxy(advertiseAddress),
    ...subnets(cluster).map((cidr) => httpProxyCidr(cidr, cluster.version)),
  ];
}

/** What every node is asked (spec 03 §4). `controlPlane` is the version the kubelet must go with, where it is known. */
function commonChecks(
  node: NodeRegistration,
  known: {
    readonly version: KubeVersion;
    readonly controlPlane?: KubeVersion;
    readonly kubelet?: Readonly<Record<string, unknown>>;
  },
): readonly Check[] {
  const { version } = known;
  const { rule, ipv4 } = switchesNeeded(version);
  return [
    cri(node.criSocket),
    ...(checksRuntimeVersion(version) ? [containerRuntimeVersion(node.criSocket)] : []),
    ...(rule === 'always' ? ipv4.map(switchedOn) : []),
    swap,
    ...commandsNeeded(version).map(({ command, isOptional }) => commandExisting(command, isOptional)),
    systemVerification(version, known.kubelet),
    hostname(node.name),
    kubeletVersion(known.controlPlane),
    serviceKubelet(version),
    portAvailable(kubeletPort, 'kubelet'),
  ];
}

function etcdChecks(cluster: ClusterSpec): readonly Check[] {
  const { etcd } = cluster;
  if (etcd.kind === 'external') {
    return [externalEtcdVersion(etcd, cluster.version), ...externalEtcdClientCertificates(etcd)];
  }
  return localEtcdChecks(etcd.dataDir);
}

function localEtcdChecks(dataDir: string): readonly Check[] {
  return [portAvailable(2379, 'etcd'), portAvailable(2380, 'etcd'), dirAvailable(dataDir)];
}

/** kbinit's additions; none of them has a name that kubeadm uses. */
function ownChecks(node: {
  readonly version: KubeVersion;
  readonly caPath: string;
  readonly etcdDir?: string | undefined;
  readonly kubelet?: Readonly<Record<string, unknown>>;
}): readonly Check[] {
  const data = [paths.kubelet, '/var/lib/containerd', ...(node.etcdDir === undefined ? [] : [node.etcdDir])];
  return [
    diskSpace({ configuration: [paths.kubernetes], data, programs: programFolders }),
    clockSkew,
    leftovers(node.caPath),
    resolver(node.kubelet?.['resolvConf']),
    ...(leavesBridgesToPlugins(node.version) ? [bridgeNetfilter] : []),
  ];
}

function etcdDir(cluster: ClusterSpec): string | undefined {
  return cluster.etcd.kind === 'local' ? cluster.etcd.dataDir : undefined;
}

/** Service ranges, then Pod ranges. */
function subnets(cluster: ClusterSpec): readonly string[] {
  const { serviceSubnet, podSubnet } = cluster.networking;
  return [...serviceSubnet.split(','), ...podSubnet.split(',')].filter((cidr) => cidr !== '');
}

/**
 * The kernel's switches for the families in use, names count for none (spec 03 §3, §4). Until 1.26 only the address of the
 * API server counted, and those of IPv4 are among the common checks.
 */
function switches(
  version: KubeVersion,
  addresses: readonly string[],
  ranges: readonly string[] = [],
): readonly Check[] {
  const { rule, ipv4, ipv6 } = switchesNeeded(version);
  const all = rule === 'always' ? addresses : [...addresses, ...ranges];
  const families = new Set(all.map((text): Family | undefined => (parseIp(text) ?? parseCidr(text))?.family));
  return [
    ...(families.has(4) && rule === 'in-use' ? ipv4.map(switchedOn) : []),
    ...(families.has(6) ? ipv6.map(switchedOn) : []),
  ];
}

/** The host of `host:port` or `[v6]:port`; undefined when it does not split. */
function endpointHost(endpoint: string): string | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):\d+$/.exec(endpoint);
  return match?.[1] ?? match?.[2];
}
