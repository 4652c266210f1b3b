// From a kind to its URL: the few kinds kbinit reads or writes.
import type { KubeObject, ObjectRef } from './types.ts';

/** Plural name, and whether objects live in a namespace. */
const resources: Readonly<Record<string, readonly [plural: string, isNamespaced: boolean]>> = {
  ClusterRole: ['clusterroles', false],
  ClusterRoleBinding: ['clusterrolebindings', false],
  ConfigMap: ['configmaps', true],
  DaemonSet: ['daemonsets', true],
  Deployment: ['deployments', true],
  Lease: ['leases', true],
  Namespace: ['namespaces', false],
  Node: ['nodes', false],
  Pod: ['pods', true],
  Role: ['roles', true],
  RoleBinding: ['rolebindings', true],
  Secret: ['secrets', true],
  Service: ['services', true],
  ServiceAccount: ['serviceaccounts', true],
};

/** `/api/v1/namespaces/kube-system/configmaps` */
export function collectionPath(kind: Omit<ObjectRef, 'name'>): string {
  const [plural, isNamespaced] = resources[kind.kind] ?? [undefined, false];
  if (plural === undefined) throw new Error(`no resource name is known for kind ${kind.kind}`);
  const root = kind.apiVersion.includes('/') ? `/apis/${kind.apiVersion}` : `/api/${kind.apiVersion}`;
  const namespace =
    isNamespaced && kind.namespace !== undefined ? `/namespaces/${encodeURIComponent(kind.namespace)}` : '';
  return `${root}${namespace}/${plural}`;
}

/** `/api/v1/namespaces/kube-system/configmaps/kubeadm-config` */
export function objectPath(ref: ObjectRef): string {
  return `${collectionPath(ref)}/${encodeURIComponent(ref.name)}`;
}

/** `ConfigMap kube-system/kubeadm-config`, for people. */
export function objectName(ref: ObjectRef): string {
  return `${ref.kind} ${ref.namespace === undefined ? '' : `${ref.namespace}/`}${ref.name}`;
}

/** What names an object. */
export function refOf(object: KubeObject): ObjectRef {
  const { name, namespace } = object.metadata;
  return { apiVersion: object.apiVersion, kind: object.kind, name, ...(namespace === undefined ? {} : { namespace }) };
}
