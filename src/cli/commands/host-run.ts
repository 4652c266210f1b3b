// What `kbinit host prepare` and `restore` do: judge the flags, reach the hosts, run the phases on each.
import type { HostView } from '../../host/host.ts';
import { KbError, type Problem } from '../../errors.ts';
import {
  copyPath,
  ledgerFolder,
  ledgerPath,
  openLedger,
  parseKeptFlags,
  parseLedger,
  silentLedger,
} from '../../host/ledger.ts';
import { stateOf, type PrepareContext } from '../../phases/prepare/context.ts';
import { networkLeftovers } from '../../phases/prepare/leftovers.ts';
import { preparePhases } from '../../phases/prepare/index.ts';
import { restorePhases, type RestoreContext } from '../../phases/prepare/restore.ts';
import { assertOneSource, readPrepare, type PrepareFiles, type PrepareFlags } from '../../prepare/flags.ts';
import { forgottenFlags, keptWords, withKept, type Asked } from '../../prepare/kept.ts';
import { entriesFor, type SurveyedHost } from '../../prepare/names.ts';
import type { PrepareSpec } from '../../prepare/spec.ts';
import { systemRandomSource, systemClock } from '../../util/keygen.ts';
import { selectPhases } from '../../workflow/select.ts';
import { nextStep } from './host-next.ts';
import { readBundle, readProgramFolder } from '../run/local-programs.ts';
import { readInput } from '../run/prompt.ts';
import {
  assertDifferent,
  atOnce,
  failuresOf,
  onEach,
  unlessTaken,
  withHosts,
  type Failure,
  type Hosts,
} from '../run/fan-out.ts';
import type { Reached } from '../run/reach.ts';
import { noticeOf, type ConnectionOptions, type Session } from '../run/session.ts';
import { parseTarget } from '../run/target.ts';
import { runWorkflow } from '../run/workflow.ts';

export interface PrepareOptions extends PrepareFlags, Omit<ConnectionOptions, 'host'> {
  /** One where a phase was asked for by its name. */
  readonly host?: string | readonly string[];
}

export interface RestoreOptions extends Omit<ConnectionOptions, 'host'> {
  readonly host?: readonly string[];
  readonly force?: boolean;
}

/** Prepare hosts, or run one phase on them. @throws KbError for bad input, ReportedError for a failed run */
export async function runPrepare(options: PrepareOptions, only?: string): Promise<void> {
  const { host = [], ...rest } = options;
  const hosts = typeof host === 'string' ? [host] : host;
  for (const target of hosts) parseTarget(target);
  assertOneSource(options);
  const asked: Asked = { flags: options, files: await localFiles(options) };
  const forgotten = forgottenFlags(options.forget ?? []);
  const spec = readPrepare(asked.flags, asked.files);
  selectPhases(preparePhases, { ...(only === undefined ? {} : { only }), skip: spec.skipPhases });
  if (spec.hostname !== undefined && hosts.length > 1) throw new KbError(oneName());
  assertDifferent(hosts);
  const command = only === undefined ? 'host prepare' : `host prepare phase ${only}`;
  const work = async ({ session, each }: Hosts): Promise<readonly Failure<string>[]> => {
    const surveyed = await each(async (reached) => {
      const ctx = await withLastFlags(contextOf(session, reached, spec), asked, forgotten);
      return { ctx, reached };
    });
    const known = surveyed.flatMap((one) => ('value' in one ? [{ target: one.item, ...one.value }] : []));
    const own = hosts.length > 1 ? entriesFor(await surveyedHosts(known.map(({ ctx }) => ctx)), spec) : [];
    const entries = [...spec.hosts, ...own];
    // A plan is read host by host.
    const ran = await onEach(spec.isDryRun ? 1 : atOnce, known, ({ ctx, reached }) =>
      unlessTaken(reached, prepareOne({ ...ctx, spec: { ...ctx.spec, hosts: entries } }, only)),
    );
    const failed = failuresOf(ran).map(({ item, problems }) => ({ item: item.target, problems }));
    const failures = [...failuresOf(surveyed), ...failed];
    const isReady = failures.length === 0 && only === undefined && !spec.isDryRun;
    if (isReady) session.print(nextStep(known[0]?.ctx.spec ?? spec, { ...rest, hosts }));
    return failures;
  };
  await withHosts(command, { options: rest, hosts }, work, noticeOf(only));
}

