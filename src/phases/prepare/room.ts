// Host prepare, phase room: before the first change, that what is to be installed has room (R19).
import { planBinaries } from '../../prepare/binaries.ts';
import { planImages } from '../../prepare/images.ts';
import { planPackages } from '../../prepare/packages.ts';
import { places } from '../../prepare/places.ts';
import { paths } from '../../kube/paths.ts';
import { KbError } from '../../errors.ts';
import { diskSpace } from '../../preflight/checks/disk-space.ts';
import { askFor, tellWarning } from '../../preflight/run.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { stateOf, type PrepareContext } from './context.ts';

const name = 'room';

export const room: Phase<PrepareContext> = {
  name,
  summary: 'Check free disk space',
  flags: ['role', 'kubernetes-version', 'repository', 'repository-key', 'unsigned-repository', 'binaries', 'offline'],
  run: look,
};

/** @throws KbError KB_DISK_FULL */
async function look(ctx: PrepareContext): Promise<PhaseOutcome> {
  const [folder, dataMiB] = [await programFolder(ctx), await imageMiB(ctx)];
  // A host that has everything is asked nothing more.
  if (folder === undefined && dataMiB === 0) return 'unchanged';
  const check = diskSpace({
    newPrograms: folder === undefined ? [] : [folder],
    data: [paths.kubelet, '/var/lib/containerd'],
    dataMiB,
  });
  const findings = check.run(await askFor(ctx.host, [[check]]));
  for (const finding of findings.filter(({ level }) => level === 'warning')) {
    tellWarning(finding, { host: ctx.host, reporter: ctx.reporter, phase: name });
  }
  const errors = findings.filter(({ level }) => level === 'error');
  if (errors.length === 0) return 'unchanged';
  throw new KbError(
    errors.map(({ text, fix }) => ({
      code: 'KB_DISK_FULL',
      summary: 'not enough free disk space',
      host: ctx.host.name,
      detail: `${text}; nothing was changed`,
      fix: `${fix}; or skip this check (--skip-phases=${name})`,
    })),
  );
}

/** What the images of a bundle take: containerd keeps them as they came and unpacked, and one archive lies beside them. */
async function imageMiB(ctx: PrepareContext): Promise<number> {
  const { actions } = planImages(await stateOf(ctx), ctx.spec);
  const sizes = actions.flatMap((action) =>
    action.kind === 'command' ? (action.uploads ?? []).map(({ source }) => source.size) : [],
  );
  const bytes = sizes.reduce((sum, size) => sum + size * 2, 0) + Math.max(0, ...sizes);
  return Math.ceil(bytes / 2 ** 20);
}

/** Where programs are about to be written; undefined where none are. */
async function programFolder(ctx: PrepareContext): Promise<string | undefined> {
  const [state, { spec }] = [await stateOf(ctx), ctx];
  if (planBinaries(state, spec).actions.length > 0) return places.binaries;
  return planPackages(state, spec).actions.length > 0 ? '/usr' : undefined;
}
