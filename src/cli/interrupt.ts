// Ctrl-C and its like: the first asks a run to stop between two steps, the second ends it at once.
import { setMaxListeners } from 'node:events';
import { exitCode } from '../errors.ts';
import type { Reporter } from '../report/events.ts';

/** Seconds that the first one gives a running step to end. */
const graceSeconds = 25;

export interface Interrupt {
  /** Fires when the run is to stop. */
  readonly signal: AbortSignal;
  readonly abort: () => void;
  /** The run's work has ended: listen no more, but for the signal that cuts short what a stopped run still closes. */
  stop(): void;
}

/** Listen. */
export function watchSignals(reporter: Reporter, host: string): Interrupt {
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
      if (controller.signal.aborted) return;
      for (const name of signals) process.off(name, onSignal);
    },
  };
}
