// Counting etcd's voters: which of them are well, how many have to be, and whether one of them can be spared.
import type { EtcdApi, EtcdMember, EtcdStatus } from '../../cluster/types.ts';
import { count } from '../../util/text.ts';

/** A member and what it says of itself. */
export interface MemberState {
  readonly member: EtcdMember;
  readonly health:
    | { readonly kind: 'up'; readonly endpoint: string; readonly status: EtcdStatus }
    | { readonly kind: 'down'; readonly reason: string };
}

/** The voters of a cluster; without `needed` healthy ones nothing can be written, members included. */
export interface Count {
  readonly voters: number;
  readonly healthy: number;
  readonly needed: number;
}

/** Ask every member how it is, all at once. */
export function memberStates(etcd: EtcdApi, members: readonly EtcdMember[]): Promise<readonly MemberState[]> {
  return Promise.all(members.map(async (member) => ({ member, health: await healthOf(etcd, member) })));
}

async function healthOf(etcd: EtcdApi, { clientUrls }: EtcdMember): Promise<MemberState['health']> {
  const reasons: string[] = [];
  for (const endpoint of clientUrls) {
    try {
      return { kind: 'up', endpoint, status: await etcd.status(endpoint) };
    } catch (error) {
      reasons.push(`${endpoint}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { kind: 'down', reason: reasons.length === 0 ? 'it has not started' : reasons.join('; ') };
}

/** Why a member does not count as healthy; undefined for one that does. */
export function unhealthyReason({ health }: MemberState): string | undefined {
  if (health.kind === 'down') return health.reason;
  if (health.status.leaderId === '0') return `${health.endpoint}: it knows no leader`;
  return health.status.errors.some((text) => text.includes('CORRUPT'))
    ? `${health.endpoint}: ${health.status.errors.join(', ')}`
    : undefined;
}

/** Count; learners have no vote. */
export function countVoters(states: readonly MemberState[]): Count {
  const voters = states.filter(({ member }) => !member.isLearner);
  return {
    voters: voters.length,
    healthy: voters.filter((state) => unhealthyReason(state) === undefined).length,
    needed: Math.floor(voters.length / 2) + 1,
  };
}

/**
 * Why a member must not be removed, in numbers; undefined when it can be. etcd counts the same way when it is asked
 * (`mayRemoveMember` with strict-reconfig-check), but only among peers it has heard of lately.
 */
export function removalRefusal(states: readonly MemberState[], id: string): string | undefined {
  const gone = states.find(({ member }) => member.id === id);
  const [now, after] = [countVoters(states), countVoters(states.filter((state) => state !== gone))];
  const isEnough = ({ healthy, needed }: Count): boolean => healthy >= needed;
  if (isEnough(now) && isEnough(after)) return undefined;
  const ill = states.flatMap((state) => {
    const reason = state === gone ? undefined : unhealthyReason(state);
    return reason === undefined ? [] : [`${nameOf(state.member)}: ${reason}`];
  });
  const sentence = isEnough(now)
    ? `${inWords(now)}; without ${nameOf(gone?.member)} ${inWords(after)}`
    : `${inWords(now)}: it has no quorum, so no member can be removed`;
  return [sentence, ...ill].join('; ');
}

/** `3 voting members, 2 of them healthy, 2 needed` */
export function inWords({ voters, healthy, needed }: Count): string {
  return `${count(voters, 'voting member')}, ${healthy} of them healthy, ${needed} needed`;
}

/** A member's name; one that has not started has only its address. */
export function nameOf(member: EtcdMember | undefined): string {
  return member?.name || (member?.peerUrls[0] ?? 'it');
}
