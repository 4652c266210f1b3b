// One control plane joins at a time: a Lease in the cluster that a join holds from adding its etcd member until it is
// well. Two that are added at once take each other's quorum (kubeadm#2001, #2005).
import type { Api, KubeObject } from '../../cluster/types.ts';
import { KbError } from '../../errors.ts';
import { leaseObject, leaseRef, readLease } from '../../manifests/lease.ts';
import { TimedOut, until } from '../../util/until.ts';
import { reportedTo, warn, type ControlPlaneContext } from '../context.ts';
import type { JoinContext } from './context.ts';
import { openAdmin } from './control-plane.ts';
import { judgeTurn, takenBy } from './turn-rules.ts';

const lease = { namespace: 'kube-system', name: 'kbinit-control-plane-join' };

/** A holder that is dead keeps the others waiting this long at most; a living one renews three times in it. */
const leaseSeconds = 15;
const renewalMs = 4000;

/** Others are waited for this many times as long as one join may take. */
const patience = 5;

/** Do something while no other control plane joins. @throws KbError KB_LOCKED when the others take too long */
export async function inTurn<T>(ctx: JoinContext, node: ControlPlaneContext, work: () => Promise<T>): Promise<T> {
  const { identity } = ctx.settings.runner;
  // A turn's requests are small and many: none of them is worth a long wait of its own.
  const api = await openAdmin(node, 'shared', 10);
  try {
    await take(ctx, node, api);
    const stop = keepRenewing(api, node, identity);
    try {
      return await work();
    } finally {
      stop();
      await giveUp(api, identity);
    }
  } finally {
    api.close();
  }
}

async function take(ctx: JoinContext, node: ControlPlaneContext, api: Api): Promise<void> {
  const { identity, isDead } = ctx.settings.runner;
  const timeoutSeconds = patience * node.spec.timeouts.etcdAPICall;
  let [version, since, told]: [string | undefined, number, string] = [undefined, performance.now(), ''];
  const what = 'the join lock';
  const options = { timeoutSeconds, intervalMs: 200, ...reportedTo(ctx, 'etcd-join', what) };
  try {
    await until(what, options, async () => {
      const found = await api.get(leaseRef(lease));
      if (found?.metadata.resourceVersion !== version) {
        version = found?.metadata.resourceVersion;
        since = performance.now();
      }
      const seen = found && readLease(found);
      const verdict = judgeTurn(
        { lease: seen, unchangedSeconds: (performance.now() - since) / 1000 },
        identity,
        isDead,
      );
      if (verdict.kind === 'mine') return { value: true };
      if (verdict.kind === 'wait') {
        if (told !== verdict.holder) {
          warn(ctx, 'etcd-join', `another control plane joins: waiting for ${verdict.holder}`);
          told = verdict.holder;
        }
        return { notYet: `${verdict.holder} has its turn since ${seen?.acquiredAt.toISOString() ?? ''}` };
      }
      return (await claim(api, node, identity, found)) ? { value: true } : { notYet: 'another one was faster' };
    });
  } catch (error) {
    throw error instanceof TimedOut ? tooLong(ctx, error) : error;
  }
}

/** Take a Lease that is free; false when somebody else was faster. */
async function claim(
  api: Api,
  node: ControlPlaneContext,
  identity: string,
  found: KubeObject | undefined,
): Promise<boolean> {
  const state = takenBy(identity, node.clock.now(), leaseSeconds, found && readLease(found));
  if (found === undefined) return (await api.create(leaseObject(lease, state))) !== undefined;
  return (await api.replace(leaseObject(lease, state, found.metadata.resourceVersion))) !== undefined;
}

/** Say every few seconds that this join is alive. What cannot be said is tried again: the work itself must not fail for it. */
function keepRenewing(api: Api, node: ControlPlaneContext, identity: string): () => void {
  const renew = async (): Promise<void> => {
    const found = await api.get(leaseRef(lease));
    const state = found && readLease(found);
    if (found === undefined || state?.holder !== identity) return;
    const renewed = { ...state, renewedAt: node.clock.now() };
    await api.replace(leaseObject(lease, renewed, found.metadata.resourceVersion));
  };
  const timer = setInterval(() => void renew().catch(() => undefined), renewalMs);
  return () => clearInterval(timer);
}

/** Let the next one in at once. When it cannot be said, the Lease runs out by itself. */
async function giveUp(api: Api, identity: string): Promise<void> {
  try {
    // The last renewal may still be on its way and come in between.
    for (let tries = 0; tries < 5; tries++) {
      const found = await api.get(leaseRef(lease));
      const state = found && readLease(found);
      if (found === undefined || state?.holder !== identity) return;
      const free = leaseObject(lease, { ...state, holder: '' }, found.metadata.resourceVersion);
      if ((await api.replace(free)) !== undefined) return;
    }
  } catch {
    // See above.
  }
}

function tooLong(ctx: JoinContext, { seconds, last }: TimedOut): KbError {
  return new KbError({
    code: 'KB_LOCKED',
    summary: 'another control plane is joining',
    host: ctx.host.name,
    detail: `waited ${seconds} s for the Lease ${lease.namespace}/${lease.name}; ${last}`,
    fix: `wait until that join has finished, or stop it; then continue with: ${ctx.resumeCommand}`,
  });
}
