// kubeadm.k8s.io/v1beta4, from the hub: the documents as kubeadm serialises them, with Go's rules on what is left out.
import { hasHttpEndpoints } from '../../kube/config-versions.ts';
import { formatVersion } from '../../kube/version.ts';
import { formatDuration } from '../../util/duration.ts';
import type {
  ApiEndpoint,
  BootstrapToken,
  ClusterSpec,
  ControlPlaneComponent,
  HostPathMount,
  InitSpec,
  JoinSpec,
  NodeRegistration,
  Timeouts,
} from '../spec.ts';
import type { ResetSpec, UpgradeSpec } from '../draft.ts';

const apiVersion = 'kubeadm.k8s.io/v1beta4';

type Document = Record<string, unknown>;

/** Go's omitempty: no '', 0, false, empty list or map; nested structs are values and stay. */
function omitEmpty(fields: Document): Document {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => {
      if (Array.isArray(value)) return value.length > 0;
      return value !== undefined && value !== '' && value !== 0 && value !== false;
    }),
  );
}

/** A pointer or map: left out when it has nothing in it. */
function orNothing(fields: Document): Document | undefined {
  return Object.keys(fields).length === 0 ? undefined : fields;
}

function volume({ name, hostPath, mountPath, readOnly, pathType }: HostPathMount): Document {
  return { name, hostPath, mountPath, ...omitEmpty({ readOnly, pathType }) };
}

function component(from: ControlPlaneComponent): Document {
  return omitEmpty({
    extraArgs: from.extraArgs,
    extraVolumes: from.extraVolumes.map(volume),
    extraEnvs: from.extraEnvs,
  });
}

function etcd(cluster: ClusterSpec): Document {
  if (cluster.etcd.kind === 'external') {
    const { endpoints, httpEndpoints, caFile, certFile, keyFile } = cluster.etcd;
    const http = hasHttpEndpoints(cluster.version) ? omitEmpty({ httpEndpoints }) : {};
    return { external: { endpoints, ...http, caFile, certFile, keyFile } };
  }
  const { kind: _kind, dataDir, ...rest } = cluster.etcd;
  return { local: { dataDir, ...omitEmpty(rest) } };
}

/** The ClusterConfiguration document of v1beta4. */
export function clusterConfigurationDocument(cluster: ClusterSpec): Record<string, unknown> {
  return {
    apiVersion,
    kind: 'ClusterConfiguration',
    apiServer: { ...component(cluster.apiServer), ...omitEmpty({ certSANs: cluster.apiServer.certSANs }) },
    controllerManager: component(cluster.controllerManager),
    scheduler: component(cluster.scheduler),
    dns: omitEmpty({
      imageRepository: cluster.dns.imageRepository,
      imageTag: cluster.dns.imageTag,
      disabled: cluster.dns.isDisabled,
    }),
    proxy: omitEmpty({ disabled: cluster.proxy.isDisabled }),
    etcd: etcd(cluster),
    networking: omitEmpty({ ...cluster.networking }),
    ...omitEmpty({
      kubernetesVersion: formatVersion(cluster.version),
      controlPlaneEndpoint: cluster.controlPlaneEndpoint,
      certificatesDir: cluster.certificatesDir,
      imageRepository: cluster.imageRepository,
      featureGates: orNothing({ ...cluster.featureGates }),
      clusterName: cluster.clusterName,
      encryptionAlgorithm: cluster.encryptionAlgorithm,
    }),
    certificateValidityPeriod: formatDuration(cluster.certificateValiditySeconds),
    caCertificateValidityPeriod: formatDuration(cluster.caCertificateValiditySeconds),
  };
}

function nodeRegistration(node: NodeRegistration): Document {
  return {
    ...omitEmpty({
      name: node.name,
      criSocket: node.criSocket,
      kubeletExtraArgs: node.kubeletExtraArgs,
      ignorePreflightErrors: node.ignorePreflightErrors,
      imagePullPolicy: node.imagePullPolicy,
    }),
    imagePullSerial: node.imagePullSerial,
    // Not omitempty: null means the default of the role, [] means none.
    taints: node.taints ?? null,
  };
}

function timeouts(from: Timeouts): Document {
  return Object.fromEntries(Object.entries(from).map(([name, seconds]) => [name, formatDuration(Number(seconds))]));
}

function endpoint(from: ApiEndpoint): Document {
  return omitEmpty({ advertiseAddress: from.advertiseAddress, bindPort: from.bindPort });
}

function bootstrapToken(from: BootstrapToken): Document {
  const { token, description, ttlSeconds, expires, usages, groups } = from;
  const life = expires === undefined ? { ttl: formatDuration(ttlSeconds) } : { expires };
  return { token, ...omitEmpty({ description, usages, groups }), ...life };
}

