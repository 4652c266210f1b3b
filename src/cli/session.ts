// One run of a command: its host, its reporters, its log, its signals; and what is said when it ends.
import { setMaxListeners } from 'node:events';
import { createInterface } from 'node:readline';
import { hostname } from 'node:os';
import { openApi } from '../cluster/client.ts';
import { openEtcd } from '../cluster/etcd.ts';
import { recordingApi } from '../cluster/recording.ts';
import { recordingEtcd } from '../cluster/recording-etcd.ts';
import type { ApiOpener, EtcdOpener } from '../cluster/types.ts';
import { exitCode, interrupted, KbError } from '../errors.ts';
import type { Host, Transport } from '../host/host.ts';
import { localTransport } from '../host/local.ts';
import { isLockedOut, lockedHost, noLock, takeLock, type HostLock, type LockOwner } from '../host/lock.ts';
import { openHost } from '../host/remote.ts';
import { recordingHost } from '../host/recording.ts';
import type { Reporter } from '../report/events.ts';
import { jsonReporter } from '../report/json.ts';
import { openLogFile } from '../report/log-file.ts';
import { plainReporter } from '../report/plain.ts';
import { wantsColor } from '../report/style.ts';
import { teeReporter } from '../report/tee.ts';
import { ttyReporter } from '../report/tty.ts';
import { sleep } from '../util/retry.ts';
import { deadlineGrace, readLimit, startDeadline, unlessOverdue, type Deadline } from './deadline.ts';
import { runnerFor } from './runner-identity.ts';
import { Shown } from './shown.ts';
import { openSsh, type SshFlags, type SshSession } from './ssh-session.ts';
import { parseTarget } from './target.ts';
import { resumeCommand } from './resume.ts';

/** The flags that every command has, as commander gives them. */
export interface ConnectionOptions extends SshFlags {
  readonly host?: string;
  /** Of a command for several, which are reached one by one. */
  readonly hosts?: readonly string[];
  readonly logFormat?: 'text' | 'json';
  /** Verbosity: from 1 on, every step is shown. */
  readonly v?: number;
  readonly dryRun?: boolean;
  /** A Go duration: the limit of the whole run. */
  readonly deadline?: string;
}

/** A host, and what is reached through its connection. */
export interface Reached {
  readonly host: Host;
  /** The address the host was reached at; undefined on this machine. */
  readonly reachedAddress?: string;
  readonly reachedPort?: number;
  readonly apis: ApiOpener;
  readonly etcds: EtcdOpener;
  /** Keeps other runs off the host, where this one changes it. */
  readonly lock: HostLock;
  /** Rejects when the time for the run is up and the host hangs. */
  readonly overdue: Promise<never>;
}

/** What a command does to a host: changes are made under the host's lock, and not in a dry run. */
export type HostUse = 'look' | 'change';

/** Of a whole command or one of its phases. */
export function useOf(only: string | undefined): HostUse {
  return only === 'preflight' ? 'look' : 'change';
}

export interface Session extends Reached {
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  readonly startedAt: Date;
  readonly resumeCommand: string;
  readonly print: (text: string) => void;
  /** A yes/no question; false when nobody answers. */
  readonly ask: (question: string) => Promise<boolean>;
  /** How hosts are reached over SSH. */
  readonly ssh: SshSession;
  /** Connect to one more host (`[user@]address[:port]`) with this command's flags; it is closed with the session. */
  readonly reach: (target: string, use?: HostUse) => Promise<Reached>;
}

/** Seconds that the first Ctrl-C gives a running step to end. */
const graceSeconds = 25;

