// kubeadm.k8s.io/v1beta4: its schemas, and the way from its documents to the hub. The way back is in kubeadm-v1beta4-write.ts.
import * as z from 'zod';
import { encryptionAlgorithms } from '../spec.ts';
import {
  argList,
  bootstrapToken,
  duration,
  endpoint,
  envs,
  flag,
  gates,
  imagePullPolicy,
  patches,
  taints,
  text,
  texts,
  timeouts,
  volumes,
} from './fields.ts';
import { documentKind } from './kind.ts';
import type { KubeadmVersion } from './parts.ts';
import { clusterParts, initParts, joinParts, resetParts } from './to-hub.ts';
import { upgradeConfiguration, upgradeParts } from './upgrade.ts';

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

/** Readable since 1.31, what newer kubeadms write. */
export const kubeadmV1beta4: KubeadmVersion = {
  apiVersion,
  init: documentKind('InitConfiguration', initConfiguration, initParts),
  cluster: documentKind('ClusterConfiguration', clusterConfiguration, clusterParts),
  join: documentKind('JoinConfiguration', joinConfiguration, joinParts),
  reset: documentKind('ResetConfiguration', resetConfiguration, resetParts),
  upgrade: documentKind('UpgradeConfiguration', upgradeConfiguration, upgradeParts),
  isDeprecated: false,
};
