// The public ConfigMap cluster-info: where the cluster is and whom to trust, for nodes that have only a token (spec 04 §6.1).
import type { KubeObject } from './object.ts';
import { readOne } from './rbac.ts';

export const clusterInfoRef = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  namespace: 'kube-public',
  name: 'cluster-info',
} as const;

/** The key in its data that has a token's signature of the kubeconfig (spec 06 §3.1). */
export function signatureKey(tokenId: string): string {
  return `jws-kubeconfig-${tokenId}`;
}

/** ConfigMap cluster-info from a kubeconfig without credentials, and the right of everyone to read it. */
export function clusterInfoObjects(kubeconfig: string): readonly KubeObject[] {
  const { name, namespace } = clusterInfoRef;
  const everyone = { kind: 'User', name: 'system:anonymous' } as const;
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace },
      data: { kubeconfig },
    },
    ...readOne('kube-public', 'kubeadm:bootstrap-signer-clusterinfo', { resource: 'configmaps', name }, [everyone]),
  ];
}
