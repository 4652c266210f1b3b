// Phase control-plane: the static Pods of the API server, the controller manager and the scheduler.
import { apiserverPod } from '../../manifests/apiserver.ts';
import { controllerManagerPod } from '../../manifests/controller-manager.ts';
import { schedulerPod } from '../../manifests/scheduler.ts';
import { staticPodArtifact, type PodContext } from '../../manifests/pod.ts';
import { paths } from '../../kube/paths.ts';
import type { Artifact, Change } from '../../host/host.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { claim } from './claim.ts';
import type { ControlPlaneContext, InitContext } from '../context.ts';
import { readExisting, remember } from './existing.ts';
import { journalFolder, journalPath } from '../journal.ts';
import { endReplacedPods } from './replaced-pods.ts';

const flags = ['config', 'cert-dir', 'kubernetes-version', 'image-repository', 'patches', 'dry-run'];
const apiserverFlags = [
  'apiserver-advertise-address',
  'control-plane-endpoint',
  'apiserver-bind-port',
  'apiserver-extra-args',
  'feature-gates',
  'service-cidr',
];
const controllerManagerFlags = ['controller-manager-extra-args', 'pod-network-cidr'];
const schedulerFlags = ['scheduler-extra-args'];

const pods = {
  apiserver: apiserverPod,
  'controller-manager': controllerManagerPod,
  scheduler: schedulerPod,
} as const;

export const controlPlane: Phase<InitContext> = {
  name: 'control-plane',
  summary: 'Write the static Pod manifests of the control plane',
  flags: [...flags, ...apiserverFlags, ...controllerManagerFlags, ...schedulerFlags],
  phases: [
    { name: 'apiserver', summary: 'Write the manifest of kube-apiserver', flags: [...flags, ...apiserverFlags] },
    {
      name: 'controller-manager',
      summary: 'Write the manifest of kube-controller-manager',
      flags: [...flags, ...controllerManagerFlags],
    },
    { name: 'scheduler', summary: 'Write the manifest of kube-scheduler', flags: [...flags, ...schedulerFlags] },
  ],
  run: writeControlPlane,
};

async function writeControlPlane(ctx: InitContext, parts: readonly string[]): Promise<PhaseOutcome> {
  const artifacts = await controlPlaneArtifacts(ctx, parts);
  const existing = await readExisting(ctx);
  const isNew = artifacts.filter(({ path, body }) => existing.get(path) !== body);
  const journal = ctx.settings.isPhaseAlone === true ? [] : await claim(ctx, isNew);
  const folders = journal.length > 0 ? [{ path: journalFolder, mode: 0o700 }] : [];
  const changes = await ctx.host.write(
    [...journal, ...artifacts],
    [...folders, { path: paths.manifests, mode: 0o700 }],
  );
  await remember(ctx, [...journal, ...artifacts]);
  await endReplacedPods(ctx, 'control-plane', changes);
  return outcomeOf(changes);
}

/** The manifests of the named parts; all three without names. */
export async function controlPlaneArtifacts(
  ctx: ControlPlaneContext,
  parts: readonly string[] = Object.keys(pods),
): Promise<readonly Artifact[]> {
  const context = await podContext(ctx);
  return Object.entries(pods)
    .filter(([part]) => parts.includes(part))
    .map(([, pod]) => staticPodArtifact(pod(context), ctx.settings.patches));
}

/** What the manifests are rendered from. */
export async function podContext(ctx: ControlPlaneContext): Promise<PodContext> {
  const { caDirectories, proxyEnvironment } = await ctx.host.facts();
  const existing = await readExisting(ctx);
  const { certificatesDir } = ctx.spec.cluster;
  return {
    cluster: ctx.spec.cluster,
    node: ctx.spec.node,
    endpoint: ctx.spec.localAPIEndpoint,
    timeouts: ctx.spec.timeouts,
    host: { caDirectories, proxyEnvironment },
    isExternalCA: existing.has(`${certificatesDir}/ca.crt`) && !existing.has(`${certificatesDir}/ca.key`),
  };
}

/** `unchanged` when no file was; the journal is a note about them. */
export function outcomeOf(changes: readonly Change[]): PhaseOutcome {
  return changes.every(({ path, outcome }) => outcome === 'unchanged' || path === journalPath) ? 'unchanged' : 'done';
}
