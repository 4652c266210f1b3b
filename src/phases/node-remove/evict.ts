// Evicting Pods one by one as their budgets allow, and what is done with those that stay.
import type { Api, PodRef } from '../../cluster/types.ts';
import { KbError } from '../../errors.ts';
import { TimedOut, until } from '../../util/until.ts';
import { reportedTo, warn } from '../context.ts';
import type { NodeRemoveContext } from './context.ts';
import { isReady } from '../cluster/node.ts';
import { podName, podsOf, sortPods } from './pods.ts';

/** Evict until all are gone; what is left when the time is up is deleted with --force only. @throws KbError KB_DRAIN */
export async function evictAll(ctx: NodeRemoveContext, api: Api, pods: readonly PodRef[]): Promise<void> {
  const wanted = new Set(pods.map(({ uid }) => uid));
  const asked = new Set<string>();
  let left = pods;
  const { drainSeconds, name } = ctx.spec;
  const what = `the Pods of ${name} to be gone`;
  const options = { timeoutSeconds: drainSeconds, intervalMs: 500, ...reportedTo(ctx, 'drain', what) };
  try {
    const end = await until<'gone' | 'not Ready'>(what, options, async () => {
      left = sortPods(await podsOf(api, name)).leaving.filter(({ uid }) => wanted.has(uid));
      if (left.length === 0) return { value: 'gone' };
      // A host that has just gone is Ready for most of a minute: what was evicted there never ends.
      if (!isReady(await api.get({ apiVersion: 'v1', kind: 'Node', name }))) return { value: 'not Ready' };
      const states = await Promise.all(left.map((pod) => evict(api, pod, asked)));
      return { notYet: states.join('; ') };
    });
    if (end === 'not Ready') await deleteUnreachable(ctx, api, left);
  } catch (error) {
    if (!(error instanceof TimedOut)) throw error;
    if (!ctx.spec.isForced) throw notDrained(ctx, error);
    warn(ctx, 'drain', `not gone after ${error.seconds} s, deleted immediately because of --force: ${error.last}`);
    await deleteAll(api, left);
  }
}

/** Ask until it is granted; then the Pod takes its time to end. */
async function evict(api: Api, pod: PodRef, asked: Set<string>): Promise<string> {
  if (asked.has(pod.uid)) return `${podName(pod)} is ending`;
  const answer = await api.evict(pod);
  if (answer.kind === 'refused') return `${podName(pod)}: ${answer.reason}`;
  asked.add(pod.uid);
  return `${podName(pod)} is ending`;
}

/** On a node that is not Ready a Pod that was evicted would never end. */
export async function deleteUnreachable(ctx: NodeRemoveContext, api: Api, pods: readonly PodRef[]): Promise<void> {
  const names = pods.map(podName).join(', ');
  warn(
    ctx,
    'drain',
    `${ctx.spec.name} is not Ready, so its Pods cannot be terminated there: deleting ${names} immediately`,
  );
  await deleteAll(api, pods);
}

async function deleteAll(api: Api, pods: readonly PodRef[]): Promise<void> {
  await Promise.all(
    pods.map(({ namespace, name, uid }) =>
      api.remove({ apiVersion: 'v1', kind: 'Pod', namespace, name }, { graceSeconds: 0, uid }),
    ),
  );
}

function notDrained(ctx: NodeRemoveContext, { last, seconds }: TimedOut): KbError {
  return new KbError({
    code: 'KB_DRAIN',
    summary: `Pods are still on ${ctx.spec.name}`,
    host: ctx.host.name,
    detail: `after ${seconds} s: ${last}; the node is cordoned, nothing else was removed`,
    fix: 'give the PodDisruptionBudget what it waits for, or more time with --timeout; --force deletes what is left. To let Pods on the node again: kubectl uncordon',
  });
}
