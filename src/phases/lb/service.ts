// A service and its one configuration file: judged before it replaces the old one, loaded without a restart, and
// taken back when the service does not live with it.
import { KbError } from '../../errors.ts';
import type { Artifact } from '../../host/host.ts';
import { sh, type Shell } from '../../host/shell.ts';
import { TimedOut, until, type Attempt } from '../../util/until.ts';
import type { PhaseOutcome } from '../../workflow/phase.ts';
import { step } from '../context.ts';
import type { LbContext } from './context.ts';
import { findFile, type FoundFile, type ServiceFile } from './ownership-marker.ts';

export interface ServiceConfig extends ServiceFile {
  readonly body: string;
  /** Judges the candidate in $file; exit code 0 when it is good. */
  readonly judge: Shell;
  /** Whether the service does its work. */
  readonly works: () => Promise<Attempt<true>>;
}

/** A service that starts at all starts in a moment. */
const startSeconds = 10;

/** Bring the file and the service to what is wanted. @throws KbError KB_LB_FOREIGN, KB_LB_CONFIG, KB_LB_START */
export async function applyService(ctx: LbContext, wanted: ServiceConfig): Promise<PhaseOutcome> {
  const found = await findFile(ctx, wanted);
  if (found.text !== wanted.body) await judge(ctx, wanted);
  const { service } = wanted;
  const [before, isHalfDone] = await Promise.all([stateOf(ctx, service), isPending(ctx, service)]);
  const isNew = found.text !== wanted.body;
  const mark = isNew ? [{ path: pendingPath(service), mode: 0o600, body: '' }] : [];
  await ctx.host.write([...mark, ...backup(ctx, wanted, found), artifact(wanted)]);
  if (!before.isEnabled) {
    await ctx.host.run(sh`systemctl enable ${service}`, `start ${service} at boot`, { idempotent: true });
  }
  if (isNew || isHalfDone || !before.isActive) {
    await load(ctx, wanted, { isActive: before.isActive, previous: found.bytes });
    if (isNew || isHalfDone) await ctx.host.remove([pendingPath(service)], `${service} has its configuration`);
    return 'done';
  }
  return before.isEnabled ? 'unchanged' : 'done';
}

/** There while the file is new and the service does not know it: a run that was cut is known by it. Gone with a reboot. */
function pendingPath(service: string): string {
  return `/run/kbinit-${service}-pending`;
}

async function isPending(ctx: LbContext, service: string): Promise<boolean> {
  return (await ctx.host.read(pendingPath(service))) !== undefined;
}

function artifact({ path, body }: Pick<ServiceConfig, 'path' | 'body'>): Artifact {
  return { path, mode: 0o644, body };
}

/** A copy of somebody's work beside it; a second one on the same day does not take the first one's place. */
function backup(ctx: LbContext, { service, path }: ServiceFile, { bytes, isPrecious }: FoundFile): readonly Artifact[] {
  if (!isPrecious || bytes === undefined) return [];
  const time = ctx.startedAt.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const copy = `${path}.${time}`;
  step(ctx, service, `${path} is kept as ${copy}`);
  return [{ ...artifact({ path: copy, body: bytes }), encoding: 'latin1' }];
}

