// node remove, phase drain: no new Pods on the node, and those it has elsewhere, as their budgets allow.
import type { Api, PodRef } from '../../cluster/types.ts';
import { KbError, type Problem } from '../../errors.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { step } from '../context.ts';
import type { FoundNode, NodeRemoveContext } from './context.ts';
import { deleteUnreachable, evictAll } from './evict.ts';
import { findNode } from './find.ts';
import { podName, podsOf, sortPods } from './pods.ts';

export const drain: Phase<NodeRemoveContext> = {
  name: 'drain',
  summary: 'Cordon the node and evict its Pods',
  run: drainNode,
};

async function drainNode(ctx: NodeRemoveContext): Promise<PhaseOutcome> {
  const found = await findNode(ctx);
  if (found.node === undefined) return 'unchanged';
  const leaving = await leavingPods(ctx, found.api);
  const isCordoned = await cordon(ctx, found);
  if (leaving.length === 0) return isCordoned ? 'done' : 'unchanged';
  if (!found.isReady) {
    await deleteUnreachable(ctx, found.api, leaving);
    return 'done';
  }
  step(ctx, 'drain', `evicting ${leaving.map(podName).join(', ')}`);
  await evictAll(ctx, found.api, leaving);
  return 'done';
}

/**
 * The Pods to evict; everything that wants a flag is told at once.
 * @throws KbError KB_DRAIN_DATA, KB_DRAIN_UNMANAGED
 */
export async function leavingPods(ctx: NodeRemoveContext, api: Api): Promise<readonly PodRef[]> {
  const { leaving, withData, unmanaged } = sortPods(await podsOf(api, ctx.spec.name));
  const problems: Problem[] = [];
  const host = ctx.host.name;
  if (withData.length > 0 && !ctx.spec.deletesEmptyDirData) {
    problems.push({
      code: 'KB_DRAIN_DATA',
      summary: 'Pods use emptyDir volumes; their data will be deleted',
      host,
      detail: `emptyDir volumes: ${withData.map(podName).join(', ')}`,
      fix: 'save what is needed, then give --delete-emptydir-data',
    });
  }
  if (unmanaged.length > 0 && !ctx.spec.isForced) {
    problems.push({
      code: 'KB_DRAIN_UNMANAGED',
      summary: 'Pods are not managed by a controller',
      host,
      detail: `without a controller: ${unmanaged.map(podName).join(', ')}`,
      fix: 'give them to a Deployment or delete them; or give --force',
    });
  }
  if (problems.length > 0) throw new KbError(problems);
  return leaving;
}

/** False when it was cordoned already. */
async function cordon(ctx: NodeRemoveContext, { api, node }: FoundNode): Promise<boolean> {
  const spec = node?.['spec'];
  if (typeof spec === 'object' && spec !== null && 'unschedulable' in spec && spec.unschedulable === true) return false;
  await api.patch({ apiVersion: 'v1', kind: 'Node', name: ctx.spec.name }, { spec: { unschedulable: true } });
  return true;
}
