// Phase kubeconfig: the credentials of the admin, the kubelet, the controller manager and the scheduler.
import { ensureKubeconfigs, kubeconfigFileNames } from '../../kubeconfig/files.ts';
import { newestVersion } from '../../kube/releases.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { claim, ownFiles } from './claim.ts';
import { warn, type InitContext } from '../context.ts';
import { outcomeOf } from './control-plane.ts';
import { readExisting, remember } from './existing.ts';
import { journalFolder } from '../journal.ts';
import { asKept, tellOpen } from '../kept.ts';

const flags = [
  'apiserver-advertise-address',
  'control-plane-endpoint',
  'apiserver-bind-port',
  'cert-dir',
  'config',
  'kubeconfig-dir',
  'kubernetes-version',
  'dry-run',
];

export const kubeconfig: Phase<InitContext> = {
  name: 'kubeconfig',
  summary: 'Write the kubeconfig files of the admin and the control plane',
  flags: [...flags, 'node-name'],
  phases: kubeconfigFileNames(newestVersion()).map((file) => {
    const name = file.replace(/\.conf$/, '');
    return { name, summary: `Write ${file}`, flags: name === 'kubelet' ? [...flags, 'node-name'] : flags };
  }),
  run: writeKubeconfigs,
};

async function writeKubeconfigs(ctx: InitContext, parts: readonly string[]): Promise<PhaseOutcome> {
  const existing = await readExisting(ctx);
  const made = await ensureKubeconfigs({
    cluster: ctx.spec.cluster,
    node: ctx.spec.node,
    localAPIEndpoint: ctx.spec.localAPIEndpoint,
    folder: ctx.settings.kubeconfigDir,
    only: parts,
    existing,
    chance: ctx.chance,
    now: ctx.startedAt,
    journal: await ownFiles(ctx),
  });
  for (const text of made.warnings) warn(ctx, 'kubeconfig', text);
  const [kept, journal] = [asKept(made.kept), await claim(ctx, made.artifacts)];
  const changes = await ctx.host.write(
    [...journal, ...made.artifacts, ...kept],
    [
      { path: journalFolder, mode: 0o700 },
      { path: ctx.settings.kubeconfigDir, mode: 0o755 },
    ],
  );
  tellOpen(ctx, 'kubeconfig', kept, changes);
  await remember(ctx, [...journal, ...made.artifacts]);
  return outcomeOf(changes);
}
