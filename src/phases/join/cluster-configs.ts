// What a joining node reads from the cluster: kubeadm-config and kubelet-config of kube-system.
import type { Api, KubeObject } from '../../cluster/types.ts';
import { KbError } from '../../errors.ts';
import { parseVersion } from '../../kube/version.ts';
import { readYaml } from '../../util/yaml.ts';
import type { DiscoveredCluster, JoinContext } from './context.ts';
import { isJsonObject } from '../../util/json.ts';

/** What a node needs to know of the cluster it joins. */
export async function clusterConfigs(
  ctx: JoinContext,
  api: Api,
): Promise<Pick<DiscoveredCluster, 'clusterName' | 'cluster' | 'configMaps'>> {
  const read = async (name: string, key: string): Promise<string> => {
    const object = await api.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'kube-system', name });
    const text = textOf(object, key);
    if (text !== undefined) return text;
    throw new KbError({
      code: 'KB_CLUSTER_CONFIG',
      summary: `the cluster has no ${name}`,
      host: ctx.host.name,
      detail: `ConfigMap kube-system/${name} has no key ${key}`,
      fix: 'run `kbinit init phase upload-config all --host root@CONTROL_PLANE`',
    });
  };
  const [clusterConfiguration, kubelet] = await Promise.all([
    read('kubeadm-config', 'ClusterConfiguration'),
    read('kubelet-config', 'kubelet'),
  ]);
  const configuration = asDocument(clusterConfiguration, 'kubeadm-config', ctx.host.name);
  const text = (field: string): string | undefined => {
    const value = configuration[field];
    return typeof value === 'string' ? value : undefined;
  };
  const version = parseVersion(text('kubernetesVersion') ?? '');
  if (version === undefined) {
    throw new KbError({
      code: 'KB_CLUSTER_CONFIG',
      summary: 'the version of the cluster cannot be read',
      host: ctx.host.name,
      detail: `kubernetesVersion in ConfigMap kube-system/kubeadm-config is ${JSON.stringify(text('kubernetesVersion'))}`,
      fix: 'run `kbinit init phase upload-config all --host root@CONTROL_PLANE`',
    });
  }
  return {
    clusterName: text('clusterName') ?? 'kubernetes',
    cluster: {
      version,
      featureGates: gatesOf(configuration['featureGates']),
      imageRepository: text('imageRepository') ?? 'registry.k8s.io',
      kubelet: { isUserSupplied: false, document: asDocument(kubelet, 'kubelet-config', ctx.host.name) },
    },
    configMaps: { clusterConfiguration, kubelet },
  };
}

function asDocument(text: string, name: string, host: string): Readonly<Record<string, unknown>> {
  try {
    const document = readYaml(text);
    return isJsonObject(document) ? document : {};
  } catch (error) {
    throw new KbError({
      code: 'KB_CLUSTER_CONFIG',
      summary: 'a configuration of the cluster cannot be read',
      host,
      detail: `ConfigMap kube-system/${name}: ${error instanceof Error ? error.message : String(error)}`,
      fix: 'correct that ConfigMap, or run `kbinit init phase upload-config all` on a control plane',
    });
  }
}

function gatesOf(value: unknown): Readonly<Record<string, boolean>> {
  return isJsonObject(value) ? Object.fromEntries(Object.entries(value).map(([name, on]) => [name, on === true])) : {};
}

function textOf(object: KubeObject | undefined, key: string): string | undefined {
  const data = object?.['data'];
  const value = isJsonObject(data) ? data[key] : undefined;
  return typeof value === 'string' ? value : undefined;
}
