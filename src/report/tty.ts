// The live view: finished phases stay as lines, running ones show a spinner and their time at the bottom.
import type { Reporter, RunEvent } from './events.ts';
import { createLines } from './lines.ts';
import { plainReporter, type PlainOptions } from './plain.ts';
import { redacting, redactor } from './redact.ts';
import { printable } from '../util/invisible.ts';
import { characters, characterWidth } from '../util/wrap.ts';
import { painter, seconds, type Terminal } from './style.ts';

export interface TtyOptions extends PlainOptions {
  /** Starts a repeating call and returns its end; for tests. */
  readonly every?: (milliseconds: number, call: () => void) => () => void;
}

/** A view whose live lines can be taken away while something else writes to the terminal. */
export interface LiveReporter extends Reporter {
  /** Take the live lines away until `resume`: for results on stdout, and for questions. */
  pause(): void;
  resume(): void;
}

/** What a host is doing right now. */
interface Running {
  readonly host: string;
  readonly phase: string;
  readonly since: number;
  text: string;
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/** What a terminal has that tells no size, or zero. */
const defaultColumns = 80;
const defaultRows = 24;
const frameMilliseconds = 100;

/** A live line for each running phase; plain lines where the stream is no terminal. */
export function ttyReporter(stream: Terminal, options: TtyOptions = {}): LiveReporter {
  if (stream.isTTY !== true) return { ...plainReporter(stream, options), pause: () => {}, resume: () => {} };
  const now = options.now ?? (() => performance.now() / 1000);
  const every = options.every ?? interval;
  const color = options.color ?? false;
  const lines = createLines({ color, verbose: options.verbose ?? false, columns: options.columns });
  const paint = painter(color);
  const running = new Map<string, Running>();
  let drawn = 0;
  let frame = 0;
  let isPaused = false;
  let stop: (() => void) | undefined;

  /** Back to the first live line, and everything below it away. */
  const erased = (): string => (drawn === 0 ? '' : `\u001B[${drawn}F\u001B[J`);
  const live = (): readonly string[] =>
    [...running.values()].slice(0, (stream.rows || defaultRows) - 1).map((r) => {
      const line = lines.unwrapped(r.host, r.phase, `${r.text}  ${seconds(now() - r.since)}`.trimStart());
      return fit(`${frames[frame % frames.length]} ${line}`, stream.columns || defaultColumns);
    });
  const draw = (finished: readonly string[]): void => {
    const bottom = isPaused ? [] : live();
    const text = [...finished, ...bottom.map((line) => paint('dim', line))].map((line) => `${line}\n`).join('');
    stream.write(erased() + text);
    drawn = bottom.length;
  };
  const tick = (): void => {
    frame++;
    if (running.size > 0 && !isPaused) draw([]);
  };

  const emit = (event: RunEvent): void => {
    follow(event, running, now());
    const finished = lines.of(event);
    if (running.size > 0) stop ??= every(frameMilliseconds, tick);
    else {
      stop?.();
      stop = undefined;
    }
    if (finished.length > 0 || drawn > 0 || running.size > 0) draw(finished);
  };
  const setPaused = (value: boolean): void => {
    if (isPaused === value) return;
    isPaused = value;
    draw([]);
  };
  return {
    ...redacting({ emit }, options.redactor ?? redactor),
    pause: () => setPaused(true),
    resume: () => setPaused(false),
  };
}

/** Keep the list of what runs. */
function follow(event: RunEvent, running: Map<string, Running>, now: number): void {
  switch (event.kind) {
    case 'phase-start':
      running.set(event.host, { host: event.host, phase: event.phase, since: now, text: event.summary });
      return;
    case 'phase-end':
      running.delete(event.host);
      return;
    case 'run-end':
      running.clear();
      return;
    case 'step':
    case 'waiting': {
      const current = running.get(event.host);
      if (current === undefined) return;
      current.text = event.kind === 'step' ? event.text : `waiting for ${event.what}${about(event.state)}`;
      return;
    }
    case 'run-start':
    case 'warning':
    case 'file':
    case 'object':
    case 'command':
    case 'request':
    case 'plan':
    case 'problem':
      return;
    default:
      event satisfies never;
  }
}

function about(state: string | undefined): string {
  return state === undefined ? '' : `: ${state}`;
}

/** A line that wrapped would spoil the count of lines to erase. */
function fit(line: string, columns: number): string {
  let width = 0;
  let shown = '';
  for (const one of characters(printable(line).replaceAll('\t', ' '))) {
    width += characterWidth(one);
    // One column stays free for the ellipsis, one because some terminals wrap when the last is filled.
    if (width > columns - 2) return `${shown}…`;
    shown += one;
  }
  return shown;
}

function interval(milliseconds: number, call: () => void): () => void {
  const timer = setInterval(call, milliseconds);
  // A spinner is no reason to keep the process alive.
  timer.unref();
  return () => clearInterval(timer);
}
