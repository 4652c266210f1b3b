// Who may do what in a new cluster: the roles and bindings that kubeadm makes (spec 04 §6.2).
import { bindsApiserverKubeletClient } from '../kube/traits.ts';
import type { KubeVersion } from '../kube/version.ts';
import type { KubeObject } from './object.ts';

const apiGroup = 'rbac.authorization.k8s.io';
const apiVersion = `${apiGroup}/v1`;

/** The group of a node that still has nothing but a bootstrap token. */
export const bootstrappersGroup = 'system:bootstrappers:kubeadm:default-node-token';

/** An RBAC rule. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** Whom a binding is for; the server fills in the API group of users and groups. */
export interface Subject {
  readonly kind: 'Group' | 'User' | 'ServiceAccount';
  readonly name: string;
  readonly namespace?: string;
}

/** The Group `name` as a subject. */
export function group(name: string): Subject {
  return { kind: 'Group', name };
}

/** A service account of kube-system, or of another namespace, as a subject. */
export function serviceAccount(name: string, namespace = 'kube-system'): Subject {
  return { kind: 'ServiceAccount', name, namespace };
}

/** A cluster-wide role. */
export function clusterRole(name: string, rules: readonly Rule[]): KubeObject {
  return { apiVersion, kind: 'ClusterRole', metadata: { name }, rules };
}

/** A binding of a cluster-wide role; the two have the same name unless told otherwise. */
export function clusterRoleBinding(name: string, subjects: readonly Subject[], role: string = name): KubeObject {
  const roleRef = { apiGroup, kind: 'ClusterRole', name: role };
  return { apiVersion, kind: 'ClusterRoleBinding', metadata: { name }, roleRef, subjects };
}

/** A Role that may get exactly one object, and its binding of the same name. */
export function readOne(
  namespace: string,
  name: string,
  object: { readonly resource: 'configmaps' | 'secrets'; readonly name: string },
  subjects: readonly Subject[],
): readonly KubeObject[] {
  const rule: Rule = { apiGroups: [''], resourceNames: [object.name], resources: [object.resource], verbs: ['get'] };
  const metadata = { name, namespace };
  return [
    { apiVersion, kind: 'Role', metadata, rules: [rule] },
    { apiVersion, kind: 'RoleBinding', metadata, roleRef: { apiGroup, kind: 'Role', name }, subjects },
  ];
}

/** Makes admin.conf's group a cluster admin; super-admin.conf needs none (1.29). */
export function clusterAdminsBinding(): KubeObject {
  return clusterRoleBinding('kubeadm:cluster-admins', [group('kubeadm:cluster-admins')], 'cluster-admin');
}

/** What a node with a bootstrap token may do: look at nodes, ask for a certificate, get it and renew it. */
export function bootstrapTokenRbac(version: KubeVersion): readonly KubeObject[] {
  const bootstrappers = [group(bootstrappersGroup)];
  const signing = 'system:certificates.k8s.io:certificatesigningrequests';
  return [
    clusterRole('kubeadm:get-nodes', [{ apiGroups: [''], resources: ['nodes'], verbs: ['get'] }]),
    clusterRoleBinding('kubeadm:get-nodes', bootstrappers),
    clusterRoleBinding('kubeadm:kubelet-bootstrap', bootstrappers, 'system:node-bootstrapper'),
    clusterRoleBinding('kubeadm:node-autoapprove-bootstrap', bootstrappers, `${signing}:nodeclient`),
    clusterRoleBinding(
      'kubeadm:node-autoapprove-certificate-rotation',
      [group('system:nodes')],
      `${signing}:selfnodeclient`,
    ),
    ...(bindsApiserverKubeletClient(version) ? [apiserverKubeletClientBinding()] : []),
  ];
}

/** The API server's own client certificate of the kubelet API belongs to no admin group any more (1.36). */
function apiserverKubeletClientBinding(): KubeObject {
  const user: Subject = { kind: 'User', name: 'kube-apiserver-kubelet-client' };
  return clusterRoleBinding('kubeadm:apiserver-kubelet-client', [user], 'system:kubelet-api-admin');
}