/** Run a command's body with everything it needs, and close it all again. @throws Shown */
export async function withSession(
  command: string,
  options: ConnectionOptions,
  body: (session: Session) => Promise<void>,
  use: HostUse = 'look',
): Promise<void> {
  const start = performance.now();
  const limit = readLimit(options.deadline);
  const target = options.host === undefined ? undefined : parseTarget(options.host);
  const name = target?.address ?? hostname();
  const view = openView(options);
  const log = openLogFile({
    environment: process.env,
    onFailure: (text) => view.reporter.emit({ kind: 'warning', host: name, text }),
  });
  const reporter = teeReporter(view.reporter, log.reporter);
  const interrupt = watchSignals(reporter, name);
  reporter.emit({
    kind: 'run-start',
    command,
    hosts: options.hosts?.map((one) => parseTarget(one).address) ?? [name],
    ...(log.path === undefined ? {} : { logPath: log.path }),
  });
  let code: number = exitCode.done;
  const transports: Transport[] = [];
  // By address: a run may reach one host twice, in two roles, and must not keep itself out.
  const locks = new Map<string, HostLock>();
  let isOver = false;
  const ownCommand = resumeCommand(process.argv.slice(2));
  const deadline = startDeadline(limit, {
    abort: interrupt.abort,
    reporter,
    host: name,
    resumeCommand: ownCommand,
  });
  const run = { reporter, signal: interrupt.signal, overdue: deadline.overdue };
  const ssh = openSsh(options, { reporter, signal: interrupt.signal, name, aside: (talk) => aside(view, talk) });
  const reach = async (to: ReturnType<typeof parseTarget> | undefined, hostUse: HostUse): Promise<Reached> => {
    const route = to === undefined ? undefined : await ssh.route(to);
    const transport = route === undefined ? localTransport(name, options.rootfs) : await ssh.connect(route);
    // The run has ended while the host was being reached: nobody is left to close it.
    if (isOver) await transport.close();
    else transports.push(transport);
    const hostName = route?.name ?? name;
    const isLocked = hostUse === 'change' && options.dryRun !== true && !isOver;
    const owner = { identity: runnerFor(hostName).identity, command: ownCommand };
    const place = route === undefined ? '' : `${route.host} ${route.port}`;
    const lock = isLocked ? (locks.get(place) ?? lockOf(transport, hostName, owner, reporter)) : noLock;
    if (isLocked) locks.set(place, lock);
    return reached(transport, options.dryRun === true, {
      ...run,
      lock,
      name: hostName,
      ...(route === undefined ? {} : { address: route.host, port: route.port }),
    });
  };
  try {
    const first = await unlessOverdue(reach(target, use), deadline);
    const running = body({
      ...first,
      ssh,
      reach: (to, hostUse = 'look') => reach(parseTarget(to), hostUse),
      reporter,
      signal: interrupt.signal,
      startedAt: new Date(),
      resumeCommand: ownCommand,
      print: (text) => {
        view.pause();
        process.stdout.write(text);
        view.resume();
      },
      ask: (question) => aside(view, () => askYesNo(question, interrupt.signal)),
    });
    await unlessLocked(first.lock, unlessOverdue(running, deadline), interrupt);
  } catch (error) {
    code = show(error, name, reporter, { signal: interrupt.signal, deadline });
  } finally {
    interrupt.stop();
    deadline.clear();
    isOver = true;
    // A lock that waits for its host to come back is let go of with the connection.
    const released = [...locks.values()].map((lock) => lock.release());
    const closed = (async () => {
      await Promise.allSettled(transports.map((transport) => transport.close()));
      await Promise.allSettled(released);
      await ssh.close();
    })();
    // A host that hangs does not answer to that either.
    await (deadline.hasPassed() ? Promise.race([closed, sleep(deadlineGrace.close)]) : closed);
    reporter.emit({ kind: 'run-end', exitCode: code, seconds: (performance.now() - start) / 1000 });
    log.close();
  }
  // What still waits for a host that hangs ends with the process.
  if (deadline.hasPassed()) setTimeout(() => process.exit(code), 200).unref();
  if (code !== exitCode.done) throw new Shown(code);
}

/** What shows a run; `pause` makes room on the terminal for something else to be printed or asked. */
interface View {
  readonly reporter: Reporter;
  pause(): void;
  resume(): void;
}

function openView(options: ConnectionOptions): View {
  const still = { pause: () => undefined, resume: () => undefined };
  if (options.logFormat === 'json') return { reporter: jsonReporter(process.stderr), ...still };
  const style = { color: wantsColor(process.stderr, process.env), verbose: (options.v ?? 0) > 0 };
  if (!process.stderr.isTTY) return { reporter: plainReporter(process.stderr, style), ...still };
  const live = ttyReporter(process.stderr, style);
  return { reporter: live, pause: () => live.pause(), resume: () => live.resume() };
}

/** Run something that talks on the terminal itself. */
async function aside<T>(view: View, talk: () => Promise<T> | T): Promise<T> {
  view.pause();
  try {
    return await talk();
  } finally {
    view.resume();
  }
}

function lockOf(transport: Transport, name: string, owner: LockOwner, reporter: Reporter): HostLock {
  const warn = (text: string): void => reporter.emit({ kind: 'warning', host: name, text });
  return takeLock(transport, { name, owner, warn });
}

