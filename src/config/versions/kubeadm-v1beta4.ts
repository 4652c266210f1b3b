// kubeadm.k8s.io/v1beta4: its schemas, and the way from its documents to the hub. The way back is in kubeadm-v1beta4-write.ts.
import * as z from 'zod';
import { defaultComponent, defaultLocalEtcd, defaultTimeouts, defaultToken, defaults } from '../defaults.ts';
import type { JoinDraft, ResetSpec } from '../draft.ts';
import {
  encryptionAlgorithms,
  type Arg,
  type ControlPlaneComponent,
  type EnvVar,
  type Etcd,
  type HostPathMount,
} from '../spec.ts';
import {
  argList,
  bootstrapToken,
  duration,
  endpoint,
  endpointDraft,
  envs,
  flag,
  gates,
  imagePullPolicy,
  nodeDraft,
  orAbsent,
  orDefault,
  patches,
  taints,
  text,
  texts,
  timeouts,
  volumes,
} from './fields.ts';
import { documentKind } from './kind.ts';
import type { ClusterParts, InitParts, KubeadmVersion } from './parts.ts';

export {
  clusterConfigurationDocument,
  initConfigurationDocument,
  joinConfigurationDocument,
} from './kubeadm-v1beta4-write.ts';

const apiVersion = 'kubeadm.k8s.io/v1beta4';

const header = { apiVersion: z.string(), kind: z.string() };

const nodeRegistration = z.strictObject({
  name: text,
  criSocket: text,
  taints: taints.exactOptional(),
  kubeletExtraArgs: argList.exactOptional(),
  ignorePreflightErrors: texts,
  imagePullPolicy,
  imagePullSerial: flag,
});

const initConfiguration = z.strictObject({
  ...header,
  bootstrapTokens: z.array(bootstrapToken).exactOptional(),
  dryRun: flag,
  nodeRegistration: nodeRegistration.exactOptional(),
  localAPIEndpoint: endpoint.exactOptional(),
  certificateKey: text,
  skipPhases: texts,
  patches: patches.exactOptional(),
  timeouts: timeouts.exactOptional(),
});

const component = {
  extraArgs: argList.exactOptional(),
  extraVolumes: volumes.exactOptional(),
  extraEnvs: envs.exactOptional(),
};

const localEtcd = z.strictObject({
  imageRepository: text,
  imageTag: text,
  dataDir: text,
  extraArgs: argList.exactOptional(),
  extraEnvs: envs.exactOptional(),
  serverCertSANs: texts,
  peerCertSANs: texts,
});

const externalEtcd = z.strictObject({
  endpoints: texts,
  httpEndpoints: texts,
  caFile: text,
  certFile: text,
  keyFile: text,
});

const clusterConfiguration = z.strictObject({
  ...header,
  etcd: z
    .strictObject({ local: localEtcd.exactOptional(), external: externalEtcd.exactOptional() })
    .refine((etcd) => etcd.local === undefined || etcd.external === undefined, {
      message: 'local and external are mutually exclusive',
      params: { fix: 'keep one of them' },
    })
    .exactOptional(),
  networking: z.strictObject({ serviceSubnet: text, podSubnet: text, dnsDomain: text }).exactOptional(),
  kubernetesVersion: text,
  controlPlaneEndpoint: text,
  apiServer: z.strictObject({ ...component, certSANs: texts }).exactOptional(),
  controllerManager: z.strictObject(component).exactOptional(),
  scheduler: z.strictObject(component).exactOptional(),
  dns: z.strictObject({ imageRepository: text, imageTag: text, disabled: flag }).exactOptional(),
  proxy: z.strictObject({ disabled: flag }).exactOptional(),
  certificatesDir: text,
  imageRepository: text,
  featureGates: gates,
  clusterName: text,
  encryptionAlgorithm: z.enum(['', ...encryptionAlgorithms]).exactOptional(),
  certificateValidityPeriod: duration.exactOptional(),
  caCertificateValidityPeriod: duration.exactOptional(),
});

const tokenDiscovery = z.strictObject({
  token: text,
  apiServerEndpoint: text,
  caCertHashes: texts,
  unsafeSkipCAVerification: flag,
});

