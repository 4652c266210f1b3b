// Join, phase control-plane-prepare: the keys that control planes share, this node's own certificates, its kubeconfigs
// and its static Pods, all in one round trip.
import { certificatePhaseNames } from '../../certs/plan.ts';
import { ensurePki } from '../../certs/pki.ts';
import type { Artifact } from '../../host/host.ts';
import { ensureKubeconfigs } from '../../kubeconfig/files.ts';
import { paths } from '../../kube/paths.ts';
import { count } from '../../util/text.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { step, warn, type ControlPlaneContext } from '../context.ts';
import type { JoinContext } from './context.ts';
import { controlPlaneArtifacts, outcomeOf } from '../init/control-plane.ts';
import { kubeconfigPaths, pkiPaths, readExisting, remember } from '../init/existing.ts';
import { journalFolder } from '../journal.ts';
import { asKept, tellOpen } from '../kept.ts';
import { endPodsOf } from '../init/replaced-pods.ts';
import { isControlPlane, onControlPlane } from './control-plane.ts';
import { discoveryFlags } from './discovery-flags.ts';
import { journalArtifact, journalOf, readEarlierJoin } from './previous-run.ts';
import { certificatesMissing, fetchShared, missingShared } from './shared-certificates.ts';

const name = 'control-plane-prepare';
const endpointFlags = ['apiserver-advertise-address', 'apiserver-bind-port'];
const certsFlags = ['certificate-key', 'certificate-key-file', 'copy-certs-from'];

export const controlPlanePrepare: Phase<JoinContext> = {
  name,
  summary: 'Prepare the host for a control plane: certificates, kubeconfigs, static Pods',
  flags: [
    'config',
    'control-plane',
    'node-name',
    ...endpointFlags,
    ...discoveryFlags,
    ...certsFlags,
    'patches',
    'dry-run',
  ],
  isPart: isControlPlane,
  phases: [
    {
      name: 'download-certs',
      summary: 'Fetch the keys that all control planes share',
      flags: ['config', 'control-plane', ...discoveryFlags, ...certsFlags, 'dry-run'],
    },
    {
      name: 'certs',
      summary: "Make this node's own certificates",
      flags: ['config', 'control-plane', 'node-name', 'apiserver-advertise-address', ...discoveryFlags, 'dry-run'],
    },
    {
      name: 'kubeconfig',
      summary: 'Write the kubeconfigs of the admin and the control plane',
      flags: ['config', 'control-plane', ...discoveryFlags, 'certificate-key', 'dry-run'],
    },
    {
      name: 'control-plane',
      summary: 'Write the static Pod manifests of the control plane',
      flags: ['config', 'control-plane', ...endpointFlags, 'patches', 'dry-run'],
    },
  ],
  run: onControlPlane(name, prepare),
};

async function prepare(
  ctx: JoinContext,
  node: ControlPlaneContext,
  parts: readonly string[],
): Promise<PhaseOutcome | void> {
  const journal = await journalArtifact(ctx, { makes: await makesOf(ctx, node) });
  const { makes = [], finishedAt } = await journalOf(ctx);
  // What is in the journal of an unfinished join is this join's own, half of a pair or not.
  const ours = new Set(finishedAt === undefined ? makes : []);
  const shared = parts.includes('download-certs') ? await fetchShared(ctx, node, (path) => ours.has(path)) : [];
  await remember(node, shared);
  const fetched = new Set(shared.map(({ path }) => path));
  const certificates = parts.includes('certs')
    ? (await makeCertificates(node, ours)).filter(({ path }) => !fetched.has(path))
    : [];
  await remember(node, certificates);
  const kubeconfigs = parts.includes('kubeconfig') ? await makeKubeconfigs(node, ours) : [];
  await remember(node, kubeconfigs);
  const manifests = parts.includes('control-plane') ? await controlPlaneArtifacts(node) : [];
  // The journal goes first: from then on a kill leaves proof of what this run was making.
  const changes = await node.host.write(
    [journal, ...shared, ...certificates, ...kubeconfigs, ...manifests],
    folders(node),
  );
  const kept = [...shared, ...certificates, ...kubeconfigs].filter(({ isKept }) => isKept === true);
  tellOpen(node, name, kept, changes);
  await remember(node, manifests);
  const pods = new Set(manifests.map(({ path }) => path));
  const podChanges = changes.filter(({ path }) => pods.has(path));
  const { isJoined } = await readEarlierJoin(ctx);
  // Only a kubelet that has never talked to its API server needs help with changed static Pods.
  if (!isJoined) await endPodsOf(node, name, podChanges);
  return outcomeOf(changes);
}

/** The files that did not exist when this join began. */
async function makesOf(ctx: JoinContext, node: ControlPlaneContext): Promise<readonly string[]> {
  const { makes } = await journalOf(ctx);
  if (makes !== undefined) return makes;
  const existing = await readExisting(node);
  return [...pkiPaths(node), ...kubeconfigPaths(node)].filter((path) => !existing.has(path));
}

/** Never a CA: those are what the node shares with the others. */
const ownCertificates = certificatePhaseNames.map((row) => row.name).filter((row) => !/(?:^|-)ca$/.test(row));

async function makeCertificates(node: ControlPlaneContext, ours: ReadonlySet<string>): Promise<readonly Artifact[]> {
  const existing = await readExisting(node);
  const missing = missingShared(node, existing);
  if (missing.length > 0) throw certificatesMissing(node, missing);
  const pki = await ensurePki({
    cluster: node.spec.cluster,
    node: node.spec.node,
    localAPIEndpoint: node.spec.localAPIEndpoint,
    only: ownCertificates,
    existing,
    chance: node.chance,
    now: node.startedAt,
    journal: ours,
  });
  for (const text of pki.warnings) warn(node, name, text);
  for (const { base, dnsNames, ipAddresses } of pki.items) {
    if (dnsNames !== undefined && ipAddresses !== undefined) {
      step(node, name, `${base} is valid for ${[...dnsNames, ...ipAddresses].join(', ')}`);
    }
  }
  const reused = pki.items.filter(({ name: row, outcome }) => row !== 'sa' && outcome === 'reused').length;
  if (reused > 0) step(node, name, `${count(reused, 'existing certificate')} kept`);
  return [...pki.artifacts, ...asKept(pki.kept)];
}

/** No super-admin.conf, which only the first control plane has, and no kubelet.conf, which the kubelet gets itself. */
const kubeconfigNames = ['admin', 'controller-manager', 'scheduler'];

async function makeKubeconfigs(node: ControlPlaneContext, ours: ReadonlySet<string>): Promise<readonly Artifact[]> {
  const made = await ensureKubeconfigs({
    cluster: node.spec.cluster,
    node: node.spec.node,
    localAPIEndpoint: node.spec.localAPIEndpoint,
    folder: node.settings.kubeconfigDir,
    only: kubeconfigNames,
    existing: await readExisting(node),
    chance: node.chance,
    now: node.startedAt,
    journal: ours,
  });
  for (const text of made.warnings) warn(node, name, text);
  return [...made.artifacts, ...asKept(made.kept)];
}

function folders({ spec }: ControlPlaneContext): readonly { readonly path: string; readonly mode: number }[] {
  const pki = spec.cluster.certificatesDir;
  return [
    { path: journalFolder, mode: 0o700 },
    { path: pki, mode: 0o755 },
    ...(spec.cluster.etcd.kind === 'local' ? [{ path: `${pki}/etcd`, mode: 0o755 }] : []),
    { path: paths.manifests, mode: 0o700 },
  ];
}
