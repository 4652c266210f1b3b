// Turns events into the lines a person reads; the plain and the live view both use it.
import { exitCode, type Problem } from '../errors.ts';
import { count } from '../util/text.ts';
import type { RunEvent } from './events.ts';
import { renderProblem } from './problem.ts';
import { printable, visible } from '../util/invisible.ts';
import { painter, seconds, type Paint } from './style.ts';
import { textWidth, wrapped } from '../util/wrap.ts';
import { timeTable, type PhaseTime } from './table.ts';

export interface LineOptions {
  readonly color: boolean;
  /** Also steps, single files and objects, and where the time went. */
  readonly verbose: boolean;
  /** The width of the screen; lines that are longer are wrapped. */
  readonly columns?: (() => number | undefined) | undefined;
}

/** Events in, finished lines out; remembers what a phase has done so far. */
export interface Lines {
  /** The lines this event adds to the screen, without line feeds; often none. */
  of(event: RunEvent): readonly string[];
  /** `master1  certs           text`, on every line of the text, which is cleaned of control characters and wrapped. */
  about(host: string, phase: string | undefined, text: string, style?: (line: string) => string): readonly string[];
  /** The first line of it, however long it is. */
  unwrapped(host: string, phase: string, text: string): string;
}

type Event<K extends RunEvent['kind']> = Extract<RunEvent, { kind: K }>;
/** How many of what: `file created` → 12. */
type Tally = ReadonlyMap<string, number>;

/** The longest name of a phase of init is mark-control-plane; a longer one of another command widens the column. */
const usualPhaseWidth = 18;

export function createLines(options: LineOptions): Lines {
  const paint = painter(options.color);
  const tallies = new Map<string, Map<string, number>>();
  /** Hosts whose phase has only planned something. */
  const planning = new Set<string>();
  const times: PhaseTime[] = [];
  const made = { counted: 0, changed: 0, isDryRun: false };
  let hostWidth = 0;
  let phaseWidth = usualPhaseWidth;
  let logPath: string | undefined;
  let pending: Problem | undefined;

  /** A problem waits for the next event: only the last one of a run names the log. */
  const release = (event: RunEvent): readonly string[] => {
    const problem = pending;
    pending = event.kind === 'problem' ? event.problem : undefined;
    if (problem === undefined) return [];
    const isLast = event.kind !== 'problem';
    const look = { color: options.color, logPath: isLast ? logPath : undefined, columns: options.columns?.() };
    return renderProblem(problem, look).split('\n');
  };

  const headOf = (host: string, phase: string | undefined): string => {
    hostWidth = Math.max(hostWidth, host.length);
    phaseWidth = Math.max(phaseWidth, phase?.length ?? 0);
    return `${host.padEnd(hostWidth)}  ${(phase ?? '').padEnd(phaseWidth)}  `;
  };
  const about: Lines['about'] = (host, phase, text, style = (line) => line) => {
    const head = headOf(host, phase);
    const columns = options.columns?.();
    return printable(text)
      .split('\n')
      .flatMap((line) => besideHead(head, line, style, columns));
  };
  const unwrapped: Lines['unwrapped'] = (host, phase, text) => {
    const [line = ''] = printable(text).split('\n');
    return (headOf(host, phase) + line).trimEnd();
  };

  const counted = (host: string, what: string, noun: 'file' | 'object', outcome: string): readonly string[] => {
    const isChange = outcome !== 'unchanged';
    made.counted++;
    if (isChange) made.changed++;
    const tally = tallies.get(host) ?? new Map<string, number>();
    if (isChange) tally.set(`${noun} ${outcome}`, (tally.get(`${noun} ${outcome}`) ?? 0) + 1);
    tallies.set(host, tally);
    return isChange && options.verbose ? about(host, undefined, `${what} ${outcome}`) : [];
  };

  const phaseEnd = (event: Event<'phase-end'>): readonly string[] => {
    const tally = tallies.get(event.host) ?? new Map<string, number>();
    tallies.delete(event.host);
    if (event.outcome !== 'skipped') times.push(event);
    // It looked, and there was nothing to do.
    if (event.outcome === 'unchanged') made.counted++;
    const done = planning.delete(event.host) ? 'planned' : 'done';
    return about(event.host, event.phase, outcomeText(event, tally, done), (line) => paintOutcome(event, line, paint));
  };

  const runEnd = (event: Event<'run-end'>): readonly string[] => {
    const hasChanged = made.changed > 0 || made.counted === 0;
    const text = endText(event, made.isDryRun ? 'planned' : hasChanged ? 'changed' : 'unchanged');
    const last = paint(event.exitCode === exitCode.done ? 'green' : 'red', text);
    if (!options.verbose || times.length < 2) return [last];
    return ['where the time went', ...timeTable(times).split('\n'), last];
  };

  const linesOf = (event: RunEvent): readonly string[] => {
    switch (event.kind) {
      case 'run-start':
        hostWidth = Math.max(hostWidth, ...event.hosts.map((host) => host.length));
        logPath = event.logPath;
        made.isDryRun = event.isDryRun === true;
        phaseWidth = Math.max(phaseWidth, ...(event.phases ?? []).map((phase) => phase.length));
        return event.machine === undefined
          ? []
          : wrapped(`${event.command} works on ${printable(event.machine)}`, options.columns?.() ?? Infinity);
      case 'phase-start':
        tallies.delete(event.host);
        return [];
      case 'phase-end':
        return phaseEnd(event);
      case 'file':
        return counted(event.host, event.path, 'file', event.outcome);
      case 'object':
        return counted(event.host, event.object, 'object', event.outcome);
      case 'warning':
        return about(event.host, event.phase, `warning ${visible(named(event.name, event.text))}`, (line) =>
          line.replace(/^warning/, paint('yellow', 'warning')),
        );
      case 'step':
        return options.verbose ? about(event.host, event.phase, event.text) : [];
      case 'plan':
        // The plan itself is the answer, on standard output.
        if (event.action === 'keep' || event.action === 'note') return [];
        made.isDryRun = true;
        planning.add(event.host);
        return [];
      case 'run-end':
        return runEnd(event);
      case 'command':
        // Files tell of themselves; another command that is run for a purpose (a restart) changes something too.
        if (event.why !== undefined && !event.command.startsWith('(')) made.changed++;
        return [];
      case 'problem':
      case 'request':
      case 'waiting':
        return [];
      default:
        event satisfies never;
        return [];
    }
  };
  return { of: (event) => [...release(event), ...linesOf(event)], about, unwrapped };
}