/** Ask the service's own program, with a copy that only root sees. */
async function judge(ctx: LbContext, { service, path, body, judge: command }: ServiceConfig): Promise<void> {
  const { code, stdout, stderr } = await ctx.host.probe(
    sh`
command -v ${service} >/dev/null || exit 127
umask 077
folder=$(mktemp -d /run/kbinit.XXXXXXXXXX) || exit 126
trap 'rm -rf -- "$folder"' EXIT
# It is named as host/stage.ts names its own, which sweeps what is not locked.
exec 9<"$folder"
! command -v flock >/dev/null || flock -n 9
file=$folder/candidate
cat >"$file" || exit 126
${command}
`,
    { stdin: body },
  );
  if (code === 0) return;
  if (code === 127 && ctx.spec.isDryRun) {
    step(ctx, service, `${service} is not installed yet: its configuration could not be checked`);
    return;
  }
  const said = `${stderr}\n${stdout}`.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
  throw new KbError({
    code: 'KB_LB_CONFIG',
    summary: `${service} refuses the configuration`,
    host: ctx.host.name,
    detail: `${said.find((line) => /ALERT|error|unknown/i.test(line)) ?? said.at(-1) ?? `exit code ${code}`}; ${path} was not touched`,
    fix: `check the message of ${service} against the flags, and its version on the host (1.5 is the oldest haproxy that will do)`,
    evidence: said.slice(0, 6),
  });
}

interface ServiceState {
  readonly isActive: boolean;
  readonly isEnabled: boolean;
}

async function stateOf(ctx: LbContext, service: string): Promise<ServiceState> {
  const { stdout } = await ctx.host.probe(
    sh`systemctl is-active ${service} 2>/dev/null; systemctl is-enabled ${service} 2>/dev/null; true`,
  );
  const [active, enabled] = stdout.split('\n');
  return { isActive: active === 'active', isEnabled: enabled === 'enabled' };
}

interface Before {
  readonly isActive: boolean;
  /** A byte a character. */
  readonly previous: string | undefined;
}

/** Load the new file; a service that does not live with it gets the old one back. */
async function load(ctx: LbContext, wanted: ServiceConfig, before: Before): Promise<void> {
  const { service } = wanted;
  // A reload keeps every connection; there is none to keep where nothing runs.
  const verb = before.isActive ? 'reload' : 'restart';
  const result = await ctx.host.run(sh`systemctl ${verb} ${service}`, `${verb} ${service}`, { idempotent: true });
  if (ctx.spec.isDryRun) return;
  try {
    if (result.code !== 0) throw new TimedOut(service, result.stderr.trim().split('\n')[0] ?? '', 0);
    await until(`${service} to work`, { timeoutSeconds: startSeconds, signal: ctx.signal }, async () =>
      (await stateOf(ctx, service)).isActive ? wanted.works() : { notYet: `${service} is not active` },
    );
  } catch (error) {
    if (!(error instanceof TimedOut)) throw error;
    const evidence = await journal(ctx, service);
    await takeBack(ctx, wanted, before);
    throw notStarted(ctx, wanted, before, { last: error.last, evidence });
  }
}

async function takeBack(ctx: LbContext, { service, path }: ServiceConfig, before: Before): Promise<void> {
  if (before.previous === undefined) await ctx.host.remove([path], 'take the new configuration back');
  else await ctx.host.write([{ ...artifact({ path, body: before.previous }), encoding: 'latin1' }]);
  const verb = before.isActive ? 'reload-or-restart' : 'stop';
  await ctx.host.run(sh`systemctl ${verb} ${service}`, 'restore the previous service', { idempotent: true });
  await ctx.host.remove([pendingPath(service)], 'nothing is half done');
}

async function journal(ctx: LbContext, service: string): Promise<readonly string[]> {
  const { stdout } = await ctx.host.probe(sh`journalctl -u ${service} -n 12 -o cat --no-pager 2>/dev/null; true`);
  return stdout.split('\n').filter((line) => line.trim() !== '');
}

function notStarted(
  ctx: LbContext,
  { service, path }: ServiceConfig,
  { previous }: Before,
  seen: { readonly last: string; readonly evidence: readonly string[] },
): KbError {
  return new KbError({
    code: 'KB_LB_START',
    summary: `${service} does not work with the new configuration`,
    host: ctx.host.name,
    detail: `${seen.last}; ${path} is ${previous === undefined ? 'removed again' : 'as it was before'}`,
    fix: `check the log of ${service} (journalctl -u ${service}), fix the error, and run again`,
    evidence: seen.evidence.slice(-8),
  });
}
