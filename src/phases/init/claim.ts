// What a run of init leaves in the journal: a whole one that this host is its spec's, and when its cluster serves; a
// phase alone only which files it made.
import type { Artifact } from '../../host/host.ts';
import type { InitContext } from '../context.ts';
import { kubeconfigPaths, pkiPaths, readExisting, remember } from './existing.ts';
import {
  isCorrection,
  journalArtifact,
  journalFolder,
  journalPath,
  parseJournal,
  specDifferences,
  specIdentity,
  type Journal,
} from '../journal.ts';
import { isAsMade, parseMade, withMade } from './made.ts';
import { readJournal } from './serving.ts';

/** Paths of files that an unfinished run of this host's was making: half of a pair among them is made anew. */
export async function ownFiles(ctx: InitContext): Promise<ReadonlySet<string>> {
  const [existing, journal] = await Promise.all([readExisting(ctx), readJournal(ctx)]);
  const makes = journal?.finishedAt === undefined ? (journal?.makes ?? []) : [];
  const made = parseMade(existing.get(journalPath));
  return new Set([...makes, ...[...made.keys()].filter((path) => isAsMade(made, path, existing.get(path)))]);
}

/**
 * The journal's file for a batch that makes these; none where the journal says it already, and none of a whole init that
 * has made nothing yet: it may go through without a change on what phases made.
 */
export async function claim(ctx: InitContext, files: readonly Artifact[] = []): Promise<readonly Artifact[]> {
  const existing = await readExisting(ctx);
  const isAlone = ctx.settings.isPhaseAlone === true;
  if (files.length === 0 && (isAlone || parseJournal(existing.get(journalPath)) === undefined)) return [];
  const artifact = isAlone ? withMade(existing, files) : journalArtifact(await claimed(ctx));
  return existing.get(artifact.path) === artifact.body ? [] : [artifact];
}

/** The journal of this run: that of an earlier one goes on, with what this run corrects in it. */
async function claimed(ctx: InitContext): Promise<Journal> {
  const [existing, earlier, own] = await Promise.all([readExisting(ctx), readJournal(ctx), ownFiles(ctx)]);
  if (earlier?.finishedAt !== undefined) return earlier;
  if (earlier !== undefined) {
    const isCorrected = isCorrection(earlier, specDifferences(earlier, ctx));
    return { ...earlier, ...(isCorrected && { spec: specIdentity(ctx) }), finishes: 'serving' };
  }
  return {
    format: 1,
    spec: specIdentity(ctx),
    startedAt: ctx.startedAt.toISOString(),
    makes: [...pkiPaths(ctx), ...kubeconfigPaths(ctx)].filter((path) => !existing.has(path) || own.has(path)),
    finishes: 'serving',
    made: Object.fromEntries(parseMade(existing.get(journalPath))),
  };
}

/** The cluster serves: from now on another configuration is no correction, and its etcd holds what must not be lost. */
export async function finishJournal(ctx: InitContext): Promise<void> {
  const existing = await readExisting(ctx);
  // A phase alone finishes what a whole init began, and claims nothing itself.
  const journal = parseJournal(existing.get(journalPath));
  if (journal === undefined || journal.finishedAt !== undefined) return;
  const artifact = journalArtifact({ ...journal, finishedAt: ctx.clock.now().toISOString() });
  await ctx.host.write([artifact], [{ path: journalFolder, mode: 0o700 }]);
  await remember(ctx, [artifact]);
}
