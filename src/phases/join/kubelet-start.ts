// Join, phase kubelet-start: bootstrap credentials, the CA, the kubelet's files, then the kubelet.
import { localEndpoint } from '../../kubeconfig/endpoint.ts';
import { bootstrapKubeconfig } from '../../kubeconfig/kubeconfig.ts';
import { kubeletArtifacts } from '../../manifests/kubelet-config.ts';
import { paths } from '../../kube/paths.ts';
import { kubeletUsesLocalApiServer } from '../../kube/traits.ts';
import type { Artifact } from '../../host/host.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import type { DiscoveredCluster, JoinContext } from './context.ts';
import { journalFolder } from '../journal.ts';
import { isKubeletActive, restartKubelet } from '../init/kubelet-start.ts';
import { discover } from './discovery.ts';
import { discoveryFlags } from './discovery-flags.ts';
import { journalArtifact, readEarlierJoin } from './previous-run.ts';
import { replaceNode } from './same-name.ts';

export const joinKubeletStart: Phase<JoinContext> = {
  name: 'kubelet-start',
  summary: 'Write the kubelet configuration and start the kubelet',
  flags: ['config', 'cri-socket', 'node-name', 'replace', 'admin-host', ...discoveryFlags, 'patches', 'dry-run'],
  run: start,
};

async function start(ctx: JoinContext): Promise<PhaseOutcome> {
  const [{ credentials, clusterName, cluster }, earlier, facts] = await Promise.all([
    discover(ctx),
    readEarlierJoin(ctx),
    ctx.host.facts(),
  ]);
  await replaceNode(ctx);
  const bootstrap: Artifact = {
    path: paths.bootstrapKubeletConf,
    mode: 0o600,
    secret: true,
    body: bootstrapKubeconfig(
      {
        // Whoever discovery is: a token, or the client certificate of a discovery file.
        ...credentials,
        server: kubeletServer(ctx, cluster, credentials),
        clusterName,
      },
      cluster.version,
    ),
  };
  const changes = await ctx.host.write(
    [
      await journalArtifact(ctx),
      // A kubelet that has its own credentials needs no bootstrap token any more.
      ...(earlier.isJoined ? [] : [bootstrap]),
      { path: ctx.spec.caCertPath, mode: 0o644, body: credentials.ca },
      ...kubeletArtifacts({
        cluster,
        node: ctx.spec.node,
        host: { hostname: facts.hostname, isResolvedActive: facts.isResolvedActive },
        role: ctx.spec.controlPlane === undefined ? 'worker' : 'control-plane',
        patches: ctx.settings.patches,
      }),
    ],
    [
      { path: journalFolder, mode: 0o700 },
      { path: paths.manifests, mode: 0o700 },
      { path: paths.kubelet, mode: 0o700 },
    ],
  );
  const isUnchanged = changes.every(({ outcome }) => outcome === 'unchanged');
  // One that has not joined yet is started anew: then it asks at once, and its crashed Pods wait no longer.
  if (isUnchanged && earlier.isJoined && (await isKubeletActive(ctx.host))) return 'unchanged';
  await restartKubelet(ctx, 'kubelet-start');
  return 'done';
}

/** A control plane's kubelet talks to the API server beside it, from its first request on. */
function kubeletServer(
  { spec }: JoinContext,
  cluster: DiscoveredCluster['cluster'],
  { server }: DiscoveredCluster['credentials'],
): string {
  const isLocal = kubeletUsesLocalApiServer(cluster.version, cluster.featureGates);
  return isLocal && spec.controlPlane !== undefined ? localEndpoint(spec.controlPlane.localAPIEndpoint) : server;
}
