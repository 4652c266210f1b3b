// Many reporters as one.
import type { Reporter } from './events.ts';

/** Every event goes to every reporter, in order. */
export function teeReporter(...reporters: readonly Reporter[]): Reporter {
  return {
    emit(event) {
      for (const reporter of reporters) reporter.emit(event);
    },
  };
}
