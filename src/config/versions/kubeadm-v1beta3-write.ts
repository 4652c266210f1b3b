// kubeadm.k8s.io/v1beta3, from the hub: what Kubernetes up to 1.30 writes into ConfigMaps and prints as defaults.
import type { Arg, ClusterSpec, InitSpec, JoinSpec } from '../spec.ts';
import { formatDuration } from '../../util/duration.ts';
import { ordersExtraArgs } from '../../kube/traits.ts';
import { isMapping } from '../finding.ts';
import {
  clusterConfigurationDocument,
  initConfigurationDocument,
  joinConfigurationDocument,
} from './kubeadm-v1beta4-write.ts';

const apiVersion = 'kubeadm.k8s.io/v1beta3';

type Document = Record<string, unknown>;

/** A mapping of arguments: of equal names the last counts (v1beta3 conversion, convertFromArgs). */
function withArgMap(document: unknown, args: readonly Arg[]): Document {
  const { extraArgs: _list, extraEnvs: _envs, ...rest } = isMapping(document) ? document : {};
  return args.length === 0
    ? rest
    : { ...rest, extraArgs: Object.fromEntries(args.map(({ name, value }) => [name, value])) };
}

/** Up to 1.28 kubeadm wrote the authorization mode it had chosen into the configuration itself. */
function apiServerArgs(cluster: ClusterSpec): readonly Arg[] {
  const args = cluster.apiServer.extraArgs;
  if (ordersExtraArgs(cluster.version) || args.some(({ name }) => name === 'authorization-mode')) return args;
  return [...args, { name: 'authorization-mode', value: 'Node,RBAC' }];
}

function etcdOf(etcd: ClusterSpec['etcd'], document: unknown): Document {
  const newer = isMapping(document) ? document : {};
  if (etcd.kind === 'local') return { local: withArgMap(newer['local'], etcd.extraArgs) };
  const { httpEndpoints: _http, ...external } = isMapping(newer['external']) ? newer['external'] : {};
  return { external };
}

/** What v1beta3 has no field for is left out: extraEnvs, proxy, dns.disabled, algorithm and validity. */
export function clusterConfigurationV1beta3(
  cluster: ClusterSpec,
  timeoutForControlPlaneSeconds: number,
): Record<string, unknown> {
  const {
    proxy: _proxy,
    encryptionAlgorithm: _algorithm,
    certificateValidityPeriod: _leaf,
    caCertificateValidityPeriod: _authority,
    ...newer
  } = clusterConfigurationDocument(cluster);
  const { disabled: _disabled, ...dns } = isMapping(newer['dns']) ? newer['dns'] : {};
  return {
    ...newer,
    apiVersion,
    apiServer: {
      ...withArgMap(newer['apiServer'], apiServerArgs(cluster)),
      timeoutForControlPlane: formatDuration(timeoutForControlPlaneSeconds),
    },
    controllerManager: withArgMap(newer['controllerManager'], cluster.controllerManager.extraArgs),
    scheduler: withArgMap(newer['scheduler'], cluster.scheduler.extraArgs),
    dns,
    etcd: etcdOf(cluster.etcd, newer['etcd']),
  };
}

function nodeRegistrationV1beta3(document: Document, args: readonly Arg[]): Document {
  const {
    imagePullSerial: _serial,
    kubeletExtraArgs: _list,
    ...node
  } = isMapping(document['nodeRegistration']) ? document['nodeRegistration'] : {};
  if (args.length === 0) return node;
  return { ...node, kubeletExtraArgs: Object.fromEntries(args.map(({ name, value }) => [name, value])) };
}

/** The InitConfiguration of v1beta3; timeoutForControlPlane is in the cluster's document. */
export function initConfigurationV1beta3(spec: InitSpec): Record<string, unknown> {
  const { timeouts: _timeouts, dryRun: _dryRun, ...document } = initConfigurationDocument(spec);
  const nodeRegistration = nodeRegistrationV1beta3(document, spec.node.kubeletExtraArgs);
  return { ...document, apiVersion, nodeRegistration };
}

/** The JoinConfiguration of v1beta3. */
export function joinConfigurationV1beta3(spec: JoinSpec): Record<string, unknown> {
  const { timeouts: _timeouts, dryRun: _dryRun, ...document } = joinConfigurationDocument(spec);
  const nodeRegistration = nodeRegistrationV1beta3(document, spec.node.kubeletExtraArgs);
  const discovery = isMapping(document['discovery']) ? document['discovery'] : {};
  const timeout = formatDuration(spec.timeouts.discovery);
  return { ...document, apiVersion, nodeRegistration, discovery: { ...discovery, timeout } };
}
