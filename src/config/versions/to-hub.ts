// From documents to the hub: defaults put in, Go's empty values taken as absent. All kubeadm API versions read through this.
import { defaultComponent, defaultLocalEtcd, defaultTimeouts, defaultToken, defaults } from '../defaults.ts';
import type { JoinDraft, ResetSpec, TokenDraft } from '../draft.ts';
import type {
  Arg,
  ControlPlaneComponent,
  EncryptionAlgorithm,
  EnvVar,
  Etcd,
  HostPathMount,
  Timeouts,
} from '../spec.ts';
import { pathOfFileUrl } from '../syntax.ts';
import { endpointDraft, nodeDraft, orAbsent, orDefault, type NodeDocument } from './fields.ts';
import type { ClusterParts, InitParts } from './parts.ts';

interface ComponentDocument {
  readonly extraArgs?: Arg[];
  readonly extraVolumes?: HostPathMount[];
  readonly extraEnvs?: EnvVar[];
}

interface EndpointDocument {
  readonly advertiseAddress?: string;
  readonly bindPort?: number;
}

interface CommonDocument {
  readonly dryRun?: boolean;
  readonly nodeRegistration?: NodeDocument;
  readonly skipPhases?: string[];
  readonly patches?: { readonly directory?: string };
  readonly timeouts?: Timeouts;
}

/** InitConfiguration after its schema. */
export interface InitDocument extends CommonDocument {
  readonly bootstrapTokens?: TokenDraft[];
  readonly localAPIEndpoint?: EndpointDocument;
  readonly certificateKey?: string;
}

interface LocalEtcdDocument {
  readonly imageRepository?: string;
  readonly imageTag?: string;
  readonly dataDir?: string;
  readonly extraArgs?: Arg[];
  readonly extraEnvs?: EnvVar[];
  readonly serverCertSANs?: string[];
  readonly peerCertSANs?: string[];
}

