// Phase mark-control-plane: the labels and taints that make a node a control plane.
import type { Api } from '../cluster/types.ts';
import { nodeMarksPatch } from '../manifests/node-marks.ts';
import { GaveUp, until } from '../util/until.ts';
import type { Phase, PhaseOutcome } from '../workflow/phase.ts';
import { adminApi } from './admin.ts';
import type { ControlPlaneContext, InitContext } from './context.ts';
import { explainFailure } from './diagnose.ts';

export const markControlPlane: Phase<InitContext> = {
  name: 'mark-control-plane',
  summary: 'Label and taint this node as a control plane',
  flags: ['node-name', 'config', 'dry-run'],
  run: async (ctx) => markNode(ctx, await adminApi(ctx)),
};

/** Set the labels and taints of this node, as soon as it is registered. */
export async function markNode(ctx: ControlPlaneContext, api: Api): Promise<PhaseOutcome> {
  const { name, taints } = ctx.spec.node;
  const ref = { apiVersion: 'v1', kind: 'Node', name };
  if (ctx.spec.isDryRun) {
    const node = { ...ref, metadata: { name } };
    const patch = nodeMarksPatch((await api.get(ref)) ?? node, taints);
    if (patch !== undefined) await api.patch(ref, patch);
    return patch === undefined ? 'unchanged' : 'done';
  }
  try {
    const options = { timeoutSeconds: ctx.spec.timeouts.tlsBootstrap, intervalMs: 100, signal: ctx.signal };
    return await until(`node ${name} to be registered`, options, async () => {
      const node = await api.get(ref);
      // The kubelet sets the host-name label when it registers; before that the object is not its own.
      if (node?.metadata.labels?.['kubernetes.io/hostname'] === undefined) return { notYet: 'no such node yet' };
      const patch = nodeMarksPatch(node, taints);
      if (patch === undefined) return { value: 'unchanged' as const };
      await api.patch(ref, patch);
      return { value: 'done' as const };
    });
  } catch (error) {
    throw error instanceof GaveUp ? await explainFailure(ctx, 'the kubelet', error) : error;
  }
}
