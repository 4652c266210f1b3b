// The etcd of a dry run: what is asked goes through, what would change a member becomes a line of the plan.
import type { Op } from '../plan/op.ts';
import { planned } from '../plan/planned.ts';
import type { Reporter } from '../report/events.ts';
import { PlannedCluster } from './planned.ts';
import type { EtcdApi } from './types.ts';

/** An etcd client that changes nothing. */
export function recordingEtcd(
  inner: EtcdApi,
  {
    host,
    reporter,
    planned: world = new PlannedCluster(),
  }: { readonly host: string; readonly reporter: Reporter; readonly planned?: PlannedCluster },
): EtcdApi {
  const plan = (verb: Extract<Op, { op: 'etcd' }>['verb'], member: string): void =>
    reporter.emit(planned(host, { op: 'etcd', verb, member }));
  const hex = (id: string): string => BigInt(id).toString(16);
  return {
    members: async () => world.members(await inner.members()),
    status: (endpoint, seconds) => inner.status(endpoint, seconds),
    async addLearner(peerUrl) {
      plan('add-learner', peerUrl);
      const member = { id: world.nextMemberId(), name: '', peerUrls: [peerUrl], clientUrls: [], isLearner: true };
      world.putMember(member);
      return member;
    },
    async promote(id) {
      plan('promote', hex(id));
      const member = world.members([]).find((one) => one.id === id);
      if (member !== undefined) world.putMember({ ...member, isLearner: false });
    },
    async remove(id) {
      plan('remove', hex(id));
      world.removeMember(id);
    },
  };
}
