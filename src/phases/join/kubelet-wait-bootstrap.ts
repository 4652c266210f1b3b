// Join, phase kubelet-wait-bootstrap: until the kubelet has its own certificate and its node is registered.
import { clientOf } from '../../kubeconfig/kubeconfig.ts';
import { paths } from '../../kube/paths.ts';
import { GaveUp, until } from '../../util/until.ts';
import type { Phase } from '../../workflow/phase.ts';
import type { JoinContext } from '../context.ts';
import { explainFailure } from '../diagnose.ts';
import { discover } from './discovery.ts';

export const kubeletWaitBootstrap: Phase<JoinContext> = {
  name: 'kubelet-wait-bootstrap',
  summary: 'Wait until the kubelet has its certificate and the node is registered',
  flags: ['config', 'cri-socket', 'dry-run'],
  run: waitForNode,
};

async function waitForNode(ctx: JoinContext): Promise<void> {
  if (ctx.spec.isDryRun) return;
  const { api } = await discover(ctx);
  const { name } = ctx.spec.node;
  const options = { timeoutSeconds: ctx.spec.timeouts.tlsBootstrap, intervalMs: 100, signal: ctx.signal };
  try {
    await until('the kubelet to get its certificate (TLS bootstrap)', options, async () => {
      const text = await ctx.host.read(paths.kubeletConf);
      if (text === undefined) return { notYet: `${paths.kubeletConf} does not exist yet` };
      try {
        return { value: clientOf(text, paths.kubeletConf) };
      } catch (error) {
        // The kubelet writes it in place: for a moment it is half a file.
        return { notYet: error instanceof Error ? error.message : String(error) };
      }
    });
    // The bootstrap token may read nodes (ClusterRole kubeadm:get-nodes), so no other credentials are needed.
    await until(`node ${name} to be registered`, options, async () => {
      const node = await api.get({ apiVersion: 'v1', kind: 'Node', name });
      return node === undefined ? { notYet: 'no such node yet' } : { value: true };
    });
  } catch (error) {
    throw error instanceof GaveUp ? await explainFailure(ctx, 'the kubelet', error) : error;
  } finally {
    api.close();
  }
  await ctx.host.remove([paths.bootstrapKubeletConf], 'the bootstrap token has done its work');
}
