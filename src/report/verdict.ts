// What a run shows ends with its verdict: what still works aside is being cut off then, and its words would be misleading.
import type { Reporter } from './events.ts';

/** A view that can be closed. */
export interface Closable extends Reporter {
  /** The verdict was told: from now on only the run's end is shown. */
  close(): void;
}

/** Show what a run tells until its verdict. */
export function untilVerdict(view: Reporter): Closable {
  let isClosed = false;
  return {
    emit(event) {
      if (!isClosed || event.kind === 'run-end') view.emit(event);
    },
    close() {
      isClosed = true;
    },
  };
}
