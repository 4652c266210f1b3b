// Doing a plan: the ledger first, then all files in one round trip, then the commands.
import { KbError, type Problem } from '../../errors.ts';
import type { Upload } from '../../host/host.ts';
import { fileEntries, type Action, type CommandAction, type FileAction, type Plan } from '../../prepare/action.ts';
import { places } from '../../prepare/places.ts';
import type { HostState } from '../../prepare/state.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { step, stopIfAsked, warn } from '../context.ts';
import { stateOf, type PrepareContext } from './context.ts';

/** A phase that is a plan and nothing else. */
export function planned(
  name: string,
  summary: string,
  plan: (state: HostState, spec: PrepareContext['spec']) => Plan,
  flags: readonly string[],
): Phase<PrepareContext> {
  return {
    name,
    summary,
    flags: [...flags, 'dry-run'],
    run: async (ctx) => perform(ctx, name, plan(await stateOf(ctx), ctx.spec)),
  };
}

/** Do it. @throws KbError KB_PREPARE_COMMAND, KB_LEDGER and those of host.write */
async function perform(ctx: PrepareContext, phase: string, plan: Plan): Promise<PhaseOutcome> {
  if (plan.refusal !== undefined) throw new KbError({ ...plan.refusal, host: ctx.host.name });
  for (const text of plan.warnings ?? []) warn(ctx, phase, text);
  for (const text of plan.notes ?? []) step(ctx, phase, text);
  const files = plan.actions.filter(isFile);
  const commands = plan.actions.filter(isCommand);
  if (plan.actions.length === 0) return 'unchanged';
  const entries = [...fileEntries(await stateOf(ctx), files), ...commands.flatMap(({ before }) => before)];
  for (const entry of entries) {
    if (entry.kind !== 'file' || entry.isMixed !== true || entry.edit !== undefined) continue;
    warn(ctx, phase, `${entry.path} was edited after kbinit wrote it: kbinit's text takes its place`);
  }
  await ctx.ledger.note(entries);
  // What is known of the host ends here; a dry run changes nothing and goes on with it.
  if (!ctx.spec.isDryRun) delete ctx.state;
  if (files.length > 0) await ctx.host.write(files.map(({ artifact }) => artifact));
  for (const action of commands) {
    stopIfAsked(ctx);
    await runAction(ctx, phase, action);
  }
  return 'done';
}

function isFile(action: Action): action is FileAction {
  return action.kind === 'file';
}

function isCommand(action: Action): action is CommandAction {
  return action.kind === 'command';
}

async function runAction(ctx: PrepareContext, phase: string, action: CommandAction): Promise<void> {
  step(ctx, phase, action.why);
  if (action.uploads !== undefined && action.uploads.length > 0) await send(ctx, action.uploads);
  const { code, stdout, stderr } = await ctx.host.run(action.command, action.why, { signal: ctx.signal, ...action.io });
  if (code === 0) return;
  const said = `${stdout}\n${stderr}`.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
  if (action.isOptional === true) {
    warn(ctx, phase, `${action.why}: ${said.at(-1) ?? `exit code ${code}`}`);
    return;
  }
  throw new KbError({
    code: codeOf(action, said),
    summary: `could not ${action.why}`,
    host: ctx.host.name,
    detail: `${said.at(-1) ?? `exit code ${code}`} (exit code ${code})`,
    fix: `fix this on ${ctx.host.name}${action.hint === undefined ? '' : ` (${action.hint})`}, then run again; \`kbinit host restore\` takes back what was changed until here`,
    evidence: said.slice(-6, -1),
  });
}

/** Into a folder of root's alone. */
async function send(ctx: PrepareContext, uploads: readonly Upload[]): Promise<void> {
  await ctx.host.write([], [{ path: places.staging, mode: 0o700 }]);
  for (const upload of uploads) {
    stopIfAsked(ctx);
    await ctx.host.upload(upload);
  }
}

function codeOf({ code = 'KB_PREPARE_COMMAND' }: CommandAction, said: readonly string[]): Problem['code'] {
  if (said.some((line) => /No space left|quota exceeded/i.test(line))) return 'KB_DISK_FULL';
  return code;
}
