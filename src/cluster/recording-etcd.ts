// The etcd of a dry run: what is asked goes through, what would change a member becomes a line of the plan.
import type { PlannedChange, Reporter } from '../report/events.ts';
import type { EtcdApi } from './types.ts';

/** An etcd client that changes nothing. */
export function recordingEtcd(inner: EtcdApi, { host, reporter }: { host: string; reporter: Reporter }): EtcdApi {
  const plan = (action: PlannedChange['action'], text: string): void =>
    reporter.emit({ kind: 'plan', host, action, text });
  const hex = (id: string): string => BigInt(id).toString(16);
  return {
    members: () => inner.members(),
    status: (endpoint, seconds) => inner.status(endpoint, seconds),
    async addLearner(peerUrl) {
      plan('create', `add ${peerUrl} to the etcd cluster as a learner`);
      return { id: '0', name: '', peerUrls: [peerUrl], clientUrls: [], isLearner: true };
    },
    async promote(id) {
      plan('change', `let etcd member ${hex(id)} vote`);
    },
    async remove(id) {
      plan('delete', `remove etcd member ${hex(id)} from its cluster`);
    },
  };
}
