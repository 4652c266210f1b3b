// The kubeadm API versions kbinit reads; to add one, add a line.
import { kubeadmV1beta3 } from './kubeadm-v1beta3.ts';
import { kubeadmV1beta4 } from './kubeadm-v1beta4.ts';
import type { KubeadmVersion } from './parts.ts';

/** Oldest first. */
export const kubeadmVersions: readonly KubeadmVersion[] = [kubeadmV1beta3, kubeadmV1beta4];

/** What is written, and what defaults come from. */
export const newestKubeadmVersion: KubeadmVersion = kubeadmV1beta4;

/** Versions that are too old, and the last kubeadm that converts them (spec 02). */
export const migrateWith: Readonly<Record<string, string>> = {
  'kubeadm.k8s.io/v1alpha1': 'v1.11',
  'kubeadm.k8s.io/v1alpha2': 'v1.12',
  'kubeadm.k8s.io/v1alpha3': 'v1.14',
  'kubeadm.k8s.io/v1beta1': 'v1.15',
  'kubeadm.k8s.io/v1beta2': 'v1.22',
};
