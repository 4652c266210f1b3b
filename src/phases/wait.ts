// Phase wait: the kubelet, then the API server, the controller manager and the scheduler, each asked on its own port.
import type { Api } from '../cluster/types.ts';
import type { KbError } from '../errors.ts';
import { healthEndpoints } from '../manifests/health.ts';
import { tlsRefusal } from '../util/tls-error.ts';
import { GaveUp, until } from '../util/until.ts';
import type { Phase, PhaseOutcome } from '../workflow/phase.ts';
import { openUnprivileged } from './admin.ts';
import { toldOf, type ControlPlaneContext, type InitContext, type RunContext } from './context.ts';
import { explainFailure } from './diagnose.ts';

export const wait: Phase<InitContext> = {
  name: 'wait',
  aliases: ['wait-control-plane'],
  summary: 'Wait for the kubelet and the control plane to come up',
  run: waitForControlPlane,
};

/** Often enough to lose little, seldom enough to cost little. */
const intervalMs = 100;

async function waitForControlPlane(ctx: InitContext): Promise<PhaseOutcome | void> {
  if (ctx.spec.isDryRun) return undefined;
  const admin = await openUnprivileged(ctx);
  try {
    await waitUntilHealthy(ctx, admin);
  } finally {
    admin.close();
  }
  // A kubelet that was not touched runs what it ran.
  return ctx.isKubeletUnchanged === true ? 'unchanged' : 'done';
}

/**
 * Wait for this host's kubelet and control plane; `api` is the host's own API server.
 * @throws KbError that names the likely cause when one of them never is healthy
 */
export async function waitUntilHealthy(ctx: ControlPlaneContext, api: Api): Promise<void> {
  const { kubelet, controllerManager, scheduler } = healthEndpoints(ctx.spec);
  const others = [kubelet, controllerManager, scheduler].map((url) => url && ctx.apis.open({ server: url.origin }));
  const [kubeletApi, controllerManagerApi, schedulerApi] = others;
  const patience = ctx.spec.timeouts.controlPlaneComponentHealthCheck;
  try {
    if (kubelet !== undefined && kubeletApi !== undefined) {
      const seconds = ctx.spec.timeouts.kubeletHealthCheck;
      await healthy(ctx, 'the kubelet', kubeletApi, kubelet.pathname, seconds);
    }
    // All of them end before one is explained: the first in this order is the others' cause.
    const waits = await Promise.allSettled([
      healthy(ctx, 'kube-apiserver', api, '/livez', patience),
      controllerManager &&
        healthy(ctx, 'kube-controller-manager', controllerManagerApi, controllerManager.pathname, patience),
      scheduler && healthy(ctx, 'kube-scheduler', schedulerApi, scheduler.pathname, patience),
    ]);
    const failed = waits.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  } finally {
    for (const other of others) other?.close();
  }
}

/** Wait until a health endpoint answers 200. @throws KbError that names the likely cause when it never does */
async function healthy(
  ctx: RunContext,
  component: string,
  api: Api | undefined,
  path: string,
  timeoutSeconds: number,
): Promise<void> {
  if (api === undefined) return;
  const refusal = (error: unknown): KbError | undefined => tlsRefusal(api.server, ctx.host.name, error);
  const options = { timeoutSeconds, intervalMs, refusal, ...toldOf(ctx, 'wait', component) };
  try {
    await until(`${component} to be healthy`, options, async () => {
      const { status, body } = await api.raw(path, 5);
      return status === 200 ? { value: true } : { notYet: `HTTP ${status} ${body.slice(0, 200)}` };
    });
  } catch (error) {
    throw error instanceof GaveUp ? await explainFailure(ctx, component, error) : error;
  }
}
