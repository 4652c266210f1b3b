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
      const outcome = (await phase.run(ctx, parts)) ?? 'done';
      options.observer.ended(phase.name, outcome, seconds());
    } catch (error) {
      options.observer.ended(phase.name, 'failed', seconds());
      throw error instanceof KbError ? error.within({ phase: phase.name }) : error;
    }
  }
}
