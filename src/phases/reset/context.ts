// What the phases of a reset share.
import type { ResetSpec } from '../../config/draft.ts';
import type { RunContext } from '../context.ts';

export interface ResetContext extends RunContext {
  readonly spec: ResetSpec;
  /** Flags of `reset` that are no part of the configuration. */
  readonly settings: {
    /** On the host; to find the other etcd members with when the own one is down. */
    readonly kubeconfig: string;
    /** What `--force-wipe-etcd` got: a host's name. */
    readonly forceWipeEtcd?: string;
  };
  /** Ask a yes/no question; false when nobody can answer. */
  readonly ask: (question: string) => Promise<boolean>;
  /** The data folder that is proven to belong to this host's static etcd Pod; set by remove-etcd-member. */
  etcdDataDir?: string;
}
