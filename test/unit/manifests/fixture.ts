// A small cluster to vary in tests: version 1.36.3, one control plane at 192.168.3.129.
import type { ClusterSpec, ControlPlaneComponent, LocalEtcd } from '../../../src/config/spec.ts';
import type { KubeVersion } from '../../../src/kube/version.ts';
import type { KubeObject } from '../../../src/manifests/object.ts';
import type { PodContext } from '../../../src/manifests/pod.ts';

export function v(minor: number, patch = 0): KubeVersion {
  return { major: 1, minor, patch };
}

export const component: ControlPlaneComponent = { extraArgs: [], extraVolumes: [], extraEnvs: [] };

export const localEtcd: LocalEtcd = {
  kind: 'local',
  dataDir: '/var/lib/etcd',
  extraArgs: [],
  extraEnvs: [],
  serverCertSANs: [],
  peerCertSANs: [],
};

export function cluster(changes: Partial<ClusterSpec> = {}): ClusterSpec {
  return {
    version: v(36, 3),
    clusterName: 'kubernetes',
    networking: { serviceSubnet: '10.96.0.0/12', podSubnet: '', dnsDomain: 'cluster.local' },
    apiServer: { ...component, certSANs: [] },
    controllerManager: component,
    scheduler: component,
    etcd: localEtcd,
    dns: { isDisabled: false },
    proxy: { isDisabled: false },
    certificatesDir: '/etc/kubernetes/pki',
    imageRepository: 'registry.k8s.io',
    featureGates: {},
    encryptionAlgorithm: 'RSA-2048',
    certificateValiditySeconds: 31_536_000,
    caCertificateValiditySeconds: 315_360_000,
    kubelet: { isUserSupplied: false, document: { kind: 'KubeletConfiguration', containerRuntimeEndpoint: '' } },
    kubeProxy: { isUserSupplied: false, document: { kind: 'KubeProxyConfiguration' } },
    ...changes,
  };
}

export function podContext(changes: Partial<PodContext> = {}): PodContext {
  return {
    cluster: cluster(),
    node: { name: 'master1' },
    endpoint: { advertiseAddress: '192.168.3.129', bindPort: 6443 },
    timeouts: { controlPlaneComponentHealthCheck: 240 },
    host: { caDirectories: [], proxyEnvironment: {} },
    ...changes,
  };
}

/** The value at a path of keys and indexes; fails where there is none. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let current = value;
  for (const key of path) {
    if (typeof current !== 'object' || current === null) throw new Error(`nothing at ${path.join('.')}`);
    current = new Map<string, unknown>(Object.entries(current)).get(String(key));
  }
  return current;
}

/** The command line of a static Pod. */
export function commandOf(pod: KubeObject): readonly string[] {
  return list(at(pod, 'spec', 'containers', 0, 'command')).map(String);
}

/** The value of a flag on the command line; undefined when it is not there. */
export function flag(pod: KubeObject, name: string): string | undefined {
  return commandOf(pod)
    .find((part) => part.startsWith(`--${name}=`))
    ?.slice(name.length + 3);
}

/** The container of a static Pod. */
export function containerOf(pod: KubeObject): unknown {
  return at(pod, 'spec', 'containers', 0);
}

/** The volumes of a static Pod, as name → path. */
export function volumesOf(pod: KubeObject): Record<string, unknown> {
  return Object.fromEntries(
    list(at(pod, 'spec', 'volumes')).map((volume) => [String(at(volume, 'name')), at(volume, 'hostPath', 'path')]),
  );
}

export function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error('not a list');
  return value;
}
