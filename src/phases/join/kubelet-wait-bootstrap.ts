// Join, phase kubelet-wait-bootstrap: until the kubelet has its own certificate and its node is registered.
import type { Api } from '../../cluster/types.ts';
import { localEndpoint } from '../../kubeconfig/endpoint.ts';
import { clientOf } from '../../kubeconfig/kubeconfig.ts';
import { paths } from '../../kube/paths.ts';
import { hasNodeLocalCriSocket, kubeletUsesLocalApiServer } from '../../kube/traits.ts';
import { sh } from '../../host/shell.ts';
import { TimedOut, until } from '../../util/until.ts';
import type { Phase } from '../../workflow/phase.ts';
import { reportedTo } from '../context.ts';
import type { JoinContext } from './context.ts';
import { explained } from '../diagnose/diagnose.ts';
import { watchPods, type PodWatch } from '../diagnose/watch.ts';
import { clientCertificatePath } from '../init/kubelet-finalize.ts';
import { hostClient } from '../cluster/host-client.ts';
import { restartKubelet } from '../init/kubelet-start.ts';
import { annotateCriSocket } from '../cluster/node.ts';
import { discover } from './discovery.ts';

const name = 'kubelet-wait-bootstrap';

export const kubeletWaitBootstrap: Phase<JoinContext> = {
  name,
  summary: 'Wait until the kubelet has its certificate and the node is registered',
  flags: ['config', 'cri-socket', 'dry-run'],
  run: waitForNode,
};

const intervalMs = 100;

async function waitForNode(ctx: JoinContext): Promise<void> {
  if (ctx.spec.isDryRun) return;
  const { api } = await discover(ctx);
  const registered = new AbortController();
  const watch = watchLocalApiServer(ctx);
  const node = { kind: 'node', name: ctx.spec.node.name, ...(watch === undefined ? {} : { watch }) } as const;
  let isInTime = true;
  try {
    await explained(ctx, node, async () => {
      try {
        await untilCredentials(ctx, watch);
        await Promise.all([
          untilRegistered(ctx, api, watch).finally(() => registered.abort()),
          skipBackoff(ctx, registered.signal).catch(() => undefined),
        ]);
      } catch (error) {
        isInTime = !(error instanceof TimedOut);
        throw error;
      }
    });
  } catch (failure) {
    // Nor does it stay where it has not (kubeadm, R68); the same command writes it again.
    if (!isInTime) await ctx.host.remove([paths.bootstrapKubeletConf], 'the bootstrap token is of no use any more');
    throw failure;
  } finally {
    watch?.stop();
    api.close();
  }
  await annotate(ctx);
  await ctx.host.remove([paths.bootstrapKubeletConf], 'the bootstrap token has done its work');
}

/** The node writes about itself: the bootstrap token may only read. */
async function annotate(ctx: JoinContext): Promise<void> {
  const { cluster } = await discover(ctx);
  if (hasNodeLocalCriSocket(cluster.version, cluster.featureGates)) return;
  const callSeconds = ctx.spec.timeouts.kubernetesAPICall;
  const api = ctx.apis.open(await hostClient(ctx.host, paths.kubeletConf), { callSeconds });
  try {
    await annotateCriSocket(ctx, api, cluster);
  } finally {
    api.close();
  }
}

/** A joining control plane's kubelet asks the API server beside it: what keeps that from coming up keeps the node waiting. */
function watchLocalApiServer(ctx: JoinContext): PodWatch | undefined {
  return ctx.spec.controlPlane === undefined
    ? undefined
    : watchPods(ctx, { phase: name, components: ['etcd', 'kube-apiserver'] });
}

async function untilCredentials(ctx: JoinContext, watch: PodWatch | undefined): Promise<void> {
  const what = 'the kubelet to get its certificate (TLS bootstrap)';
  const options = { timeoutSeconds: ctx.spec.timeouts.tlsBootstrap, intervalMs, ...told(ctx, what, watch) };
  await until(what, options, async () => {
    const text = await ctx.host.read(paths.kubeletConf);
    if (text === undefined) return { notYet: `${paths.kubeletConf} does not exist yet` };
    try {
      return { value: clientOf(text, paths.kubeletConf) };
    } catch (error) {
      // The kubelet writes it in place: for a moment it is half a file.
      return { notYet: error instanceof Error ? error.message : String(error) };
    }
  });
}

/** The bootstrap token may read nodes (ClusterRole kubeadm:get-nodes), so no other credentials are needed. */
async function untilRegistered(ctx: JoinContext, api: Api, watch: PodWatch | undefined): Promise<void> {
  const { name: node } = ctx.spec.node;
  const what = `node ${node} to be registered`;
  const options = { timeoutSeconds: ctx.spec.timeouts.tlsBootstrap, intervalMs, ...told(ctx, what, watch) };
  await until(what, options, async () => {
    const found = await api.get({ apiVersion: 'v1', kind: 'Node', name: node });
    return found === undefined ? { notYet: 'no such node yet' } : { value: true };
  });
}

function told(ctx: JoinContext, what: string, watch: PodWatch | undefined): ReturnType<typeof reportedTo> {
  return reportedTo(ctx, name, what, () => {
    const state = watch?.said('kube-apiserver');
    return state === undefined ? undefined : `kube-apiserver ${state}`;
  });
}

/** Seconds in which an API server comes up whose etcd is there, if nobody waits for anything. */
const promptSeconds = 4;

/**
 * Two back-offs of the kubelet would let a joining control plane wait. An API server that crashed while etcd was not
 * there is started again after 10, 20, 40 … seconds; and a kubelet whose API server did not answer asks for its
 * certificate again after 2, 4, 8 … (client-go's certificate manager). One that is started anew does both at once, and
 * its Pods run on meanwhile.
 */
async function skipBackoff(ctx: JoinContext, registered: AbortSignal): Promise<void> {
  const { cluster } = await discover(ctx);
  const { controlPlane, timeouts, node } = ctx.spec;
  if (controlPlane === undefined || !kubeletUsesLocalApiServer(cluster.version, cluster.featureGates)) return;
  const api = ctx.apis.open({ server: localEndpoint(controlPlane.localAPIEndpoint) });
  const restart = async (): Promise<void> => {
    if (!registered.aborted) await restartKubelet(ctx, name);
  };
  try {
    if (!(await isReadyWithin(promptSeconds, api, registered))) {
      await restart();
      if (!(await isReadyWithin(timeouts.tlsBootstrap, api, registered))) return;
    }
    const { code } = await ctx.host.probe(sh`[ -e ${clientCertificatePath(node)} ]`);
    if (code !== 0) await restart();
  } finally {
    api.close();
  }
}

async function isReadyWithin(timeoutSeconds: number, api: Api, signal: AbortSignal): Promise<boolean> {
  try {
    return await until('the API server on this host', { timeoutSeconds, intervalMs, signal }, async () => {
      const { status } = await api.raw('/readyz', 2);
      return status === 200 ? { value: true } : { notYet: `HTTP ${status}` };
    });
  } catch (error) {
    if (error instanceof TimedOut) return false;
    throw error;
  }
}
