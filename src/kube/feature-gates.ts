// kubeadm's own feature gates and the minors that know them (kubeadm app/features/features.go of 1.25 to 1.36).
import type { KubeVersion } from './version.ts';

export interface FeatureGate {
  readonly name: string;
  /** The first and the last minor that knows the name. */
  readonly since: number;
  readonly until: number;
  /** The minor from which setting it is deprecated. */
  readonly deprecatedSince?: number;
  /** The minor from which its value no longer changes anything. */
  readonly lockedSince?: number;
}

const gates: readonly FeatureGate[] = [
  { name: 'PublicKeysECDSA', since: 25, until: 36, deprecatedSince: 29 },
  { name: 'RootlessControlPlane', since: 25, until: 36 },
  { name: 'UnversionedKubeletConfigMap', since: 25, until: 25 },
  { name: 'EtcdLearnerMode', since: 27, until: 32, lockedSince: 32 },
  { name: 'UpgradeAddonsBeforeControlPlane', since: 28, until: 30, deprecatedSince: 28 },
  { name: 'WaitForAllControlPlaneComponents', since: 30, until: 34 },
  { name: 'ControlPlaneKubeletLocalMode', since: 31, until: 35 },
  { name: 'NodeLocalCRISocket', since: 32, until: 36, lockedSince: 36 },
];

/** The gates that kubeadm of this version knows. */
export function featureGates(version: KubeVersion): readonly FeatureGate[] {
  return gates.filter((gate) => version.minor >= gate.since && version.minor <= gate.until);
}

/** Setting the gate gives a deprecation warning. */
export function isDeprecatedGate(gate: FeatureGate, version: KubeVersion): boolean {
  return gate.deprecatedSince !== undefined && version.minor >= gate.deprecatedSince;
}

/** The gate is on whatever is set. */
export function isLockedGate(gate: FeatureGate, version: KubeVersion): boolean {
  return gate.lockedSince !== undefined && version.minor >= gate.lockedSince;
}
