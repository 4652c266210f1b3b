// What a joining control plane has to do about its etcd member, judged by what is in the cluster and on the host.
import type { EtcdMember } from '../../cluster/types.ts';
import type { PodContext } from '../../manifests/pod.ts';
import type { OwnMember } from './etcd-cluster.ts';

/** What was found; `journalled` is the member that an earlier run of this join made the data folder for. */
export interface EtcdFound {
  readonly own: OwnMember;
  readonly members: readonly EtcdMember[];
  readonly hasData: boolean;
  readonly journalled: string | undefined;
}

export type EtcdPlan =
  /** It is a voting member, and its data is here. */
  | { readonly kind: 'keep'; readonly member: EtcdMember }
  /** Go on with a member that was added but has not come up; data of another one is put aside. */
  | { readonly kind: 'resume'; readonly member: EtcdMember; readonly isDataStale: boolean }
  /** A learner without the data it had: it can never come back, and never had a vote. */
  | { readonly kind: 'replace'; readonly member: EtcdMember; readonly isDataStale: boolean }
  /** A voter without its data: taking its vote away is the user's decision. */
  | { readonly kind: 'lost'; readonly member: EtcdMember }
  | { readonly kind: 'add'; readonly isDataStale: boolean };

/** Decide. A member has a name once it has started, and from then on it needs the data that it made. */
export function planMember({ own, members, hasData, journalled }: EtcdFound): EtcdPlan {
  const member = members.find(({ peerUrls }) => peerUrls.includes(own.peerUrl));
  if (member === undefined) return { kind: 'add', isDataStale: hasData };
  const hasStarted = member.name !== '';
  if (hasStarted && !member.isLearner) return { kind: hasData ? 'keep' : 'lost', member };
  const isOwnData = hasData && journalled === member.id;
  if (isOwnData || !hasStarted) return { kind: 'resume', member, isDataStale: hasData && !isOwnData };
  return { kind: 'replace', member, isDataStale: hasData };
}

/** `--initial-cluster` of a joining member: every member once, this one by its node's name, a nameless one by its id. */
export function initialCluster(
  members: readonly EtcdMember[],
  own: Pick<OwnMember, 'name' | 'peerUrl'>,
): NonNullable<PodContext['initialCluster']> {
  const others = members.filter(({ peerUrls }) => !peerUrls.includes(own.peerUrl));
  return [
    ...others.map(({ id, name, peerUrls }) => ({
      name: name === '' ? BigInt(id).toString(16) : name,
      peerURL: peerUrls[0] ?? '',
    })),
    { name: own.name, peerURL: own.peerUrl },
  ];
}