interface ExternalEtcdDocument {
  readonly endpoints?: string[];
  readonly httpEndpoints?: string[];
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** ClusterConfiguration after its schema. */
export interface ClusterDocument {
  readonly etcd?: { readonly local?: LocalEtcdDocument; readonly external?: ExternalEtcdDocument };
  readonly networking?: { readonly serviceSubnet?: string; readonly podSubnet?: string; readonly dnsDomain?: string };
  readonly kubernetesVersion?: string;
  readonly controlPlaneEndpoint?: string;
  readonly apiServer?: ComponentDocument & { readonly certSANs?: string[]; readonly timeoutForControlPlane?: number };
  readonly controllerManager?: ComponentDocument;
  readonly scheduler?: ComponentDocument;
  readonly dns?: { readonly imageRepository?: string; readonly imageTag?: string; readonly disabled?: boolean };
  readonly proxy?: { readonly disabled?: boolean };
  readonly certificatesDir?: string;
  readonly imageRepository?: string;
  readonly featureGates?: Record<string, boolean>;
  readonly clusterName?: string;
  readonly encryptionAlgorithm?: EncryptionAlgorithm | '';
  readonly certificateValidityPeriod?: number;
  readonly caCertificateValidityPeriod?: number;
}

/** JoinConfiguration after its schema. */
export interface JoinDocument extends CommonDocument {
  readonly caCertPath?: string;
  readonly discovery: {
    readonly bootstrapToken?: {
      readonly token?: string;
      readonly apiServerEndpoint?: string;
      readonly caCertHashes?: string[];
      readonly unsafeSkipCAVerification?: boolean;
    };
    readonly file?: { readonly kubeConfigPath?: string };
    readonly tlsBootstrapToken?: string;
    /** v1beta3's, which is timeouts.discovery now. */
    readonly timeout?: number;
  };
  readonly controlPlane?: { readonly localAPIEndpoint?: EndpointDocument; readonly certificateKey?: string };
}

/** ResetConfiguration after its schema. */
export interface ResetDocument {
  readonly cleanupTmpDir?: boolean;
  readonly certificatesDir?: string;
  readonly criSocket?: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly ignorePreflightErrors?: string[];
  readonly skipPhases?: string[];
  readonly unmountFlags?: string[];
  readonly timeouts?: Timeouts;
}

/** Go does not tell an empty value from none, and writes none. */
function envVar({ name, value, valueFrom }: EnvVar): EnvVar {
  return { name, ...(value ? { value } : {}), ...(valueFrom === undefined ? {} : { valueFrom }) };
}

function componentOf(given: ComponentDocument | undefined): ControlPlaneComponent {
  const { extraArgs, extraVolumes, extraEnvs } = { ...defaultComponent, ...given };
  return { extraArgs, extraVolumes, extraEnvs: extraEnvs.map(envVar) };
}

function etcdOf({ local, external }: NonNullable<ClusterDocument['etcd']>): Etcd {
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
  const { imageRepository, imageTag, dataDir, extraEnvs = [], ...rest } = local ?? {};
  return {
    ...defaultLocalEtcd,
    ...rest,
    extraEnvs: extraEnvs.map(envVar),
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

/** ClusterConfiguration. */
export function clusterParts(doc: ClusterDocument): ClusterParts {
  const controlPlaneEndpoint = orAbsent(doc.controlPlaneEndpoint);
  const timeout = doc.apiServer?.timeoutForControlPlane;
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
    ...(timeout !== undefined && { timeoutForControlPlaneSeconds: timeout }),
    imageRepository: orAbsent(doc.imageRepository) ?? defaults.imageRepository,
    featureGates: doc.featureGates ?? {},
    encryptionAlgorithm: doc.encryptionAlgorithm || defaults.encryptionAlgorithm,
    certificateValiditySeconds: doc.certificateValidityPeriod ?? defaults.certificateValiditySeconds,
    caCertificateValiditySeconds: doc.caCertificateValidityPeriod ?? defaults.caCertificateValiditySeconds,
  };
}

/** InitConfiguration. */
export function initParts(doc: InitDocument): InitParts {
  const certificateKey = orAbsent(doc.certificateKey);
  const patchesDirectory = orAbsent(doc.patches?.directory);
  return {
    node: nodeDraft(doc.nodeRegistration),
    localAPIEndpoint: endpointDraft(doc.localAPIEndpoint),
    bootstrapTokens: orDefault(doc.bootstrapTokens, [defaultToken]),
    ...(certificateKey !== undefined && { certificateKey }),
    skipPhases: doc.skipPhases ?? [],
    ...(patchesDirectory !== undefined && { patchesDirectory }),
    timeouts: doc.timeouts ?? defaultTimeouts,
    isDryRun: doc.dryRun ?? false,
  };
}

function discoveryOf({ bootstrapToken: token, file }: JoinDocument['discovery']): JoinDraft['discovery'] {
  if (token === undefined) return { kind: 'file', kubeConfigPath: pathOfFileUrl(file?.kubeConfigPath ?? '') };
  return {
    kind: 'token',
    token: token.token ?? '',
    apiServerEndpoint: token.apiServerEndpoint ?? '',
    caCertHashes: token.caCertHashes ?? [],
    unsafeSkipCAVerification: token.unsafeSkipCAVerification ?? false,
  };
}

function joinControlPlane(given: JoinDocument['controlPlane']): Pick<JoinDraft, 'controlPlane'> {
  if (given === undefined) return {};
  const certificateKey = orAbsent(given.certificateKey);
  return {
    controlPlane: {
      localAPIEndpoint: endpointDraft(given.localAPIEndpoint),
      ...(certificateKey !== undefined && { certificateKey }),
    },
  };
}

/** JoinConfiguration. */
export function joinParts(doc: JoinDocument): JoinDraft {
  const { timeout } = doc.discovery;
  const tlsBootstrapToken = orAbsent(doc.discovery.tlsBootstrapToken) ?? orAbsent(doc.discovery.bootstrapToken?.token);
  const patchesDirectory = orAbsent(doc.patches?.directory);
  return {
    node: nodeDraft(doc.nodeRegistration),
    caCertPath: orAbsent(doc.caCertPath) ?? defaults.caCertPath,
    discovery: discoveryOf(doc.discovery),
    ...(tlsBootstrapToken !== undefined && { tlsBootstrapToken }),
    ...joinControlPlane(doc.controlPlane),
    skipPhases: doc.skipPhases ?? [],
    ...(patchesDirectory !== undefined && { patchesDirectory }),
    timeouts: { ...(doc.timeouts ?? defaultTimeouts), ...(timeout !== undefined && { discovery: timeout }) },
    isDryRun: doc.dryRun ?? false,
  };
}

/** ResetConfiguration. */
export function resetParts(doc: ResetDocument): ResetSpec {
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
