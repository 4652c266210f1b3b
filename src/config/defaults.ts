// The static defaults of a configuration: what is known without looking at a host (kubeadm v1beta4 §1).
import type { ControlPlaneComponent, EncryptionAlgorithm, ImagePullPolicy, LocalEtcd, Timeouts } from './spec.ts';
import type { NodeDraft, TokenDraft } from './draft.ts';
import { paths } from '../kube/paths.ts';

const hour = 3600;

/** The values of single fields. */
export interface Defaults {
  readonly bindPort: number;
  readonly clusterName: string;
  readonly imageRepository: string;
  readonly serviceSubnet: string;
  readonly dnsDomain: string;
  readonly certificatesDir: string;
  readonly encryptionAlgorithm: EncryptionAlgorithm;
  readonly certificateValiditySeconds: number;
  readonly caCertificateValiditySeconds: number;
  readonly tokenTtlSeconds: number;
  readonly imagePullPolicy: ImagePullPolicy;
  readonly caCertPath: string;
  /** Used where none is found, and by commands that talk to no runtime (kubeadm v1beta4 §5). */
  readonly criSocket: string;
}

export const defaults: Defaults = {
  bindPort: 6443,
  clusterName: 'kubernetes',
  imageRepository: 'registry.k8s.io',
  serviceSubnet: '10.96.0.0/12',
  dnsDomain: 'cluster.local',
  certificatesDir: paths.pki,
  encryptionAlgorithm: 'RSA-2048',
  certificateValiditySeconds: 8760 * hour,
  caCertificateValiditySeconds: 87_600 * hour,
  tokenTtlSeconds: 24 * hour,
  imagePullPolicy: 'IfNotPresent',
  caCertPath: paths.caCert,
  criSocket: 'unix:///var/run/containerd/containerd.sock',
};

/** v1beta4 Timeouts, in seconds. */
export const defaultTimeouts: Timeouts = {
  controlPlaneComponentHealthCheck: 240,
  kubeletHealthCheck: 240,
  kubernetesAPICall: 60,
  etcdAPICall: 120,
  tlsBootstrap: 300,
  discovery: 300,
  upgradeManifests: 300,
};

export const defaultNode: NodeDraft = {
  name: undefined,
  criSocket: undefined,
  taints: undefined,
  kubeletExtraArgs: [],
  ignorePreflightErrors: [],
  imagePullPolicy: defaults.imagePullPolicy,
  imagePullSerial: true,
};

export const defaultComponent: ControlPlaneComponent = { extraArgs: [], extraVolumes: [], extraEnvs: [] };

export const defaultLocalEtcd: LocalEtcd = {
  kind: 'local',
  dataDir: paths.etcdData,
  extraArgs: [],
  extraEnvs: [],
  serverCertSANs: [],
  peerCertSANs: [],
};

/** A bootstrap token without its secret. */
export const defaultToken: TokenDraft = {
  token: undefined,
  ttlSeconds: defaults.tokenTtlSeconds,
  usages: ['signing', 'authentication'],
  groups: ['system:bootstrappers:kubeadm:default-node-token'],
};
