// What a join leaves on the host for a later run: which cluster, which node and, of a control plane, what it was making.
import { isJsonObject, parseJson } from '../../util/json.ts';
import { journalFolder } from '../journal.ts';

/** kbinit's own mark that a join began here. */
export const joinJournalPath: string = `${journalFolder}/join.json`;

export interface JoinJournal {
  readonly format: 1;
  readonly node: string;
  /** The CA's pins: they name the cluster. */
  readonly pins: readonly string[];
  /** Left out for a worker. */
  readonly role?: 'control-plane';
  /** Files of a control plane that did not exist before and that this join makes. */
  readonly makes?: readonly string[];
  /** The etcd member that the data folder belongs to, or is about to. */
  readonly etcdMember?: string;
  /** Set when a control plane's last phase had ended. */
  readonly finishedAt?: string;
}

/** The journal of an earlier run; undefined when there is none or it cannot be read. */
export function parseJoinJournal(text: string | undefined): JoinJournal | undefined {
  return parseJson(text, isJournal);
}

function isJournal(value: unknown): value is JoinJournal {
  return (
    isJsonObject(value) && value['format'] === 1 && typeof value['node'] === 'string' && Array.isArray(value['pins'])
  );
}
