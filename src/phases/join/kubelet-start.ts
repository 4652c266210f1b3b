// Join, phase kubelet-start: bootstrap credentials, the CA, the kubelet's files, then the kubelet.
import { caPins } from '../../certs/pin.ts';
import { bootstrapKubeconfig } from '../../kubeconfig/kubeconfig.ts';
import { kubeletArtifacts } from '../../manifests/kubelet-config.ts';
import { paths } from '../../kube/paths.ts';
import type { Artifact } from '../../host/host.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import type { JoinContext } from '../context.ts';
import { isKubeletActive, restartKubelet } from '../kubelet-start.ts';
import { discover } from './discovery.ts';
import { joinJournalPath, readEarlierJoin, type JoinJournal } from './earlier.ts';

const discoveryFlags = [
  'discovery-file',
  'discovery-token',
  'discovery-token-ca-cert-hash',
  'discovery-token-unsafe-skip-ca-verification',
  'tls-bootstrap-token',
  'token',
];

export const joinKubeletStart: Phase<JoinContext> = {
  name: 'kubelet-start',
  summary: 'Write the kubelet configuration and start the kubelet',
  flags: ['config', 'cri-socket', 'node-name', ...discoveryFlags, 'patches', 'dry-run'],
  run: start,
};

async function start(ctx: JoinContext): Promise<PhaseOutcome> {
  const [{ credentials, clusterName, cluster }, earlier, facts] = await Promise.all([
    discover(ctx),
    readEarlierJoin(ctx),
    ctx.host.facts(),
  ]);
  const journal: JoinJournal = { format: 1, node: ctx.spec.node.name, pins: caPins(credentials.ca) };
  const bootstrap: Artifact = {
    path: paths.bootstrapKubeletConf,
    mode: 0o600,
    secret: true,
    body: bootstrapKubeconfig(
      { server: credentials.server, ca: credentials.ca, token: credentials.token ?? '', clusterName },
      cluster.version,
    ),
  };
  const changes = await ctx.host.write(
    [
      { path: joinJournalPath, mode: 0o600, body: `${JSON.stringify(journal, undefined, 2)}\n` },
      // A kubelet that has its own credentials needs no bootstrap token any more.
      ...(earlier.isJoined ? [] : [bootstrap]),
      { path: ctx.spec.caCertPath, mode: 0o644, body: credentials.ca },
      ...kubeletArtifacts({
        cluster,
        node: ctx.spec.node,
        host: { hostname: facts.hostname, isResolvedActive: facts.isResolvedActive },
        role: 'worker',
        patches: ctx.settings.patches,
      }),
    ],
    [
      { path: `${paths.state}/journal`, mode: 0o700 },
      { path: paths.manifests, mode: 0o700 },
      { path: paths.kubelet, mode: 0o700 },
    ],
  );
  const isUnchanged = changes.every(({ outcome }) => outcome === 'unchanged');
  if (isUnchanged && (await isKubeletActive(ctx.host))) return 'unchanged';
  await restartKubelet(ctx, 'kubelet-start');
  return 'done';
}
