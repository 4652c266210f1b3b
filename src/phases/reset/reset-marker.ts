// The mark of a reset whose etcd member has left: of which data, so that a reset that was cut goes on with that and no other.
import type { Artifact } from '../../host/host.ts';
import { manifestPath } from '../../kube/paths.ts';
import { localMember, type LocalMember } from '../etcd/access.ts';
import { resetJournalPath } from '../journal.ts';

/** What `hasLeft` and `leftDataDir` look at. */
export const leftFiles: readonly string[] = [manifestPath('etcd'), resetJournalPath];

/** Says of which data the member has left. */
export function leftJournal({ dataDir, peerUrl }: LocalMember): Artifact {
  return { path: resetJournalPath, mode: 0o600, body: `${JSON.stringify({ format: 1, dataDir, peerUrl })}\n` };
}

/** An earlier reset took this very member out of its cluster. */
export function hasLeft(files: ReadonlyMap<string, string>, member: LocalMember): boolean {
  return files.get(resetJournalPath) === leftJournal(member).body;
}

/** The data folder of a member that has left; undefined while there is none. */
export function leftDataDir(files: ReadonlyMap<string, string>): string | undefined {
  const member = localMember(files.get(manifestPath('etcd')));
  return member !== undefined && hasLeft(files, member) ? member.dataDir : undefined;
}
