// Join, phase wait-control-plane: this host's kubelet, API server, controller manager and scheduler answer.
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import type { ControlPlaneContext } from '../context.ts';
import type { JoinContext } from './context.ts';
import { outcomeOf } from '../init/control-plane.ts';
import { waitUntilHealthy } from '../init/wait.ts';
import { isControlPlane, onControlPlane, openAdmin } from './control-plane.ts';
import { journalArtifact, journalOf } from './previous-run.ts';

export const joinWaitControlPlane: Phase<JoinContext> = {
  name: 'wait-control-plane',
  summary: 'Wait for the control plane on this host to come up',
  flags: ['config', 'control-plane', 'node-name', 'dry-run'],
  isPart: isControlPlane,
  run: onControlPlane('wait-control-plane', wait),
};

async function wait(ctx: JoinContext, node: ControlPlaneContext): Promise<PhaseOutcome> {
  if (!node.spec.isDryRun) {
    const api = await openAdmin(node, 'local');
    try {
      await waitUntilHealthy(node, api);
    } finally {
      api.close();
    }
  }
  // The journal's last word; a second run finds it finished and leaves it alone.
  const { finishedAt = ctx.clock.now().toISOString() } = await journalOf(ctx);
  return outcomeOf(await ctx.host.write([await journalArtifact(ctx, { finishedAt })]));
}
