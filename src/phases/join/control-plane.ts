// The joining host as a control plane: the cluster as its own ConfigMaps describe it, this node in it, and its admin.
import { clusterOf } from '../../config/from-cluster.ts';
import type { Api } from '../../cluster/types.ts';
import { KbError } from '../../errors.ts';
import { localEndpoint } from '../../kubeconfig/endpoint.ts';
import { clientOf } from '../../kubeconfig/kubeconfig.ts';
import { paths } from '../../kube/paths.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { step, type ControlPlaneContext } from '../context.ts';
import type { JoinContext } from './context.ts';
import { readExisting } from '../init/existing.ts';
import { discover } from './discovery.ts';

/** Whether a phase that only control planes have is part of this run. */
export function isControlPlane(ctx: JoinContext): boolean {
  return ctx.spec.controlPlane !== undefined;
}

/** A phase's work on a joining control plane. A dry run whose cluster did not answer cannot tell what it would be. */
export function onControlPlane(
  phase: string,
  work: (ctx: JoinContext, node: ControlPlaneContext, parts: readonly string[]) => Promise<PhaseOutcome | void>,
): Phase<JoinContext>['run'] {
  return async (ctx, parts) => {
    if ((await discover(ctx)).isAssumed === true) {
      step(ctx, phase, 'only the cluster knows what this would do');
      return 'unchanged';
    }
    return work(ctx, await controlPlaneOf(ctx), parts);
  };
}

/** This host as a control plane of the cluster that was found; looked up once a run. */
export function controlPlaneOf(ctx: JoinContext): Promise<ControlPlaneContext> {
  ctx.controlPlane ??= describe(ctx);
  return ctx.controlPlane;
}

async function describe(ctx: JoinContext): Promise<ControlPlaneContext> {
  const { configMaps } = await discover(ctx);
  const { controlPlane, node, timeouts, isDryRun } = ctx.spec;
  if (configMaps === undefined || controlPlane === undefined) {
    throw new Error('a control plane was asked for where none joins');
  }
  return {
    ...ctx,
    spec: { cluster: clusterOf(configMaps), node, localAPIEndpoint: controlPlane.localAPIEndpoint, timeouts, isDryRun },
    settings: { patches: ctx.settings.patches, kubeconfigDir: paths.kubernetes },
  };
}

/**
 * A client of the cluster's admin: at the address all control planes share, or at this host's own API server.
 * @throws KbError KB_KUBECONFIG_MISSING
 */
export async function openAdmin(
  node: ControlPlaneContext,
  where: 'shared' | 'local',
  callSeconds: number = node.spec.timeouts.kubernetesAPICall,
): Promise<Api> {
  const text = (await readExisting(node)).get(paths.adminConf);
  if (text === undefined) {
    throw new KbError({
      code: 'KB_KUBECONFIG_MISSING',
      summary: 'no kubeconfig found for the API server',
      host: node.host.name,
      detail: `${paths.adminConf} does not exist on ${node.host.name}`,
      fix: 'run `kbinit join phase control-plane-prepare all` first',
    });
  }
  const admin = clientOf(text, paths.adminConf);
  const server = where === 'local' ? localEndpoint(node.spec.localAPIEndpoint) : admin.server;
  return node.apis.open({ ...admin, server }, { callSeconds });
}
