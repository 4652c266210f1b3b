// Phase etcd: the static Pod of a local etcd and its data folder.
import { etcdPod } from '../../manifests/etcd.ts';
import { staticPodArtifact, type PodContext } from '../../manifests/pod.ts';
import { paths } from '../../kube/paths.ts';
import type { LocalEtcd } from '../../config/spec.ts';
import type { Artifact, Directory } from '../../host/host.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import type { ControlPlaneContext, InitContext } from '../context.ts';
import { outcomeOf, podContext } from './control-plane.ts';
import { remember } from './existing.ts';
import { endReplacedPods } from './replaced-pods.ts';

const flags = ['cert-dir', 'config', 'image-repository', 'patches', 'dry-run'];

export const etcd: Phase<InitContext> = {
  name: 'etcd',
  summary: 'Write the static Pod manifest of a local etcd',
  flags,
  phases: [{ name: 'local', summary: 'Write the manifest of a single-member local etcd', flags }],
  skip: (ctx) => (ctx.spec.cluster.etcd.kind === 'external' ? 'etcd is external' : undefined),
  run: writeEtcd,
};

async function writeEtcd(ctx: InitContext): Promise<PhaseOutcome> {
  const { etcd: wanted } = ctx.spec.cluster;
  if (wanted.kind === 'external') return 'unchanged';
  const artifacts = await etcdArtifacts(ctx);
  const changes = await ctx.host.write(artifacts, [{ path: paths.manifests, mode: 0o700 }, ...etcdFolders(wanted)]);
  await remember(ctx, artifacts);
  await endReplacedPods(ctx, 'etcd', changes);
  return outcomeOf(changes);
}

/** The data folder; kubeadm makes missing parents of it for root alone too (Go's MkdirAll). */
export function etcdFolders({ dataDir }: LocalEtcd): readonly Directory[] {
  const parts = dataDir.split('/').filter((part) => part !== '');
  return parts.map((_, index) => ({ path: `/${parts.slice(0, index + 1).join('/')}`, mode: 0o700 }));
}

/** The manifest; none with external etcd. `initialCluster` are the members of the cluster that is joined. */
export async function etcdArtifacts(
  ctx: ControlPlaneContext,
  initialCluster: PodContext['initialCluster'] = [],
): Promise<readonly Artifact[]> {
  if (ctx.spec.cluster.etcd.kind === 'external') return [];
  return [staticPodArtifact(etcdPod({ ...(await podContext(ctx)), initialCluster }), ctx.settings.patches)];
}
