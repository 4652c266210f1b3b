// What `kbinit etcd members` and `status` answer: etcdctl's columns for people, the same as objects for programs.
import type { EtcdMember } from '../../cluster/types.ts';
import type { Problem } from '../../errors.ts';
import { hexId } from './access.ts';
import { countVoters, unhealthyReason, inWords, nameOf, type MemberState } from './quorum.ts';

/** A header, rows of cells, and the object that says the same. */
export interface EtcdTable {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly object: Readonly<Record<string, unknown>>;
}

/** `etcdctl member list`. */
export function memberTable(members: readonly EtcdMember[]): EtcdTable {
  return {
    header: ['ID', 'STATUS', 'NAME', 'PEER ADDRS', 'CLIENT ADDRS', 'IS LEARNER'],
    rows: members.map(({ id, name, peerUrls, clientUrls, isLearner }) => [
      hexId(id),
      startedOr(name),
      name,
      peerUrls.join(','),
      clientUrls.join(','),
      String(isLearner),
    ]),
    object: {
      members: members.map(({ id, name, peerUrls, clientUrls, isLearner }) => ({
        id: hexId(id),
        status: startedOr(name),
        name,
        peerURLs: peerUrls,
        clientURLs: clientUrls,
        isLearner,
      })),
    },
  };
}

/** A member gets its name when it starts for the first time. */
function startedOr(name: string): string {
  return name === '' ? 'unstarted' : 'started';
}

/** `etcdctl endpoint status --cluster`, with those that do not answer. */
export function statusTable(states: readonly MemberState[]): EtcdTable {
  return {
    // etcd 3.5's; 3.6 has six more.
    header: 'ENDPOINT|ID|VERSION|DB SIZE|IS LEADER|IS LEARNER|RAFT TERM|RAFT INDEX|RAFT APPLIED INDEX|ERRORS'.split(
      '|',
    ),
    rows: states.map(statusRow),
    object: { endpoints: states.map(statusObject) },
  };
}

function statusRow(state: MemberState): readonly string[] {
  const { member, health } = state;
  if (health.kind === 'down') {
    const endpoint = member.clientUrls[0] ?? member.peerUrls[0] ?? '';
    return [endpoint, hexId(member.id), '', '', '', String(member.isLearner), '', '', '', health.reason];
  }
  const { endpoint, status } = health;
  return [
    endpoint,
    hexId(status.memberId),
    status.version,
    bytes(status.dbSizeBytes),
    String(status.leaderId === status.memberId),
    String(status.isLearner),
    status.raftTerm,
    status.raftIndex,
    status.raftAppliedIndex,
    troubles(state).join(', '),
  ];
}

function statusObject(state: MemberState): Readonly<Record<string, unknown>> {
  const { member, health } = state;
  const errors = troubles(state);
  const common = { name: member.name, isHealthy: errors.length === 0 };
  if (health.kind === 'down') {
    const endpoint = member.clientUrls[0] ?? member.peerUrls[0] ?? '';
    return { endpoint, id: hexId(member.id), ...common, isLearner: member.isLearner, errors };
  }
  const { endpoint, status } = health;
  return {
    endpoint,
    id: hexId(status.memberId),
    ...common,
    version: status.version,
    dbSizeBytes: status.dbSizeBytes,
    isLeader: status.leaderId === status.memberId,
    isLearner: status.isLearner,
    raftTerm: Number(status.raftTerm),
    raftIndex: Number(status.raftIndex),
    raftAppliedIndex: Number(status.raftAppliedIndex),
    errors,
  };
}

/** Why it does not serve, and its alarms: a full database still votes, but takes no writes. */
function troubles(state: MemberState): readonly string[] {
  const reason = unhealthyReason(state);
  const alarms = state.health.kind === 'up' ? state.health.status.errors : [];
  // What is the reason already is not told twice; etcd's own words for a missing leader are among its errors.
  const others = alarms.filter((alarm) => reason?.includes(alarm.replace('etcdserver: ', '')) !== true);
  return [...(reason === undefined ? [] : [reason]), ...others];
}

/** What is wrong with some members; undefined when all are well. */
export function statusProblem(states: readonly MemberState[]): Problem | undefined {
  const ill = states.filter((state) => troubles(state).length > 0);
  if (ill.length === 0) return undefined;
  const voters = countVoters(states);
  return {
    code: 'KB_ETCD_UNHEALTHY',
    summary: `${ill.length} of ${states.length} etcd members unhealthy`,
    detail: `${ill.map((state) => `${nameOf(state.member)}: ${troubles(state).join(', ')}`).join('; ')} (${inWords(voters)})`,
    fix:
      voters.healthy >= voters.needed
        ? 'the cluster works, with fewer members to spare: check etcd on that host (crictl ps -a --name etcd), or remove the member (`kbinit node remove NAME`)'
        : 'the cluster is read-only without a quorum: start the members that are down; docs/etcd.md says what to do when they are lost',
  };
}

/** `20 kB`, `3.1 MB`: thousands, one digit behind the point below ten, as etcdctl. */
function bytes(count: number): string {
  if (count < 10) return `${count} B`;
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const power = Math.min(Math.floor(Math.log10(count) / 3), units.length - 1);
  const value = Math.floor((count / 1000 ** power) * 10 + 0.5) / 10;
  return `${value < 10 ? value.toFixed(1) : String(halfToEven(value))} ${units[power] ?? ''}`;
}

/** As Go's `%.0f`: 20.5 is 20. */
function halfToEven(value: number): number {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below % 2) : Math.round(value);
}
