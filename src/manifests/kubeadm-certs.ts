// The Secret kubeadm-certs with the encrypted keys for joining control planes, and the token that ends it (spec 04 §6.3).
import { printTime, tokenSecret } from './bootstrap-token.ts';
import type { KubeObject } from './object.ts';
import { bootstrappersGroup, group, readOne } from './rbac.ts';

const name = 'kubeadm-certs';

/** The Secret, its rights and its token, in kubeadm's order; the token's uid is known only once it is in the cluster. */
export function uploadCertsObjects(
  token: CertsToken,
  values: Readonly<Record<string, string>>,
  tokenUid = '',
): readonly KubeObject[] {
  const owner = certsTokenSecret(token);
  const known = { ...owner, metadata: { ...owner.metadata, uid: tokenUid } };
  return [owner, certsSecret(values, known), ...kubeadmCertsRbac()];
}

/** The token whose expiry deletes the certificates. */
export interface CertsToken {
  readonly id: string;
  readonly secret: string;
  readonly expires: Date;
}

/** A token nobody can log in with: it has no usages, only an end. */
export function certsTokenSecret(token: CertsToken): KubeObject {
  return tokenSecret(token.id, {
    description: 'Proxy for managing TTL for the kubeadm-certs secret',
    expiration: printTime(token.expires),
    'token-secret': token.secret,
  });
}

/** The Secret with base64 values (empty: the file was not there), owned by its token. */
export function certsSecret(values: Readonly<Record<string, string>>, owner: KubeObject): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: 'kube-system',
      ownerReferences: [
        {
          apiVersion: 'v1',
          blockOwnerDeletion: true,
          controller: true,
          kind: 'Secret',
          name: owner.metadata.name,
          uid: owner.metadata.uid ?? '',
        },
      ],
    },
    data: values,
  };
}

/** Joining nodes may read the Secret; without the key it tells them nothing. */
export function kubeadmCertsRbac(): readonly KubeObject[] {
  return readOne('kube-system', 'kubeadm:kubeadm-certs', { resource: 'secrets', name }, [group(bootstrappersGroup)]);
}
