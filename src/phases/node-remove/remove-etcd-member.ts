// node remove, phase remove-etcd-member: count again, a drain takes its time, then remove it through the members that stay.
import { KbError } from '../../errors.ts';
import { TimedOut } from '../../util/until.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { step } from '../context.ts';
import { hexId } from '../etcd/access.ts';
import { etcdWithout } from '../etcd/cluster.ts';
import { removeMember } from '../etcd/removal.ts';
import type { NodeRemoveContext } from './context.ts';
import { findNode } from './find.ts';
import { refuseQuorumLoss } from './preflight.ts';

export const removeNodeMember: Phase<NodeRemoveContext> = {
  name: 'remove-etcd-member',
  summary: "Take the node's member out of etcd",
  run: removeFromEtcd,
};

async function removeFromEtcd(ctx: NodeRemoveContext): Promise<PhaseOutcome> {
  const found = await findNode(ctx);
  const { etcd } = found;
  if (etcd === undefined) return 'unchanged';
  await refuseQuorumLoss(ctx, found);
  step(ctx, 'remove-etcd-member', `taking etcd member ${hexId(etcd.memberId)} out of the etcd cluster`);
  try {
    await removeMember(ctx, await etcdWithout(ctx, etcd, etcd.memberId), etcd.memberId);
  } catch (error) {
    if (!(error instanceof TimedOut)) throw error;
    throw new KbError({
      code: 'KB_ETCD_MEMBER',
      summary: 'the etcd member could not be removed',
      host: ctx.host.name,
      detail: `member ${hexId(etcd.memberId)} of ${ctx.spec.name}: ${error.last}`,
      fix: `check the members (\`kbinit etcd status\`), then continue with: ${ctx.resumeCommand}`,
    });
  }
  return 'done';
}
