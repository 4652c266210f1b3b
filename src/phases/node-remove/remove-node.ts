// node remove, phase remove-node: delete the Node object, and say what is left to do on the host.
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import type { FoundNode, NodeRemoveContext } from './context.ts';
import { controlPlaneLabel } from '../cluster/node.ts';
import { findNode } from './find.ts';

export const removeNode: Phase<NodeRemoveContext> = {
  name: 'remove-node',
  summary: 'Delete the Node object',
  run: deleteNode,
};

async function deleteNode(ctx: NodeRemoveContext): Promise<PhaseOutcome> {
  const found = await findNode(ctx);
  const ref = { apiVersion: 'v1', kind: 'Node', name: ctx.spec.name };
  const isRemoved = found.node !== undefined && (await found.api.remove(ref));
  if (!ctx.spec.isDryRun && (isRemoved || found.etcd !== undefined)) ctx.print(whatIsLeft(ctx, found));
  return isRemoved ? 'done' : 'unchanged';
}

function whatIsLeft({ spec: { name }, operator }: NodeRemoveContext, { node, addresses, etcd }: FoundNode): string {
  const [address = 'ADDRESS'] = addresses;
  const wasControlPlane = etcd !== undefined || node?.metadata.labels?.[controlPlaneLabel] !== undefined;
  const balancer = wasControlPlane
    ? `\nIts API server has left the cluster: remove ${address} from the load balancer (kbinit lb apply ${operator?.over('LOAD_BALANCER') ?? '--host root@LOAD_BALANCER'}).`
    : '';
  return `
Node ${name} has left the cluster. Its host was not changed; a kubelet that starts there
would register the node again. When the host can be reached, undo what join did:

  kbinit reset ${operator?.over(address) ?? `--host root@${address}`}
${balancer}
`;
}