/** What the flags name on this machine, judged before any host is touched. @throws KbError KB_BINARY, KB_BUNDLE, KB_FILE */
async function localFiles({ binaries, offline, repositoryKey = [] }: PrepareOptions): Promise<PrepareFiles> {
  const keys = repositoryKey.map((path) => readInput(path, 'repository-key').toString('utf8'));
  return {
    ...(keys.length > 0 && { repositoryKeys: keys }),
    ...(binaries !== undefined && { binaries: await readProgramFolder(binaries) }),
    ...(offline !== undefined && (await readBundle(offline))),
  };
}

type HostContext = PrepareContext & { readonly reachedAddress?: string };

function contextOf(session: Session<HostView>, reached: Reached, spec: PrepareSpec): HostContext {
  return {
    ...session,
    ...reached,
    chance: systemRandomSource(),
    clock: systemClock,
    ignorePreflightErrors: new Set(),
    spec,
    ledger: spec.isDryRun ? silentLedger() : openLedger(reached.host),
    readLedger: (text) => parseLedger(reached.host.name, text),
  };
}

async function prepareOne(ctx: HostContext, only: string | undefined): Promise<void> {
  await runWorkflow(preparePhases, ctx, only);
  await ctx.ledger.save();
}

/** The host's own context: what is not given now is as it was given last time. @throws KbError KB_LEDGER, KB_CONFIG */
async function withLastFlags(first: HostContext, asked: Asked, forgotten: ReadonlySet<string>): Promise<HostContext> {
  const host = first.host.name;
  const state = await stateOf(first);
  try {
    const kept = parseKeptFlags(host, state.texts.get(ledgerPath));
    const { asked: whole, used, formerMirrors, next } = withKept(asked, kept, forgotten);
    first.ledger.remember(next, kept);
    if (Object.keys(used).length === 0 && formerMirrors.length === 0) return first;
    if (Object.keys(used).length > 0) tellUsed(first, `was given last time: ${keptWords(used)}`);
    const { state: _, ...rest } = first;
    // It is asked about other things now.
    const ctx: HostContext = { ...rest, spec: { ...readPrepare(whole.flags, whole.files), formerMirrors } };
    await stateOf(ctx);
    return ctx;
  } catch (error) {
    throw error instanceof KbError ? error.within({ host }) : error;
  }
}

function tellUsed({ reporter, spec, host: { name: host } }: HostContext, text: string): void {
  reporter.emit(spec.isDryRun ? { kind: 'plan', host, action: 'note', text } : { kind: 'warning', host, text });
}

/** Each host as it says it is. */
async function surveyedHosts(contexts: readonly HostContext[]): Promise<readonly SurveyedHost[]> {
  return Promise.all(
    contexts.map(async (ctx) => ({
      host: ctx.host.name,
      reachedAddress: ctx.reachedAddress,
      state: await stateOf(ctx),
    })),
  );
}

function oneName(): Problem {
  return {
    code: 'KB_CONFIG',
    summary: 'invalid command line',
    detail: '--hostname: more than one --host is given',
    fix: 'name each host in a run of its own, then prepare all of them at once',
  };
}

/** Restore hosts. @throws KbError for bad input, ReportedError for a failed run */
export async function runRestore({ host: hosts = [], ...options }: RestoreOptions): Promise<void> {
  assertDifferent(hosts);
  const how = { isForced: options.force === true, isDryRun: options.dryRun === true };
  const work = async ({ session, each }: Hosts): Promise<readonly Failure<string>[]> =>
    failuresOf(
      await each((reached) => runWorkflow(restorePhases, restoreContext({ ...session, ...reached }, how), undefined)),
    );
  const yes = options.yes === true || how.isForced;
  await withHosts('host restore', { options: { ...options, yes }, hosts }, work, 'ask');
}

/** What a reset with --host-changes does behind its own phases. */
export async function undoHostChanges(session: Session, isDryRun: boolean, isForced: boolean): Promise<void> {
  // Of a dry run nothing has been reset yet: that the host is in a cluster is no reason to stop.
  const ctx = restoreContext(session, { isForced, isDryRun });
  await runWorkflow([networkLeftovers, ...restorePhases], { ...ctx, isReset: true }, undefined);
}

function restoreContext(
  session: Session,
  { isForced, isDryRun }: { readonly isForced: boolean; readonly isDryRun: boolean },
): RestoreContext {
  return {
    ...session,
    chance: systemRandomSource(),
    clock: systemClock,
    ignorePreflightErrors: new Set(),
    spec: { isForced, isDryRun, skipPhases: [] },
    ledgerFiles: { folder: ledgerFolder, path: ledgerPath, copyPath, parse: parseLedger },
  };
}
