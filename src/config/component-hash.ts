// The hash by which kubeadm tells a generated component ConfigMap from a user's (kubeadm app/componentconfigs/checksums.go).
import { createHash } from 'node:crypto';

/** Annotation that carries the hash. */
export const componentHashAnnotation = 'kubeadm.kubernetes.io/component-config.hash';

/** `sha256:<hex>` over the values in the order of their keys. */
export function componentHash(data: Readonly<Record<string, string>>): string {
  const hash = createHash('sha256');
  for (const key of Object.keys(data).toSorted()) hash.update(data[key] ?? '');
  return `sha256:${hash.digest('hex')}`;
}
