// What a cluster remembers of its configuration: the ConfigMaps kubeadm-config and kubelet-config (spec 04 §6.1).
import { componentHash, componentHashAnnotation } from '../config/component-hash.ts';
import type { ComponentConfig } from '../config/spec.ts';
import { writeYaml } from '../util/yaml.ts';
import type { KubeObject } from './object.ts';
import { bootstrappersGroup, group, readOne } from './rbac.ts';

/** Both ConfigMaps and who may read them, in kubeadm's order. */
export function uploadConfigObjects(
  clusterConfiguration: Readonly<Record<string, unknown>>,
  kubelet: ComponentConfig,
): readonly KubeObject[] {
  return [...uploadKubeadmConfigObjects(clusterConfiguration), ...uploadKubeletConfigObjects(kubelet)];
}

/** ConfigMap kubeadm-config from a ClusterConfiguration document, and who may read it. */
export function uploadKubeadmConfigObjects(
  clusterConfiguration: Readonly<Record<string, unknown>>,
): readonly KubeObject[] {
  const name = 'kubeadm-config';
  const readers = [group(bootstrappersGroup), group('system:nodes')];
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'kube-system' },
      data: { ClusterConfiguration: writeYaml(clusterConfiguration) },
    },
    ...readOne('kube-system', 'kubeadm:nodes-kubeadm-config', { resource: 'configmaps', name }, readers),
  ];
}

/** ConfigMap kubelet-config, what joining nodes take their kubelet's configuration from, and who may read it. */
export function uploadKubeletConfigObjects(kubelet: ComponentConfig): readonly KubeObject[] {
  const name = 'kubelet-config';
  const data = { kubelet: writeYaml(kubelet.document) };
  const readers = [group('system:nodes'), group(bootstrappersGroup)];
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...signature(kubelet, data), name, namespace: 'kube-system' },
      data,
    },
    ...readOne('kube-system', 'kubeadm:kubelet-config', { resource: 'configmaps', name }, readers),
  ];
}

/** A config that kubeadm generated is signed, so that an upgrade may regenerate it (spec 02 §8). */
export function signature(
  config: ComponentConfig,
  data: Readonly<Record<string, string>>,
): { readonly annotations?: Readonly<Record<string, string>> } {
  return config.isUserSupplied ? {} : { annotations: { [componentHashAnnotation]: componentHash(data) } };
}
