// Phase wait: the kubelet, then the API server, the controller manager and the scheduler, each asked on its own port.
import type { Api } from '../../cluster/types.ts';
import type { KbError } from '../../errors.ts';
import { staticPods } from '../../kube/paths.ts';
import { healthEndpoints } from '../../manifests/health.ts';
import { tlsRefusal } from '../../util/tls-error.ts';
import { until, type Attempt } from '../../util/until.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { openUnprivileged } from './admin.ts';
import { finishJournal } from './claim.ts';
import { reportedTo, type ControlPlaneContext, type InitContext } from '../context.ts';
import { explained, type Waited } from '../diagnose/diagnose.ts';
import { watched, watchPods } from '../diagnose/watch.ts';

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
  await finishJournal(ctx);
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
  const hasEtcd = ctx.spec.cluster.etcd.kind === 'local';
  const components = staticPods.filter((name) => name !== 'etcd' || hasEtcd);
  const watch = watchPods(ctx, { phase: 'wait', components });
  try {
    if (kubelet !== undefined && kubeletApi !== undefined) {
      const seconds = ctx.spec.timeouts.kubeletHealthCheck;
      const waited = { kind: 'kubelet' } as const;
      await explained(ctx, waited, () => healthy(ctx, waited, kubeletApi, kubelet.pathname, seconds));
    }
    const waits = [
      { name: 'kube-apiserver', api, path: '/livez' },
      { name: 'kube-controller-manager', api: controllerManagerApi, path: controllerManager?.pathname },
      { name: 'kube-scheduler', api: schedulerApi, path: scheduler?.pathname },
    ] as const;
    const results = await Promise.allSettled(
      waits.map(async (one) => {
        if (one.api !== undefined && one.path !== undefined) {
          await healthy(ctx, { kind: 'pod', name: one.name, watch }, one.api, one.path, patience);
        }
      }),
    );
    // All of them end before one is explained: the first in this order is the others' cause.
    for (const [index, result] of results.entries()) {
      const name = waits[index]?.name;
      if (result.status === 'fulfilled' || name === undefined) continue;
      await explained(ctx, { kind: 'pod', name, watch }, () => Promise.reject(result.reason));
    }
  } finally {
    watch.stop();
    for (const other of others) other?.close();
  }
}

/** Wait until a health endpoint answers 200. @throws TimedOut when it never does */
async function healthy(
  ctx: ControlPlaneContext,
  waited: Exclude<Waited, { kind: 'node' }>,
  api: Api,
  path: string,
  timeoutSeconds: number,
): Promise<void> {
  const component = waited.kind === 'pod' ? waited.name : 'the kubelet';
  const state = waited.kind === 'pod' ? (): string | undefined => waited.watch.said(waited.name) : undefined;
  const refusal = (error: unknown): KbError | undefined => tlsRefusal(api.server, ctx.host.name, error);
  const options = { timeoutSeconds, intervalMs, refusal, ...reportedTo(ctx, 'wait', component, state) };
  const ask = async (): Promise<Attempt<true>> => {
    const { status, body } = await api.raw(path, 5);
    return status === 200 ? { value: true } : { notYet: `HTTP ${status} ${body.slice(0, 200)}` };
  };
  await until(`${component} to be healthy`, options, waited.kind === 'pod' ? watched(waited, ask) : ask);
}
