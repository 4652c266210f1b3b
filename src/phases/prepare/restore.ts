// `kbinit host restore`: what the ledger has goes back to its place, unless somebody changed it since.
import { KbError } from '../../errors.ts';
import type { LedgerEntry } from '../../host/ledger.ts';
import { script, sh } from '../../host/shell.ts';
import { paths } from '../../kube/paths.ts';
import { places } from '../../prepare/places.ts';
import { planRestore, restoreQuestions, type RestoreStep, type RestoreView } from '../../prepare/restore.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { step, stopIfAsked, warn, type RunContext } from '../context.ts';
import { journalFolder } from '../journal.ts';

export interface RestoreContext extends RunContext {
  readonly spec: { readonly isForced: boolean; readonly isDryRun: boolean; readonly skipPhases: readonly string[] };
  /** It follows a reset: the host is in no cluster any more. */
  readonly isReset?: true;
  readonly ledgerFiles: {
    readonly folder: string;
    readonly path: string;
    readonly copyPath: (index: number) => string;
    readonly parse: (host: string, text: string | undefined) => readonly LedgerEntry[];
  };
}

/** One phase: it is done, or it is not. */
export const restorePhases: readonly Phase<RestoreContext>[] = [
  { name: 'restore', summary: 'Undo what host prepare changed', run: restore },
];

async function restore(ctx: RestoreContext): Promise<PhaseOutcome> {
  const files = await ctx.host.readAll([ctx.ledgerFiles.path, paths.kubeletConf]);
  const text = files.get(ctx.ledgerFiles.path);
  if (text === undefined) {
    step(ctx, 'restore', 'no ledger found: kbinit has not prepared this host, or it was restored');
    return 'unchanged';
  }
  const entries = ctx.ledgerFiles.parse(ctx.host.name, text);
  if (files.has(paths.kubeletConf) && ctx.isReset !== true && !ctx.spec.isForced) throw inUse(ctx.host.name);
  const { steps, changed } = planRestore(await look(ctx, entries), ctx.spec.isForced);
  if (changed.length > 0 && !ctx.spec.isForced) throw changedSince(ctx.host.name, changed);
  for (const sentence of changed) warn(ctx, 'restore', sentence);
  for (const one of steps) {
    stopIfAsked(ctx);
    await perform(ctx, one);
  }
  const { folder } = ctx.ledgerFiles;
  const own = [folder, places.staging];
  await ctx.host.remove([places.uploads, ...own.map((path) => `${path}/`)], 'forget the ledger');
  const forget = sh`rmdir --ignore-fail-on-non-empty -- ${[...own, journalFolder, paths.state]} 2>/dev/null; true`;
  await ctx.host.run(forget, 'forget the ledger');
  return 'done';
}

const looker = script`
sha256sum -- "$@" 2>/dev/null
true
`;

async function look(ctx: RestoreContext, entries: readonly LedgerEntry[]): Promise<RestoreView> {
  const { copyPath } = ctx.ledgerFiles;
  const asked = restoreQuestions(entries, copyPath);
  const keys = asked.sysctls.map((key) => ({ key, path: `/proc/sys/${key.replaceAll('.', '/')}` }));
  const [{ stdout }, texts] = await Promise.all([
    ctx.host.probe(sh`set -- ${asked.sums}; [ $# -eq 0 ] || ${looker}`, { timeoutSeconds: 120 }),
    // As bytes: a file of others may be no UTF-8, and goes back as it is but for kbinit's lines.
    ctx.host.readAll([...asked.texts, ...keys.map(({ path }) => path)], 'latin1'),
  ]);
  const sums = [...stdout.matchAll(/^([0-9a-f]{64}) [ *](.*)$/gm)].map(
    ([, sum = '', path = '']) => [path, sum] as const,
  );
  return {
    entries,
    copyPath,
    sums: new Map(sums),
    texts,
    sysctls: new Map(keys.flatMap(({ key, path }) => (texts.has(path) ? [[key, (texts.get(path) ?? '').trim()]] : []))),
  };
}

async function perform(ctx: RestoreContext, one: RestoreStep): Promise<void> {
  step(ctx, 'restore', one.why);
  if (one.kind === 'write') {
    const { stdout } = await ctx.host.probe(sh`stat -c %a -- ${one.path}`);
    const mode = Number.parseInt(stdout, 8) || 0o644;
    await ctx.host.write([{ path: one.path, body: one.body, mode, encoding: 'latin1' }]);
    return;
  }
  const { code, stdout, stderr } = await ctx.host.run(one.command, one.why, {
    timeoutSeconds: one.seconds ?? 120,
    ...(one.shown !== undefined && { shown: one.shown }),
  });
  if (code === 0) return;
  const said = `${stdout}\n${stderr}`.trim().split('\n').at(-1) || `exit code ${code}`;
  if (one.isOptional === true) {
    warn(ctx, 'restore', `could not ${one.why}: ${said}`);
    return;
  }
  throw new KbError({
    code: 'KB_RESTORE',
    summary: `could not ${one.why}`,
    host: ctx.host.name,
    detail: said,
    fix: 'fix this, then run `kbinit host restore` again: it continues where it stopped',
  });
}

function inUse(host: string): KbError {
  return new KbError({
    code: 'KB_RESTORE_IN_USE',
    summary: 'the host is part of a cluster',
    host,
    detail: `${paths.kubeletConf} exists: init or join has been here`,
    fix: 'run `kbinit reset --host-changes`, which takes it out of the cluster first; or give --force',
  });
}

function changedSince(host: string, changed: readonly string[]): KbError {
  return new KbError({
    code: 'KB_RESTORE_CHANGED',
    summary: 'something was changed after kbinit prepared the host, so nothing is put back',
    host,
    detail: changed.join('; '),
    fix: 'keep what you need of it elsewhere, then give --force: what was there before kbinit comes back',
    evidence: changed,
  });
}