/** Less room than that beside host and phase is better left empty. */
const leastBeside = 24;

const indentation = '    ';

/** The line behind its head; what does not fit goes below, under the line or, where that is too narrow, indented. */
function besideHead(
  head: string,
  line: string,
  style: (line: string) => string,
  columns: number | undefined,
): readonly string[] {
  if (columns === undefined || head.length + textWidth(line) <= columns) return [(head + style(line)).trimEnd()];
  const room = columns - head.length;
  const below = columns - indentation.length;
  const longestWord = Math.max(...line.split(' ').map(textWidth));
  if (room < Math.max(leastBeside, Math.min(longestWord, below))) {
    const [first = '', ...rest] = wrapped(`${head.trimEnd()}  ${line}`, below);
    return [first, ...rest.map((part) => indentation + style(part))];
  }
  const parts = wrapped(line, room);
  return parts.map((part, index) => ((index === 0 ? head : ' '.repeat(head.length)) + style(part)).trimEnd());
}

/** The last line: how it went, and how long it took. */
function endText(event: Event<'run-end'>, what: 'planned' | 'changed' | 'unchanged'): string {
  const time = seconds(event.seconds);
  if (event.exitCode === exitCode.interrupted) return `stopped after ${time}`;
  if (event.exitCode !== exitCode.done) return `failed after ${time}`;
  const texts = { planned: 'dry run: nothing was changed', changed: 'done in', unchanged: 'no changes' } as const;
  return what === 'changed' ? `${texts[what]} ${time}` : `${texts[what]}, ${time}`;
}

function named(name: string | undefined, text: string): string {
  return name === undefined ? text : `${name}: ${text}`;
}

/** `12 files created  0.8s`; `done` (or `planned`) when the phase made nothing that is counted. */
function outcomeText(event: Event<'phase-end'>, tally: Tally, done: string): string {
  const parts = [...tally].map(([what, n]) => {
    const [noun = '', verb = ''] = what.split(' ');
    return `${count(n, noun)} ${verb}`;
  });
  const did = parts.length === 0 ? done : parts.join(', ');
  switch (event.outcome) {
    case 'skipped':
      return event.reason === undefined ? 'skipped' : `skipped: ${event.reason}`;
    case 'done':
      return `${did}  ${seconds(event.seconds)}`;
    case 'unchanged':
    case 'failed':
      return `${event.outcome}  ${seconds(event.seconds)}`;
    default:
      event.outcome satisfies never;
      return '';
  }
}

function paintOutcome(event: Event<'phase-end'>, line: string, paint: Paint): string {
  if (event.outcome === 'skipped') return paint('dim', line);
  if (event.outcome === 'failed') return paint('red', line);
  return line.replace(/ {2}\S+(?: \d\ds)?$/, (time) => `  ${paint('dim', time.trim())}`);
}
