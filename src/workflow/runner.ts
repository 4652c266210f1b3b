// Runs the selected phases in their order and tells an observer what happens. Knows no Kubernetes.
import { interrupted, KbError } from '../errors.ts';
import type { PhaseOutcome } from './phase.ts';
import type { Selected } from './select.ts';

/** What the runner tells while it runs; the caller turns it into events. */
export interface RunObserver {
  started(phase: string, summary: string): void;
  ended(phase: string, outcome: PhaseOutcome | 'skipped' | 'failed', seconds: number, reason?: string): void;
}

export interface RunOptions {
  readonly observer: RunObserver;
  /** Checked between phases; an aborted run ends with KB_INTERRUPTED. */
  readonly signal: AbortSignal;
  /** Milliseconds on a steady clock. */
  readonly now: () => number;
  /** Whether a phase that failed like this is run again: it looks before it acts, so nothing is done twice. */
  readonly isWorthRepeating?: (phase: string, error: unknown, attempt: number) => boolean;
}

/** Run the phases one after the other. The first failure ends the run and names its phase. */
export async function runPhases<C>(selected: readonly Selected<C>[], ctx: C, options: RunOptions): Promise<void> {
  for (const { phase, parts } of selected) {
    if (phase.isPart?.(ctx) === false) continue;
    if (options.signal.aborted) throw interrupted(`the run stopped before phase ${phase.name}`);
    const start = options.now();
    const seconds = (): number => (options.now() - start) / 1000;
    options.observer.started(phase.name, phase.summary);
    const reason = phase.skip?.(ctx);
    if (reason !== undefined) {
      options.observer.ended(phase.name, 'skipped', seconds(), reason);
      continue;
    }
    try {
      const outcome = await runRepeatedly(phase.name, () => phase.run(ctx, parts), options);
      options.observer.ended(phase.name, outcome ?? 'done', seconds());
    } catch (error) {
      options.observer.ended(phase.name, 'failed', seconds());
      throw error instanceof KbError ? error.within({ phase: phase.name }) : error;
    }
  }
}

async function runRepeatedly<T>(phase: string, run: () => T | Promise<T>, options: RunOptions): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (options.signal.aborted || options.isWorthRepeating?.(phase, error, attempt) !== true) throw error;
    }
  }
}