const joinConfiguration = z.strictObject({
  ...header,
  dryRun: flag,
  nodeRegistration: nodeRegistration.exactOptional(),
  caCertPath: text,
  discovery: z
    .strictObject({
      bootstrapToken: tokenDiscovery.exactOptional(),
      file: z.strictObject({ kubeConfigPath: text }).exactOptional(),
      tlsBootstrapToken: text,
    })
    .refine((discovery) => (discovery.bootstrapToken === undefined) !== (discovery.file === undefined), {
      message: 'exactly one of bootstrapToken and file must be set',
      params: { fix: 'set bootstrapToken (token, apiServerEndpoint, caCertHashes) or file (kubeConfigPath)' },
    }),
  controlPlane: z.strictObject({ localAPIEndpoint: endpoint.exactOptional(), certificateKey: text }).exactOptional(),
  skipPhases: texts,
  patches: patches.exactOptional(),
  timeouts: timeouts.exactOptional(),
});

const resetConfiguration = z.strictObject({
  ...header,
  cleanupTmpDir: flag,
  certificatesDir: text,
  criSocket: text,
  dryRun: flag,
  force: flag,
  ignorePreflightErrors: texts,
  skipPhases: texts,
  unmountFlags: texts,
  timeouts: timeouts.exactOptional(),
});

interface ComponentDocument {
  readonly extraArgs?: Arg[];
  readonly extraVolumes?: HostPathMount[];
  readonly extraEnvs?: EnvVar[];
}

function componentOf(given: ComponentDocument | undefined): ControlPlaneComponent {
  const { extraArgs, extraVolumes, extraEnvs } = { ...defaultComponent, ...given };
  return { extraArgs, extraVolumes, extraEnvs };
}

function etcdOf({ local, external }: NonNullable<z.output<typeof clusterConfiguration>['etcd']>): Etcd {
  if (external !== undefined) {
    const endpoints = external.endpoints ?? [];
    return {
      kind: 'external',
      endpoints,
      httpEndpoints: orDefault(external.httpEndpoints, endpoints),
      caFile: external.caFile ?? '',
      certFile: external.certFile ?? '',
      keyFile: external.keyFile ?? '',
    };
  }
  const { imageRepository, imageTag, dataDir, ...rest } = local ?? {};
  return {
    ...defaultLocalEtcd,
    ...rest,
    ...imageOf({ imageRepository, imageTag }),
    dataDir: orAbsent(dataDir) ?? defaultLocalEtcd.dataDir,
  };
}

function imageOf(given: { imageRepository?: string | undefined; imageTag?: string | undefined } | undefined): {
  imageRepository?: string;
  imageTag?: string;
} {
  const [imageRepository, imageTag] = [orAbsent(given?.imageRepository), orAbsent(given?.imageTag)];
  return { ...(imageRepository !== undefined && { imageRepository }), ...(imageTag !== undefined && { imageTag }) };
}

function clusterParts(doc: z.output<typeof clusterConfiguration>): ClusterParts {
  const controlPlaneEndpoint = orAbsent(doc.controlPlaneEndpoint);
  return {
    kubernetesVersion: orAbsent(doc.kubernetesVersion),
    clusterName: orAbsent(doc.clusterName) ?? defaults.clusterName,
    ...(controlPlaneEndpoint !== undefined && { controlPlaneEndpoint }),
    networking: {
      serviceSubnet: orAbsent(doc.networking?.serviceSubnet) ?? defaults.serviceSubnet,
      podSubnet: doc.networking?.podSubnet ?? '',
      dnsDomain: orAbsent(doc.networking?.dnsDomain) ?? defaults.dnsDomain,
    },
    apiServer: { ...componentOf(doc.apiServer), certSANs: doc.apiServer?.certSANs ?? [] },
    controllerManager: componentOf(doc.controllerManager),
    scheduler: componentOf(doc.scheduler),
    etcd: etcdOf(doc.etcd ?? {}),
    dns: { ...imageOf(doc.dns), isDisabled: doc.dns?.disabled ?? false },
    proxy: { isDisabled: doc.proxy?.disabled ?? false },
    certificatesDir: orAbsent(doc.certificatesDir) ?? defaults.certificatesDir,
    imageRepository: orAbsent(doc.imageRepository) ?? defaults.imageRepository,
    featureGates: doc.featureGates ?? {},
    encryptionAlgorithm: doc.encryptionAlgorithm || defaults.encryptionAlgorithm,
    certificateValiditySeconds: doc.certificateValidityPeriod ?? defaults.certificateValiditySeconds,
    caCertificateValiditySeconds: doc.caCertificateValidityPeriod ?? defaults.caCertificateValiditySeconds,
  };
}

