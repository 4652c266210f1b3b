// The phases that have begun and not ended, for a run that is ended between two of its steps.
import type { Reporter } from './events.ts';

export interface PhaseWatch extends Reporter {
  /** `certs on node1`, in the order in which they began. */
  readonly open: readonly string[];
}

/** Pass events on and keep count. */
export function watchPhases(inner: Reporter): PhaseWatch {
  const open = new Set<string>();
  return {
    emit(event) {
      if (event.kind === 'phase-start') open.add(`${event.phase} on ${event.host}`);
      if (event.kind === 'phase-end') open.delete(`${event.phase} on ${event.host}`);
      inner.emit(event);
    },
    get open() {
      return [...open];
    },
  };
}
