// One run of a command: its host, its reporters, its log, its limits, and how it ends.
import { hostname } from 'node:os';
import { exitCode, KbError } from '../../errors.ts';
import type { Host, HostView } from '../../host/host.ts';
import { isLockedOut, type HostLock } from '../../host/lock.ts';
import type { Reporter } from '../../report/events.ts';
import { openLogFile } from '../../report/log-file.ts';
import { watchPhases } from '../../report/open-phases.ts';
import { planView } from '../../report/plan.ts';
import { addSecret } from '../../report/redact.ts';
import { teeReporter } from '../../report/tee.ts';
import { untilVerdict } from '../../report/verdict.ts';
import { printable } from '../../util/invisible.ts';
import { sleep } from '../../util/retry.ts';
import { deadlineGrace, readLimit, startDeadline, unlessOverdue } from './deadline.ts';
import { tellFailure } from './failure.ts';
import { watchSignals, type Interrupt } from './interrupt.ts';
import { catchUncaught } from './last-resort.ts';
import { printerOf } from '../output/printer.ts';
import { askYesNo } from './prompt.ts';
import { openHosts, type HostFor, type HostUse, type Reached } from './reach.ts';
import { passwordsOf, resumeCommand } from './resume.ts';
import { ReportedError } from './reported-error.ts';
import { openSsh, type SshFlags, type SshSession } from './ssh-session.ts';
import { suggesting, suggestionsOf, type Suggestions } from './suggest.ts';
import { parseTarget } from './target.ts';
import { assertConfirmed, thisMachine } from './this-machine.ts';
import { aside, openView, type ViewOptions } from './view.ts';

/** The flags that every command has, as commander gives them. */
export interface ConnectionOptions extends SshFlags, ViewOptions {
  /** The words of the command line, as they were typed. */
  readonly commandLine?: readonly string[];
  readonly host?: string;
  /** Of a command for several, which are reached one by one. */
  readonly hosts?: readonly string[];
  readonly dryRun?: boolean;
  /** The form of a dry run's plan. */
  readonly planOutput?: string;
  /** What the command may go through. */
  readonly phases?: readonly string[];
  /** False for a command whose answer is another one in a dry run too. */
  readonly hasPlan?: boolean;
  /** A Go duration: the limit of the whole run. */
  readonly deadline?: string;
  /** Skips the question about this machine. */
  readonly yes?: boolean;
}

/** What a command that changes the machine it works on says where that is this one: its name, and a question too. */
export type LocalNotice = 'name' | 'ask';

/** Of a whole command, or one of its phases: a phase is what somebody asked for who knows where. */
export function noticeOf(only: string | undefined): LocalNotice | undefined {
  if (only === undefined) return 'ask';
  return only === 'preflight' ? undefined : 'name';
}

export interface Session<H extends HostView = Host> extends Reached<H> {
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  readonly startedAt: Date;
  readonly resumeCommand: string;
  readonly print: (text: string) => void;
  /** A yes/no question; false when nobody answers. */
  readonly ask: (question: string) => Promise<boolean>;
  /** What suggested commands carry. */
  readonly suggestions: Suggestions;
  /** How hosts are reached over SSH. */
  readonly ssh: SshSession;
  /** Connect to one more host (`[user@]address[:port]`) with this command's flags; it is closed with the session. */
  readonly reach: <U extends HostUse>(target: string, use: U) => Promise<Reached<HostFor<U>>>;
}

