// Ctrl-C and its like: the first asks a run to stop between two steps, the second ends it at once.
import { setMaxListeners } from 'node:events';
import { exitCode } from '../../errors.ts';
import type { Reporter } from '../../report/events.ts';

/** Seconds that the first one gives a running step to end. */
const graceSeconds = 25;

export interface Interrupt {
  /** Fires when the run is to stop. */
  readonly signal: AbortSignal;
  readonly abort: () => void;
  /** The run's work has ended: listen no more, but for the signal that cuts short what a stopped run still closes. */
  stop(): void;
}

/** What a run that is ended at once says of itself. */
export interface Leaving {
  /** The phases that have not ended: `certs on node1`. */
  readonly open: () => readonly string[];
  /** The command to go on with. */
  readonly resumeCommand: string;
  readonly startedAt: number;
}

/** The last words of a run that is not waited for, and the end of the process. */
function leave(reporter: Reporter, host: string, { open, resumeCommand, startedAt }: Leaving): never {
  const phases = open();
  const what =
    phases.length === 0
      ? 'the current step was not completed'
      : `phase${phases.length === 1 ? '' : 's'} ${phases.join(', ')} ${phases.length === 1 ? 'was' : 'were'} not completed`;
  reporter.emit({
    kind: 'problem',
    problem: {
      code: 'KB_INTERRUPTED',
      summary: 'interrupted',
      host,
      detail: what,
      fix: `to continue, run: \`${resumeCommand}\``,
    },
  });
  const seconds = (performance.now() - startedAt) / 1000;
  reporter.emit({ kind: 'run-end', exitCode: exitCode.interrupted, seconds });
  // A question for a password has switched the terminal's echo off.
  if (process.stdin.isTTY && process.stdin.isRaw) process.stdin.setRawMode(false);
  process.exit(exitCode.interrupted);
}

/** Listen. */
export function watchSignals(reporter: Reporter, host: string, leaving: Leaving): Interrupt {
  const controller = new AbortController();
  // Every request of a phase listens to it while it runs.
  setMaxListeners(100, controller.signal);
  let timer: NodeJS.Timeout | undefined;
  const onSignal = (): void => {
    if (controller.signal.aborted) leave(reporter, host, leaving);
    controller.abort();
    reporter.emit({
      kind: 'warning',
      host,
      text: 'stopping after the current step; press Ctrl-C again to stop immediately',
    });
    timer = setTimeout(() => leave(reporter, host, leaving), graceSeconds * 1000);
    timer.unref();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, onSignal);
  return {
    signal: controller.signal,
    abort: () => controller.abort(),
    stop() {
      clearTimeout(timer);
      if (controller.signal.aborted) return;
      for (const name of signals) process.off(name, onSignal);
    },
  };
}
