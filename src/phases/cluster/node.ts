// Node objects: what one says of itself, and this host's own, patched as soon as the kubelet has registered it.
import type { Api, KubeObject } from '../../cluster/types.ts';
import type { ClusterSpec, InitSpec } from '../../config/spec.ts';
import { criSocketPatch, type NodePatch } from '../../manifests/node-marks.ts';
import { isJsonArray, isJsonObject } from '../../util/json.ts';
import { until } from '../../util/until.ts';
import type { PhaseOutcome } from '../../workflow/phase.ts';
import type { RunContext } from '../context.ts';
import { explained } from '../diagnose/diagnose.ts';

export const controlPlaneLabel = 'node-role.kubernetes.io/control-plane';

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

/** Whether the node's kubelet reports that it can run Pods. */
export function isReady(node: KubeObject | undefined): boolean {
  return statusList(node, 'conditions').some(({ type, status }) => type === 'Ready' && status === 'True');
}

/** A list of the status of a Node: its conditions, its addresses. */
export function statusList(node: KubeObject | undefined, field: string): readonly Readonly<Record<string, unknown>>[] {
  const status = node?.['status'];
  const list = isJsonObject(status) ? status[field] : undefined;
  return isJsonArray(list) ? list.filter(isJsonObject) : [];
}