/** Run a command's body with everything it needs, and close it all again. @throws ReportedError */
export async function withSession<U extends HostUse>(
  command: string,
  options: ConnectionOptions,
  use: U,
  body: (session: Session<HostFor<U>>) => Promise<void>,
  notice?: LocalNotice,
): Promise<void> {
  const start = performance.now();
  const { commandLine = [] } = options;
  for (const password of passwordsOf(commandLine)) addSecret(password);
  const limit = readLimit(options.deadline);
  const target = options.host === undefined ? undefined : parseTarget(options.host);
  const name = target?.address ?? hostname();
  const render = await planPrinter(options);
  const view = openView(options);
  const print = (text: string): void => {
    view.pause();
    process.stdout.write(printable(text));
    view.resume();
  };
  const isPlanned = options.dryRun === true && options.hasPlan !== false;
  const plan = isPlanned ? planView({ print, verbose: (options.v ?? 0) > 0, ...(render && { render }) }) : undefined;
  const log = openLogFile({
    environment: process.env,
    onFailure: (text) => view.reporter.emit({ kind: 'warning', host: name, text }),
  });
  const suggestions = suggestionsOf(options);
  const shown = untilVerdict(plan === undefined ? view.reporter : teeReporter(view.reporter, plan));
  const phases = watchPhases(teeReporter(shown, log.reporter));
  const reporter = suggesting(phases, suggestions);
  const isHere = notice !== undefined && target === undefined && options.hosts === undefined;
  const ownCommand = resumeCommand(commandLine);
  const interrupt = watchSignals(reporter, name, {
    open: () => phases.open,
    resumeCommand: ownCommand,
    startedAt: start,
  });
  const lastResort = catchUncaught();
  reporter.emit({
    kind: 'run-start',
    command,
    hosts: options.hosts?.map((one) => parseTarget(one).address) ?? [name],
    ...(isHere ? { machine: thisMachine(options.rootfs) } : {}),
    ...(options.phases === undefined ? {} : { phases: options.phases }),
    ...(options.dryRun === true ? { isDryRun: true } : {}),
    ...(log.path === undefined ? {} : { logPath: log.path }),
  });
  let code: number = exitCode.done;
  const { signal } = interrupt;
  const deadline = startDeadline(limit, { abort: interrupt.abort, reporter, host: name, resumeCommand: ownCommand });
  const ssh = openSsh(options, { reporter, signal, name, aside: (talk) => aside(view, talk) });
  const hosts = openHosts({
    reporter,
    signal,
    overdue: deadline.overdue,
    ssh,
    isDryRun: options.dryRun === true,
    name,
    rootfs: options.rootfs,
    command: ownCommand,
  });
  try {
    const ask = (question: string): Promise<boolean> => aside(view, () => askYesNo(question, signal));
    if (isHere && notice === 'ask' && options.dryRun !== true && options.yes !== true) {
      await assertConfirmed(command, name, ask);
    }
    const first = await Promise.race([unlessOverdue(hosts.reach(target, use), deadline), lastResort.failed]);
    const running = body({
      ...first,
      ...(options.host === undefined ? {} : { operator: suggestions.operator(options.host) }),
      ssh,
      suggestions,
      reach: async (to, hostUse) => {
        suggestions.learn(to);
        return { ...(await hosts.reach(parseTarget(to), hostUse)), operator: suggestions.operator(to) };
      },
      reporter,
      signal,
      startedAt: new Date(),
      resumeCommand: ownCommand,
      // A plan in another form is the whole answer.
      print: isPlanned && render !== undefined ? () => undefined : print,
      ask,
    });
    await Promise.race([unlessLocked(first.lock, unlessOverdue(running, deadline), interrupt), lastResort.failed]);
  } catch (error) {
    code = tellFailure(error, name, reporter, { signal, deadline });
    // Work that still goes on is told to stop.
    if (code === exitCode.bug) interrupt.abort();
  } finally {
    interrupt.stop();
    deadline.clear();
    if (code !== exitCode.done) {
      // What runs aside is called off, and has no say after the verdict.
      shown.close();
      interrupt.abort();
    }
    const closed = hosts.close();
    // A host that hangs does not answer to that either.
    await (deadline.hasPassed() ? Promise.race([closed, sleep(deadlineGrace.close)]) : closed);
    plan?.end(code === exitCode.done);
    reporter.emit({ kind: 'run-end', exitCode: code, seconds: (performance.now() - start) / 1000 });
    log.close();
    lastResort.stop();
  }
  // What still waits for a host that hangs ends with the process.
  if (deadline.hasPassed() || code === exitCode.bug) setTimeout(() => process.exit(code), 200).unref();
  if (code !== exitCode.done) throw new ReportedError(code);
}

/** How a plan is printed that is not printed as lines. @throws KbError KB_USAGE, KB_OUTPUT */
async function planPrinter({
  planOutput,
  dryRun,
}: ConnectionOptions): Promise<((plan: Readonly<Record<string, unknown>>) => string) | undefined> {
  if (planOutput === undefined) return undefined;
  if (dryRun !== true) {
    throw new KbError({
      code: 'KB_USAGE',
      summary: '--output without --dry-run',
      detail: '-o is the form of the plan, and only a dry run has one',
      fix: 'add --dry-run, or leave -o out',
    });
  }
  const printer = await printerOf({ output: planOutput });
  return planOutput === 'text' ? undefined : (object) => printer({ object, text: '' });
}

/** The body's end; where another run has the host, it is stopped, and waited for as long as a step may take to see that. */
async function unlessLocked(lock: HostLock, running: Promise<void>, interrupt: Interrupt): Promise<void> {
  try {
    await Promise.race([running, lock.refused]);
  } catch (error) {
    if (isLockedOut(error)) {
      interrupt.abort();
      await Promise.race([Promise.allSettled([running]), sleep(0.5)]);
    }
    throw error;
  }
}
