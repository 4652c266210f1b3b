// node remove, phase preflight: find the node, refuse what the cluster would not survive, ask.
import { KbError, type Problem } from '../../errors.ts';
import type { Phase } from '../../workflow/phase.ts';
import { hexId } from '../etcd/access.ts';
import { memberStates, removalRefusal } from '../etcd/quorum.ts';
import type { FoundNode, NodeRemoveContext } from './context.ts';
import { leavingPods } from './drain.ts';
import { controlPlaneLabel } from '../cluster/node.ts';
import { findNode } from './find.ts';

export const removalPreflight: Phase<NodeRemoveContext> = {
  name: 'preflight',
  summary: 'Find the node, count what would be left, ask',
  run: check,
};

async function check(ctx: NodeRemoveContext): Promise<void> {
  const found = await findNode(ctx);
  const { isConfirmed, isDryRun, skipPhases } = ctx.spec;
  await refuseOwnHost(ctx, found);
  await refuseLastControlPlane(ctx, found);
  await refuseQuorumLoss(ctx, found);
  // Before the question: what wants a flag is not to be found out after it.
  if (found.node !== undefined && !skipPhases.includes('drain')) await leavingPods(ctx, found.api);
  if (isConfirmed || isDryRun) return;
  if (await ctx.ask(question(ctx, found))) return;
  throw new KbError({
    code: 'KB_NOT_CONFIRMED',
    summary: 'nothing was removed',
    host: ctx.host.name,
    detail: 'the question was not answered with y or yes',
    fix: 'answer y, or give --yes to skip the confirmation prompt',
  });
}

function question(ctx: NodeRemoveContext, { node, isReady, etcd }: FoundNode): string {
  const { name } = ctx.spec;
  const parts = [
    ...(node === undefined ? [] : [isReady ? 'evicts its Pods' : 'deletes its Pods (it is not Ready)']),
    ...(etcd === undefined ? [] : [`removes etcd member ${hexId(etcd.memberId)}`]),
    ...(node === undefined ? [] : ['deletes the Node object']),
  ];
  return `[node remove] This takes ${name} out of the cluster: it ${parts.join(', ')}.\n[node remove] Are you sure you want to proceed? [y/N]: `;
}

/** With its etcd member this host's API server ends too, and the Node object could not be deleted any more. */
async function refuseOwnHost(ctx: NodeRemoveContext, { etcd, addresses }: FoundNode): Promise<void> {
  if (etcd === undefined) return;
  const facts = await ctx.host.facts();
  const isOwn = etcd.memberId === etcd.ownId || facts.addresses.some(({ address }) => addresses.includes(address));
  if (!isOwn) return;
  throw new KbError({
    code: 'KB_NODE_OWN',
    summary: 'a control plane cannot be removed through itself',
    host: ctx.host.name,
    detail: `${ctx.spec.name} is the host that this run works through`,
    fix: 'work through another control plane (--host); where this is the only one, `kbinit reset` ends the cluster',
  });
}

/** With an external etcd nothing else would notice. */
async function refuseLastControlPlane(ctx: NodeRemoveContext, { api, node }: FoundNode): Promise<void> {
  if (node?.metadata.labels?.[controlPlaneLabel] === undefined) return;
  const all = await api.list({ apiVersion: 'v1', kind: 'Node' }, { labels: controlPlaneLabel });
  if (all.some(({ metadata }) => metadata.name !== ctx.spec.name)) return;
  throw new KbError({
    code: 'KB_NODE_LAST',
    summary: 'the last control plane stays',
    host: ctx.host.name,
    detail: `${ctx.spec.name} is the only node with the label ${controlPlaneLabel}`,
    fix: 'join another control plane first; to end the cluster, run `kbinit reset --host root@NODE` for each of its hosts',
  });
}

/** @throws KbError KB_ETCD_QUORUM */
export async function refuseQuorumLoss(ctx: NodeRemoveContext, { etcd }: FoundNode): Promise<void> {
  if (etcd === undefined) return;
  const refusal = removalRefusal(await memberStates(etcd.etcd, etcd.members), etcd.memberId);
  if (refusal !== undefined) throw new KbError(quorumProblem(ctx, refusal));
}

function quorumProblem(ctx: NodeRemoveContext, refusal: string): Problem {
  return {
    code: 'KB_ETCD_QUORUM',
    summary: `etcd would be left without a quorum, so ${ctx.spec.name} stays`,
    host: ctx.host.name,
    detail: `${refusal}; its etcd member was not removed`,
    fix: 'start the members that are down, or remove first those that will not come back; or join another control plane first; if the quorum is lost permanently, see docs/etcd.md',
  };
}
