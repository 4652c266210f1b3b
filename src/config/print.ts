// What `config print` shows: every kind with its defaults, and placeholders where a host or chance would decide (kubeadm cmd/config.go).
import { writesV1beta4 } from '../kube/config-versions.ts';
import type { KubeVersion } from '../kube/version.ts';
import { defaultNode, defaultTimeouts, defaults } from './defaults.ts';
import { loadInit, loadReset } from './load.ts';
import { completeKubeProxy } from './kube-proxy.ts';
import { completeKubelet } from './kubelet.ts';
import type { InitSpec, JoinSpec, NodeRegistration } from './spec.ts';
import { newestKubeadmVersion } from './versions/index.ts';
import {
  clusterConfigurationDocument,
  initConfigurationDocument,
  initConfigurationV1beta3,
  joinConfigurationDocument,
  joinConfigurationV1beta3,
  resetConfigurationDocument,
  upgradeConfigurationDocument,
} from './write.ts';
import { defaultPart } from './read.ts';

type Document = Record<string, unknown>;

const placeholder = {
  token: 'abcdef.0123456789abcdef',
  address: '1.2.3.4',
  node: 'node',
  endpoint: 'kube-apiserver:6443',
};

function nodeNamed(name: string): NodeRegistration {
  return { ...defaultNode, name, criSocket: defaults.criSocket };
}

/** The component configs that `--component-configs` can name. */
export const componentKinds = ['KubeletConfiguration', 'KubeProxyConfiguration'] as const;
export type ComponentKind = (typeof componentKinds)[number];

function initSpec(version: KubeVersion): InitSpec {
  const { draft } = loadInit(undefined, '', {});
  const { networking, certificatesDir } = draft.cluster;
  const shape = { version, networking, certificatesDir, isResolvedActive: false };
  const proxy = { version, podSubnet: '', advertiseAddress: placeholder.address };
  return {
    ...draft,
    cluster: {
      ...draft.cluster,
      version: { major: version.major, minor: version.minor, patch: 0 },
      kubelet: completeKubelet(undefined, shape).config,
      kubeProxy: completeKubeProxy(undefined, proxy).config,
    },
    node: nodeNamed(placeholder.node),
    localAPIEndpoint: { advertiseAddress: placeholder.address, bindPort: defaults.bindPort },
    bootstrapTokens: draft.bootstrapTokens.map(({ description: _made, ...token }) => ({
      ...token,
      token: placeholder.token,
    })),
  };
}

/** `config print init-defaults` of this version's kubeadm. */
export function initDefaults(version: KubeVersion, components: readonly ComponentKind[] = []): readonly Document[] {
  const spec = initSpec(version);
  const isNew = writesV1beta4(version);
  const { apiServer, ...cluster } = clusterConfigurationDocument(spec.cluster);
  return [
    isNew ? initConfigurationDocument(spec) : initConfigurationV1beta3(spec),
    {
      ...cluster,
      // Up to 1.28 the authorization mode is put in later, when init runs.
      apiServer: isNew ? apiServer : { timeoutForControlPlane: '4m0s' },
      // Without the v that it has everywhere else.
      kubernetesVersion: `${version.major}.${version.minor}.0`,
    },
    ...components.map((kind) => ({
      ...spec.cluster[kind === 'KubeletConfiguration' ? 'kubelet' : 'kubeProxy'].document,
    })),
  ];
}

/** `config print join-defaults`; kubeadm puts the name of its own host there. */
export function joinDefaults(version: KubeVersion, nodeName: string): readonly Document[] {
  const spec: JoinSpec = {
    node: nodeNamed(nodeName),
    caCertPath: defaults.caCertPath,
    discovery: {
      kind: 'token',
      token: placeholder.token,
      apiServerEndpoint: placeholder.endpoint,
      caCertHashes: [],
      unsafeSkipCAVerification: true,
    },
    tlsBootstrapToken: placeholder.token,
    skipPhases: [],
    timeouts: defaultTimeouts,
    isDryRun: false,
  };
  return [writesV1beta4(version) ? joinConfigurationDocument(spec) : joinConfigurationV1beta3(spec)];
}

/** `config print reset-defaults` */
export function resetDefaults(): readonly Document[] {
  const { draft } = loadReset(undefined, '', {});
  return [resetConfigurationDocument({ ...draft, criSocket: defaults.criSocket })];
}

/** `config print upgrade-defaults` */
export function upgradeDefaults(): readonly Document[] {
  const kind = newestKubeadmVersion.upgrade;
  if (kind === undefined) throw new Error('the newest API version has no UpgradeConfiguration');
  return [upgradeConfigurationDocument(defaultPart(kind))];
}
