// This host's Node in the cluster: a phase patches it as soon as the kubelet has registered it.
import type { Api, KubeObject } from '../cluster/types.ts';
import type { ClusterSpec, InitSpec } from '../config/spec.ts';
import { criSocketPatch, type NodePatch } from '../manifests/node-marks.ts';
import { until } from '../util/until.ts';
import type { PhaseOutcome } from '../workflow/phase.ts';
import type { RunContext } from './context.ts';
import { explained } from './diagnose/diagnose.ts';

/** A run on a host that is a node, or becomes one. */
interface NodeContext extends RunContext {
  readonly spec: Pick<InitSpec, 'node' | 'timeouts' | 'isDryRun'>;
}

/** Patch this host's node where it is not yet what it should be: `patchOf` says what is missing. */
export async function patchNode(
  ctx: NodeContext,
  api: Api,
  patchOf: (node: KubeObject) => NodePatch | undefined,
): Promise<PhaseOutcome> {
  const { name } = ctx.spec.node;
  const ref = { apiVersion: 'v1', kind: 'Node', name };
  if (ctx.spec.isDryRun) {
    const patch = patchOf((await api.get(ref)) ?? { ...ref, metadata: { name } });
    if (patch !== undefined) await api.patch(ref, patch);
    return patch === undefined ? 'unchanged' : 'done';
  }
  const options = {
    timeoutSeconds: ctx.spec.timeouts.tlsBootstrap,
    intervalMs: 100,
    signal: ctx.signal,
  };
  return explained(ctx, { kind: 'node', name }, () =>
    until(`node ${name} to be registered`, options, async () => {
      const node = await api.get(ref);
      // The kubelet sets the host-name label when it registers; before that the object is not its own.
      if (node?.metadata.labels?.['kubernetes.io/hostname'] === undefined) return { notYet: 'no such node yet' };
      const patch = patchOf(node);
      if (patch === undefined) return { value: 'unchanged' as const };
      await api.patch(ref, patch);
      return { value: 'done' as const };
    }),
  );
}

/** Where no file on the host tells the CRI socket, kubeadm's certs, reset and upgrade look for it on the node (spec 04 §5). */
export function annotateCriSocket(
  ctx: NodeContext,
  api: Api,
  { version, featureGates }: Pick<ClusterSpec, 'version' | 'featureGates'>,
): Promise<PhaseOutcome> {
  const { criSocket } = ctx.spec.node;
  return patchNode(ctx, api, (node) => criSocketPatch(node, criSocket, { version, featureGates }));
}
