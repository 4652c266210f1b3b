// The signature of a generated component config: whoever edits the ConfigMap breaks it (spec 02 §8).
import { createHash } from 'node:crypto';

/** Where a ConfigMap carries the signature. */
export const componentHashAnnotation = 'kubeadm.kubernetes.io/component-config.hash';

/** `sha256:…` of a ConfigMap's values, in the order of their keys. */
export function componentHash(data: Readonly<Record<string, string>>): string {
  const hash = createHash('sha256');
  for (const key of Object.keys(data).toSorted()) hash.update(data[key] ?? '');
  return `sha256:${hash.digest('hex')}`;
}
