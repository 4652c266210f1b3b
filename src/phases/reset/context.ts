// What the phases of a reset share.
import type { ResetSpec } from '../../config/draft.ts';
import type { EtcdMember } from '../../cluster/etcd.ts';
import type { RunContext } from '../context.ts';

/** etcd's members through this host; the cli builds the real one. */
export interface EtcdAccess {
  members(): Promise<readonly EtcdMember[]>;
  remove(id: string): Promise<void>;
}

export interface ResetContext extends RunContext {
  readonly spec: ResetSpec;
  /** Ask a yes/no question; false when nobody can answer. */
  readonly ask: (question: string) => Promise<boolean>;
  /** etcd of this host with the given client certificate (PEM texts). */
  readonly etcd: (credentials: { ca: string; cert: string; key: string }) => EtcdAccess;
  /** The data folder that is proven to belong to this host's static etcd Pod; set by remove-etcd-member. */
  etcdDataDir?: string;
}
