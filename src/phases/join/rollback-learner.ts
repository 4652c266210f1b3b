// What is done about an etcd member that cannot go on: a learner leaves the cluster again, a lost voter is the user's to judge.
import type { EtcdMember } from '../../cluster/types.ts';
import { KbError } from '../../errors.ts';
import { TimedOut, until } from '../../util/until.ts';
import type { ControlPlaneContext } from '../context.ts';
import { moveAwayEtcdManifest } from './move-away-etcd.ts';
import type { EtcdCluster } from './etcd-cluster.ts';

/** Seconds for taking the learner out again: with kubeadm's two minutes for starting it, within R37's bound. */
const removalSeconds = 20;

/** Take a learner that never came up out of the cluster, keep its data aside, and say both beside the cause. */
export async function rollbackLearner(
  node: ControlPlaneContext,
  failed: {
    readonly cluster: EtcdCluster;
    readonly member: EtcdMember;
    readonly dataDir: string;
    readonly explained: KbError;
  },
): Promise<KbError> {
  const { cluster, member, dataDir, explained } = failed;
  const left = await leave(node, cluster, member);
  const aside = left.hasLeft ? await moveAwayEtcdManifest(node, dataDir).catch(asText) : undefined;
  const [problem] = explained.problems;
  const kept = aside === undefined ? '' : `, and what it wrote is in ${aside}`;
  return new KbError({
    ...(problem ?? { detail: '', fix: '' }),
    code: 'KB_ETCD_LEARNER',
    summary: 'etcd on this host did not come up as a member',
    host: node.host.name,
    detail: `${problem?.detail ?? ''}; ${left.sentence}${kept}`,
    fix: problem?.fix ?? `continue with: ${node.resumeCommand}`,
  });
}

interface Leaving {
  readonly hasLeft: boolean;
  readonly sentence: string;
}

async function leave(node: ControlPlaneContext, { etcd }: EtcdCluster, { id }: EtcdMember): Promise<Leaving> {
  const hex = BigInt(id).toString(16);
  const options = { timeoutSeconds: removalSeconds, intervalMs: 200, signal: node.signal };
  try {
    return await until<Leaving>(`etcd to remove learner ${hex}`, options, async () => {
      const found = (await etcd.members()).find((one) => one.id === id);
      // Promoted after all, its answer lost: it votes now, and stays.
      if (found?.isLearner === false) {
        return {
          value: { hasLeft: false, sentence: `member ${hex} has already been promoted and was left unchanged` },
        };
      }
      await etcd.remove(id);
      return { value: { hasLeft: true, sentence: 'learner removed from the etcd cluster' } };
    });
  } catch (error) {
    if (!(error instanceof TimedOut)) throw error;
    return { hasLeft: false, sentence: `learner ${hex} could not be removed (${error.last}); it has no vote` };
  }
}

function asText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A voter of this address whose data is gone can never come back; without it the cluster may have no quorum. */
export function lostMember(node: ControlPlaneContext, member: EtcdMember, dataDir: string): KbError {
  const hex = BigInt(member.id).toString(16);
  return new KbError({
    code: 'KB_ETCD_MEMBER_LOST',
    summary: 'etcd has a voting member of this address, but its data is not on this host',
    host: node.host.name,
    detail: `member ${hex} (${member.name}) at ${member.peerUrls.join(', ')}; ${dataDir}/member does not exist`,
    fix: `if its host was replaced, remove the old member on another control plane (\`kbinit node remove ${member.name} --host root@CONTROL_PLANE\` or \`etcdctl member remove ${hex}\`), then continue with: ${node.resumeCommand}`,
  });
}

/** A learner that another host's join has left behind keeps every other one out. */
export function otherLearner(node: ControlPlaneContext, { id, peerUrls }: EtcdMember): KbError {
  const hex = BigInt(id).toString(16);
  return new KbError({
    code: 'KB_ETCD_JOIN',
    summary: 'a join that did not end keeps others out of etcd',
    host: node.host.name,
    detail: `learner ${hex} at ${peerUrls.join(', ')} does not become a voting member, and etcd takes one learner at a time`,
    fix: `let the join of that host finish (run its command again), or remove the learner, which has no vote, on a control plane: \`etcdctl member remove ${hex}\`; then continue with: ${node.resumeCommand}`,
  });
}