function patches(directory: string | undefined): Document {
  return directory === undefined ? {} : { patches: { directory } };
}

/** The InitConfiguration document; the cluster's is separate. */
export function initConfigurationDocument(spec: InitSpec): Record<string, unknown> {
  return {
    apiVersion,
    kind: 'InitConfiguration',
    ...omitEmpty({
      bootstrapTokens: spec.bootstrapTokens.map(bootstrapToken),
      dryRun: spec.isDryRun,
      certificateKey: spec.certificateKey,
      skipPhases: spec.skipPhases,
    }),
    nodeRegistration: nodeRegistration(spec.node),
    localAPIEndpoint: endpoint(spec.localAPIEndpoint),
    ...patches(spec.patchesDirectory),
    timeouts: timeouts(spec.timeouts),
  };
}

function discovery(spec: JoinSpec): Document {
  const tls = omitEmpty({ tlsBootstrapToken: spec.tlsBootstrapToken });
  if (spec.discovery.kind === 'file') return { file: { kubeConfigPath: spec.discovery.kubeConfigPath }, ...tls };
  const { kind: _kind, token, ...rest } = spec.discovery;
  return { bootstrapToken: { token, ...omitEmpty(rest) }, ...tls };
}

/** The JoinConfiguration document. */
export function joinConfigurationDocument(spec: JoinSpec): Record<string, unknown> {
  const controlPlane = spec.controlPlane && {
    localAPIEndpoint: endpoint(spec.controlPlane.localAPIEndpoint),
    ...omitEmpty({ certificateKey: spec.controlPlane.certificateKey }),
  };
  return {
    apiVersion,
    kind: 'JoinConfiguration',
    ...omitEmpty({ dryRun: spec.isDryRun, caCertPath: spec.caCertPath, skipPhases: spec.skipPhases }),
    nodeRegistration: nodeRegistration(spec.node),
    discovery: discovery(spec),
    ...(controlPlane && { controlPlane }),
    ...patches(spec.patchesDirectory),
    timeouts: timeouts(spec.timeouts),
  };
}

/** The ResetConfiguration document. */
export function resetConfigurationDocument(spec: ResetSpec): Record<string, unknown> {
  return {
    apiVersion,
    kind: 'ResetConfiguration',
    ...omitEmpty({
      certificatesDir: spec.certificatesDir,
      cleanupTmpDir: spec.cleanupTmpDir,
      criSocket: spec.criSocket,
      dryRun: spec.isDryRun,
      force: spec.isForced,
      ignorePreflightErrors: spec.ignorePreflightErrors,
      skipPhases: spec.skipPhases,
      unmountFlags: spec.unmountFlags,
    }),
    timeouts: timeouts(spec.timeouts),
  };
}

/** A pointer to a boolean is written when it is set, false too. */
function orAbsent(fields: Record<string, boolean | undefined>): Document {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function upgradeNode(from: UpgradeSpec['node']): Document {
  const { certificateRenewal, etcdUpgrade, imagePullSerial, isDryRun } = from;
  return {
    ...orAbsent({ certificateRenewal, dryRun: isDryRun, etcdUpgrade, imagePullSerial }),
    ...omitEmpty({
      ignorePreflightErrors: from.ignorePreflightErrors,
      imagePullPolicy: from.imagePullPolicy,
      skipPhases: from.skipPhases,
    }),
    ...patches(from.patchesDirectory),
  };
}

function upgradePlan(from: UpgradeSpec['plan']): Document {
  const { allowExperimentalUpgrades, allowRCUpgrades, etcdUpgrade, isDryRun, printConfig } = from;
  return {
    ...orAbsent({ allowExperimentalUpgrades, allowRCUpgrades, dryRun: isDryRun, etcdUpgrade, printConfig }),
    ...omitEmpty({ ignorePreflightErrors: from.ignorePreflightErrors, kubernetesVersion: from.kubernetesVersion }),
  };
}

/** The UpgradeConfiguration document. */
export function upgradeConfigurationDocument(spec: UpgradeSpec): Record<string, unknown> {
  const { apply, diff, node, plan } = spec;
  return {
    apiVersion,
    kind: 'UpgradeConfiguration',
    apply: { ...upgradePlan(apply), ...upgradeNode(apply), ...orAbsent({ forceUpgrade: apply.forceUpgrade }) },
    diff: omitEmpty({ contextLines: diff.contextLines, kubernetesVersion: diff.kubernetesVersion }),
    node: upgradeNode(node),
    plan: upgradePlan(plan),
    timeouts: timeouts(spec.timeouts),
  };
}
