// What the phases of `node remove` share.
import type { Api, KubeObject } from '../../cluster/types.ts';
import type { RunContext } from '../context.ts';
import type { EtcdCluster } from '../etcd/cluster.ts';

/** What the user asked for. */
export interface NodeRemoval {
  /** The Node's name; etcd's member has the same (kubeadm). */
  readonly name: string;
  /** Delete what cannot be evicted, and Pods that nothing makes again. */
  readonly isForced: boolean;
  /** Do not ask. */
  readonly isConfirmed: boolean;
  readonly deletesEmptyDirData: boolean;
  /** For evictions, and for the Pods to end. */
  readonly drainSeconds: number;
  /** On the host that is worked through. */
  readonly kubeconfig: string;
  readonly skipPhases: readonly string[];
  readonly isDryRun: boolean;
}

export interface NodeRemoveContext extends RunContext {
  readonly spec: NodeRemoval;
  /** Ask a yes/no question; false when nobody can answer. */
  readonly ask: (question: string) => Promise<boolean>;
  /** What there is of the node; looked for once. See find.ts. */
  found?: Promise<FoundNode>;
}

/** A node as the cluster knows it. */
export interface FoundNode {
  readonly api: Api;
  /** undefined when there is no Node object (any more). */
  readonly node: KubeObject | undefined;
  /** Nobody ends Pods on a node that is not Ready. */
  readonly isReady: boolean;
  readonly addresses: readonly string[];
  /** The etcd cluster and the member of this node in it; undefined where it has none. */
  readonly etcd?: EtcdCluster & { readonly memberId: string };
}