/** The body's end; where another run has the host, it is stopped, and waited for as long as a step may take to see that. */
async function unlessLocked(
  lock: HostLock,
  running: Promise<void>,
  interrupt: { readonly abort: () => void },
): Promise<void> {
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

/** What a command works with on one host; in a dry run all of it records. */
function reached(
  transport: Transport,
  isDryRun: boolean,
  run: {
    readonly name: string;
    readonly address?: string;
    readonly port?: number;
    readonly reporter: Reporter;
    readonly signal: AbortSignal;
    readonly lock: HostLock;
    readonly overdue: Promise<never>;
  },
): Reached {
  const { name, address, port, reporter, signal, lock, overdue } = run;
  const real = openHost(transport, { name, reporter });
  const host = isDryRun ? recordingHost(real, reporter) : lock === noLock ? real : lockedHost(real, lock);
  return {
    host,
    lock,
    overdue,
    ...(address === undefined ? {} : { reachedAddress: address }),
    ...(port === undefined ? {} : { reachedPort: port }),
    apis: isDryRun ? dryApis(host, reporter, signal) : liveApis(host, reporter, signal),
    etcds: {
      open: (credentials) => {
        const etcd = openEtcd((a, p) => host.dial(a, p), credentials);
        return isDryRun ? recordingEtcd(etcd, { host: host.name, reporter }) : etcd;
      },
    },
  };
}

function liveApis(host: Host, reporter: Reporter, signal: AbortSignal): ApiOpener {
  return {
    open: (credentials, { callSeconds = 60 } = {}) =>
      openApi({ ...credentials, dial: (a, p) => host.dial(a, p), host: host.name, reporter, signal, callSeconds }),
  };
}

/** Reads reach a server that is there; nothing waits for one that is not. */
function dryApis(host: Host, reporter: Reporter, signal: AbortSignal): ApiOpener {
  const live = liveApis(host, reporter, signal);
  return {
    open: (credentials) =>
      recordingApi({ host: host.name, reporter, credentials, inner: live.open(credentials, { callSeconds: 1 }) }),
  };
}

/** The first signal asks the run to stop between two steps, the second ends it at once. */
function watchSignals(
  reporter: Reporter,
  host: string,
): { readonly signal: AbortSignal; readonly abort: () => void; stop(): void } {
  const controller = new AbortController();
  // Every request of a phase listens to it while it runs.
  setMaxListeners(100, controller.signal);
  let timer: NodeJS.Timeout | undefined;
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(exitCode.interrupted);
    controller.abort();
    reporter.emit({
      kind: 'warning',
      host,
      text: 'stopping after the current step; once more to stop at once',
    });
    timer = setTimeout(() => process.exit(exitCode.interrupted), graceSeconds * 1000);
    timer.unref();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, onSignal);
  return {
    signal: controller.signal,
    abort: () => controller.abort(),
    stop() {
      clearTimeout(timer);
      for (const name of signals) process.off(name, onSignal);
    },
  };
}

/** Show a failure and give its exit code. */
function show(
  error: unknown,
  host: string,
  reporter: Reporter,
  { signal, deadline }: { readonly signal: AbortSignal; readonly deadline: Deadline },
): number {
  const found = error instanceof KbError ? error : asInterruption(error, signal);
  if (found !== undefined) {
    const known = deadline.explain(found);
    for (const problem of known.within({ host }).problems) reporter.emit({ kind: 'problem', problem });
    return known.exitCode;
  }
  reporter.emit({
    kind: 'problem',
    problem: {
      code: 'KB_BUG',
      summary: 'a bug in kbinit',
      host,
      detail: error instanceof Error ? error.message : String(error),
      fix: 'report it with the log; the host can be worked on again by the same command',
      evidence: error instanceof Error && error.stack !== undefined ? error.stack.split('\n').slice(1, 6) : [],
    },
  });
  return exitCode.bug;
}

/** What an aborted request throws is the interruption, not a bug. */
function asInterruption(error: unknown, signal: AbortSignal): KbError | undefined {
  if (!signal.aborted || !(error instanceof Error) || error.name !== 'AbortError') return undefined;
  return interrupted('the run stopped while it talked to the API server');
}

/** Ask a yes/no question on the terminal or standard input; false when nobody answers. */
async function askYesNo(question: string, signal: AbortSignal): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, signal });
  process.stdout.write(question);
  try {
    for await (const line of lines) return ['y', 'yes'].includes(line.trim().toLowerCase());
    return false;
  } finally {
    lines.close();
  }
}
