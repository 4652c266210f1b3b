// kubeadm.k8s.io/v1beta3: its schemas; they differ from v1beta4's in maps of arguments and in what is not there yet.
import * as z from 'zod';
import {
  argMap,
  bootstrapToken,
  duration,
  endpoint,
  gates,
  flag,
  imagePullPolicy,
  patches,
  taints,
  text,
  texts,
  volumes,
} from './fields.ts';
import { documentKind } from './kind.ts';
import type { KubeadmVersion } from './parts.ts';
import { clusterParts, initParts, joinParts } from './to-hub.ts';

const header = { apiVersion: z.string(), kind: z.string() };

const nodeRegistration = z.strictObject({
  name: text,
  criSocket: text,
  taints: taints.exactOptional(),
  kubeletExtraArgs: argMap.exactOptional(),
  ignorePreflightErrors: texts,
  imagePullPolicy,
});

const initConfiguration = z.strictObject({
  ...header,
  bootstrapTokens: z.array(bootstrapToken).exactOptional(),
  nodeRegistration: nodeRegistration.exactOptional(),
  localAPIEndpoint: endpoint.exactOptional(),
  certificateKey: text,
  skipPhases: texts,
  patches: patches.exactOptional(),
});

const component = { extraArgs: argMap.exactOptional(), extraVolumes: volumes.exactOptional() };

const localEtcd = z.strictObject({
  imageRepository: text,
  imageTag: text,
  dataDir: text,
  extraArgs: argMap.exactOptional(),
  serverCertSANs: texts,
  peerCertSANs: texts,
});

const externalEtcd = z.strictObject({ endpoints: texts, caFile: text, certFile: text, keyFile: text });

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
  apiServer: z
    .strictObject({ ...component, certSANs: texts, timeoutForControlPlane: duration.exactOptional() })
    .exactOptional(),
  controllerManager: z.strictObject(component).exactOptional(),
  scheduler: z.strictObject(component).exactOptional(),
  dns: z.strictObject({ imageRepository: text, imageTag: text }).exactOptional(),
  certificatesDir: text,
  imageRepository: text,
  featureGates: gates,
  clusterName: text,
});

const joinConfiguration = z.strictObject({
  ...header,
  nodeRegistration: nodeRegistration.exactOptional(),
  caCertPath: text,
  discovery: z
    .strictObject({
      bootstrapToken: z
        .strictObject({ token: text, apiServerEndpoint: text, caCertHashes: texts, unsafeSkipCAVerification: flag })
        .exactOptional(),
      file: z.strictObject({ kubeConfigPath: text }).exactOptional(),
      tlsBootstrapToken: text,
      timeout: duration.exactOptional(),
    })
    .refine((discovery) => (discovery.bootstrapToken === undefined) !== (discovery.file === undefined), {
      message: 'exactly one of bootstrapToken and file must be set',
      params: { fix: 'set bootstrapToken (token, apiServerEndpoint, caCertHashes) or file (kubeConfigPath)' },
    }),
  controlPlane: z.strictObject({ localAPIEndpoint: endpoint.exactOptional(), certificateKey: text }).exactOptional(),
  skipPhases: texts,
  patches: patches.exactOptional(),
});

/** Preferred until 1.30, deprecated since 1.31. */
export const kubeadmV1beta3: KubeadmVersion = {
  apiVersion: 'kubeadm.k8s.io/v1beta3',
  init: documentKind('InitConfiguration', initConfiguration, initParts),
  cluster: documentKind('ClusterConfiguration', clusterConfiguration, clusterParts),
  join: documentKind('JoinConfiguration', joinConfiguration, joinParts),
  isDeprecated: true,
};
