// Which fields and versions of kubeadm's configuration a Kubernetes version writes (kubeadm v1beta4 types, 1.31 to 1.36).
import type { KubeVersion } from './version.ts';

const reached =
  (minor: number) =>
  (version: KubeVersion): boolean =>
    version.major > 1 || version.minor >= minor;

/** ConfigMap kubeadm-config holds v1beta4; before, v1beta3 (1.31). */
export const writesV1beta4: (version: KubeVersion) => boolean = reached(31);

/** etcd.external has httpEndpoints (1.35). */
export const hasHttpEndpoints: (version: KubeVersion) => boolean = reached(35);

/** The encryptionAlgorithm ECDSA-P384 exists (1.34). */
export const hasEcdsaP384: (version: KubeVersion) => boolean = reached(34);
