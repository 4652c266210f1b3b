// The hub: what kbinit knows of a cluster and a node, whichever config version it was written in.
// External versions convert to and from these types (config/versions); everything behind the config reads only these.
import type { KubeVersion } from '../kube/version.ts';

/** One command-line argument of a component; order and duplicates matter (v1beta4). */
export interface Arg {
  readonly name: string;
  readonly value: string;
}

/** core/v1 EnvVar. */
export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: Readonly<Record<string, unknown>>;
}

export interface HostPathMount {
  readonly name: string;
  readonly hostPath: string;
  readonly mountPath: string;
  readonly readOnly?: boolean;
  readonly pathType?: string;
}

/** core/v1 Taint. */
export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
  readonly timeAdded?: string;
}

export interface ControlPlaneComponent {
  readonly extraArgs: readonly Arg[];
  readonly extraVolumes: readonly HostPathMount[];
  readonly extraEnvs: readonly EnvVar[];
}

export interface ApiServer extends ControlPlaneComponent {
  /** Lower case. */
  readonly certSANs: readonly string[];
}

export interface LocalEtcd {
  readonly kind: 'local';
  readonly dataDir: string;
  readonly imageRepository?: string;
  readonly imageTag?: string;
  readonly extraArgs: readonly Arg[];
  readonly extraEnvs: readonly EnvVar[];
  readonly serverCertSANs: readonly string[];
  readonly peerCertSANs: readonly string[];
}

export interface ExternalEtcd {
  readonly kind: 'external';
  readonly endpoints: readonly string[];
  readonly httpEndpoints: readonly string[];
  /** Paths on the control-plane host; '' when not set. */
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export type Etcd = LocalEtcd | ExternalEtcd;

export const encryptionAlgorithms = ['RSA-2048', 'RSA-3072', 'RSA-4096', 'ECDSA-P256', 'ECDSA-P384'] as const;
export type EncryptionAlgorithm = (typeof encryptionAlgorithms)[number];

/** A KubeletConfiguration or KubeProxyConfiguration document: as the user gave it, and defaulted as kubeadm does. */
export interface ComponentConfig {
  /** kubeadm signs only generated configs with a hash annotation (spec 02 §8). */
  readonly isUserSupplied: boolean;
  /** The whole document, apiVersion and kind included, with kubeadm's defaults and serialised zero values. */
  readonly document: Readonly<Record<string, unknown>>;
}

/** What the whole cluster shares: ClusterConfiguration plus the component configs. Everything is defaulted. */
export interface ClusterSpec {
  readonly version: KubeVersion;
  readonly clusterName: string;
  /** host:port; undefined when there is none. */
  readonly controlPlaneEndpoint?: string;
  readonly networking: {
    /** One CIDR or `a,b` (dual stack). */
    readonly serviceSubnet: string;
    /** '' when none is set. */
    readonly podSubnet: string;
    readonly dnsDomain: string;
  };
  readonly apiServer: ApiServer;
  readonly controllerManager: ControlPlaneComponent;
  readonly scheduler: ControlPlaneComponent;
  readonly etcd: Etcd;
  readonly dns: { readonly imageRepository?: string; readonly imageTag?: string; readonly isDisabled: boolean };
  readonly proxy: { readonly isDisabled: boolean };
  readonly certificatesDir: string;
  readonly imageRepository: string;
  readonly featureGates: Readonly<Record<string, boolean>>;
  readonly encryptionAlgorithm: EncryptionAlgorithm;
  readonly certificateValiditySeconds: number;
  readonly caCertificateValiditySeconds: number;
  readonly kubelet: ComponentConfig;
  readonly kubeProxy: ComponentConfig;
}

export interface BootstrapToken {
  /** `abcdef.0123456789abcdef`; a secret from the dot on. */
  readonly token: string;
  /** True when the user named none: any token of the same kind that the cluster has serves as well. */
  readonly isGenerated?: true;
  readonly description?: string;
  /** 0 = never expires. */
  readonly ttlSeconds: number;
  /** RFC 3339, when given instead of a ttl. */
  readonly expires?: string;
  readonly usages: readonly string[];
  readonly groups: readonly string[];
}

export type ImagePullPolicy = 'Always' | 'IfNotPresent' | 'Never';

export interface NodeRegistration {
  readonly name: string;
  /** unix:///… */
  readonly criSocket: string;
  /** undefined = kubeadm's default for the role; [] = none. */
  readonly taints: readonly Taint[] | undefined;
  readonly kubeletExtraArgs: readonly Arg[];
  readonly ignorePreflightErrors: readonly string[];
  readonly imagePullPolicy: ImagePullPolicy;
  readonly imagePullSerial: boolean;
}

export interface ApiEndpoint {
  readonly advertiseAddress: string;
  readonly bindPort: number;
}

/** All in seconds (v1beta4 Timeouts). */
export interface Timeouts {
  readonly controlPlaneComponentHealthCheck: number;
  readonly kubeletHealthCheck: number;
  readonly kubernetesAPICall: number;
  readonly etcdAPICall: number;
  readonly tlsBootstrap: number;
  readonly discovery: number;
  readonly upgradeManifests: number;
}

/** Everything `init` needs, complete: no value is left to be detected. */
export interface InitSpec {
  readonly cluster: ClusterSpec;
  readonly node: NodeRegistration;
  readonly localAPIEndpoint: ApiEndpoint;
  readonly bootstrapTokens: readonly BootstrapToken[];
  /** 64 hex characters; a secret. */
  readonly certificateKey?: string;
  readonly skipPhases: readonly string[];
  readonly patchesDirectory?: string;
  readonly timeouts: Timeouts;
  readonly isDryRun: boolean;
}

export interface TokenDiscovery {
  readonly kind: 'token';
  readonly token: string;
  /** host:port */
  readonly apiServerEndpoint: string;
  readonly caCertHashes: readonly string[];
  readonly unsafeSkipCAVerification: boolean;
}

export interface FileDiscovery {
  readonly kind: 'file';
  /** A path on the joining host, or an https URL. */
  readonly kubeConfigPath: string;
}

/** Everything `join` needs. What belongs to the cluster is read from the cluster. */
export interface JoinSpec {
  readonly node: NodeRegistration;
  readonly caCertPath: string;
  readonly discovery: TokenDiscovery | FileDiscovery;
  readonly tlsBootstrapToken?: string;
  /** undefined = worker. */
  readonly controlPlane?: { readonly localAPIEndpoint: ApiEndpoint; readonly certificateKey?: string };
  readonly skipPhases: readonly string[];
  readonly patchesDirectory?: string;
  readonly timeouts: Timeouts;
  readonly isDryRun: boolean;
}
