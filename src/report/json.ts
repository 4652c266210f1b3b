// The view for programs: one event a line, as JSON.
import { escapedJson } from '../util/invisible.ts';
import type { Reporter, RunEvent } from './events.ts';
import { redacting, redactor, type Redactor } from './redact.ts';
import type { Output } from './style.ts';

export interface JsonOptions {
  /** Milliseconds since the epoch; for tests. */
  readonly now?: () => number;
  readonly redactor?: Redactor;
}

/** `{"time":"2026-11-21T02:12:19.123Z","kind":"phase-end",…}`; what commands printed is in the log file only. */
export function jsonReporter(stream: Output, options: JsonOptions = {}): Reporter {
  const now = options.now ?? Date.now;
  const emit = (event: RunEvent): void => {
    if (event.kind !== 'command' && event.kind !== 'request') stream.write(jsonLine(event, now()));
  };
  return redacting({ emit }, options.redactor ?? redactor);
}

/** An event as a line of JSON, with its time first. */
export function jsonLine(event: RunEvent, milliseconds: number): string {
  return `${escapedJson(JSON.stringify({ time: new Date(milliseconds).toISOString(), ...event }))}\n`;
}