function initParts(doc: z.output<typeof initConfiguration>): InitParts {
  const certificateKey = orAbsent(doc.certificateKey);
  const patchesDirectory = orAbsent(doc.patches?.directory);
  return {
    node: nodeDraft(doc.nodeRegistration, doc.nodeRegistration?.kubeletExtraArgs),
    localAPIEndpoint: endpointDraft(doc.localAPIEndpoint),
    bootstrapTokens: orDefault(doc.bootstrapTokens, [defaultToken]),
    ...(certificateKey !== undefined && { certificateKey }),
    skipPhases: doc.skipPhases ?? [],
    ...(patchesDirectory !== undefined && { patchesDirectory }),
    timeouts: doc.timeouts ?? defaultTimeouts,
    isDryRun: doc.dryRun ?? false,
  };
}

/** A `file:` URL is its path (spec 02 §1). */
function kubeConfigPath(given: string): string {
  return given.startsWith('file://') ? decodeURIComponent(given.slice('file://'.length)) : given;
}

function discoveryOf({
  bootstrapToken: token,
  file,
}: z.output<typeof joinConfiguration>['discovery']): JoinDraft['discovery'] {
  if (token === undefined) return { kind: 'file', kubeConfigPath: kubeConfigPath(file?.kubeConfigPath ?? '') };
  return {
    kind: 'token',
    token: token.token ?? '',
    apiServerEndpoint: token.apiServerEndpoint ?? '',
    caCertHashes: token.caCertHashes ?? [],
    unsafeSkipCAVerification: token.unsafeSkipCAVerification ?? false,
  };
}

function joinControlPlane(given: z.output<typeof joinConfiguration>['controlPlane']): Pick<JoinDraft, 'controlPlane'> {
  if (given === undefined) return {};
  const certificateKey = orAbsent(given.certificateKey);
  return {
    controlPlane: {
      localAPIEndpoint: endpointDraft(given.localAPIEndpoint),
      ...(certificateKey !== undefined && { certificateKey }),
    },
  };
}

function joinParts(doc: z.output<typeof joinConfiguration>): JoinDraft {
  const tlsBootstrapToken = orAbsent(doc.discovery.tlsBootstrapToken) ?? orAbsent(doc.discovery.bootstrapToken?.token);
  const patchesDirectory = orAbsent(doc.patches?.directory);
  return {
    node: nodeDraft(doc.nodeRegistration, doc.nodeRegistration?.kubeletExtraArgs),
    caCertPath: orAbsent(doc.caCertPath) ?? defaults.caCertPath,
    discovery: discoveryOf(doc.discovery),
    ...(tlsBootstrapToken !== undefined && { tlsBootstrapToken }),
    ...joinControlPlane(doc.controlPlane),
    skipPhases: doc.skipPhases ?? [],
    ...(patchesDirectory !== undefined && { patchesDirectory }),
    timeouts: doc.timeouts ?? defaultTimeouts,
    isDryRun: doc.dryRun ?? false,
  };
}

function resetParts(doc: z.output<typeof resetConfiguration>): ResetSpec {
  return {
    certificatesDir: orAbsent(doc.certificatesDir) ?? defaults.certificatesDir,
    criSocket: orAbsent(doc.criSocket),
    cleanupTmpDir: doc.cleanupTmpDir ?? false,
    isForced: doc.force ?? false,
    ignorePreflightErrors: doc.ignorePreflightErrors ?? [],
    skipPhases: doc.skipPhases ?? [],
    unmountFlags: doc.unmountFlags ?? [],
    timeouts: doc.timeouts ?? defaultTimeouts,
    isDryRun: doc.dryRun ?? false,
  };
}

/** Readable since 1.31, what newer kubeadms write. */
export const kubeadmV1beta4: KubeadmVersion = {
  apiVersion,
  init: documentKind('InitConfiguration', initConfiguration, initParts),
  cluster: documentKind('ClusterConfiguration', clusterConfiguration, clusterParts),
  join: documentKind('JoinConfiguration', joinConfiguration, joinParts),
  reset: documentKind('ResetConfiguration', resetConfiguration, resetParts),
  isDeprecated: false,
};
