// What a kubeadm API version reads each kind into: the hub's drafts, before flags, version and component configs are added.
import type { ClusterDraft, InitDraft, JoinDraft, ResetSpec, UpgradeSpec } from '../draft.ts';
import type { DocumentKind } from './kind.ts';

export type InitParts = Omit<InitDraft, 'cluster'>;

export interface ClusterParts extends Omit<ClusterDraft, 'version' | 'kubelet' | 'kubeProxy'> {
  /** As written; undefined = the newest known. */
  readonly kubernetesVersion: string | undefined;
  /** v1beta3's apiServer.timeoutForControlPlane, which overrides the init document's timeouts (spec 02 §3.4). */
  readonly timeoutForControlPlaneSeconds?: number;
}

/** One version of the group kubeadm.k8s.io. */
export interface KubeadmVersion {
  readonly apiVersion: string;
  readonly init: DocumentKind<InitParts>;
  readonly cluster: DocumentKind<ClusterParts>;
  readonly join: DocumentKind<JoinDraft>;
  readonly reset?: DocumentKind<ResetSpec>;
  readonly upgrade?: DocumentKind<UpgradeSpec>;
  readonly isDeprecated: boolean;
}
