// Phase mark-control-plane: the labels and taints that make a node a control plane.
import type { Api } from '../../cluster/types.ts';
import { nodeMarksPatch } from '../../manifests/node-marks.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { adminApi } from './admin.ts';
import type { ControlPlaneContext, InitContext } from '../context.ts';
import { patchNode } from '../cluster/node.ts';

export const markControlPlane: Phase<InitContext> = {
  name: 'mark-control-plane',
  summary: 'Label and taint this node as a control plane',
  flags: ['node-name', 'config', 'dry-run'],
  run: async (ctx) => markNode(ctx, await adminApi(ctx)),
};

/** Set the labels and taints of this node, as soon as it is registered. */
export function markNode(ctx: ControlPlaneContext, api: Api): Promise<PhaseOutcome> {
  return patchNode(ctx, api, (node) => nodeMarksPatch(node, ctx.spec.node.taints));
}
