// The plain view: finished lines on a stream, for logs of other programs and for eyes without a terminal.
import type { Reporter, RunEvent } from './events.ts';
import { createLines } from './lines.ts';
import { redacting, redactor, type Redactor } from './redact.ts';
import { seconds, type Output } from './style.ts';

export interface PlainOptions {
  readonly color?: boolean;
  readonly verbose?: boolean;
  /** The width of the screen, where it has one. */
  readonly columns?: (() => number | undefined) | undefined;
  /** Seconds on a clock; for tests. */
  readonly now?: () => number;
  readonly redactor?: Redactor;
}

/** A wait says that it goes on no more often than this. */
const waitingSeconds = 15;

type Waiting = Extract<RunEvent, { kind: 'waiting' }>;

/** One line a phase, each beginning with its host's name. */
export function plainReporter(stream: Output, options: PlainOptions = {}): Reporter {
  const now = options.now ?? (() => performance.now() / 1000);
  const { color = false, verbose = false, columns } = options;
  const lines = createLines({ color, verbose, columns });
  const waits = new Map<string, { since: number; told: number }>();

  /** Silence for minutes looks like a hang, so a long wait gives a sign of life. */
  const waiting = (event: Waiting): readonly string[] => {
    const key = `${event.host} ${event.what}`;
    const wait = waits.get(key) ?? { since: now(), told: now() };
    waits.set(key, wait);
    if (now() - wait.told < waitingSeconds) return [];
    wait.told = now();
    const said = event.state ?? (event.last === '' ? '' : `last answer: ${event.last}`);
    const text = `waiting for ${event.what} (${seconds(now() - wait.since)})${said === '' ? '' : `; ${said}`}`;
    return lines.about(event.host, event.phase, text);
  };

  const emit = (event: RunEvent): void => {
    for (const line of event.kind === 'waiting' ? waiting(event) : lines.of(event)) stream.write(`${line}\n`);
  };
  return redacting({ emit }, options.redactor ?? redactor);
}
