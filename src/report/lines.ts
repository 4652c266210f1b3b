// Turns events into the lines a person reads; the plain and the live view both use it.
import { exitCode } from '../errors.ts';
import type { RunEvent } from './events.ts';
import { renderProblem } from './problem.ts';
import { painter, printable, seconds, type Paint } from './style.ts';
import { timeTable, type PhaseTime } from './table.ts';
import { count } from '../util/text.ts';

export interface LineOptions {
  readonly color: boolean;
  /** Also steps, single files and objects, plan contents, and where the time went. */
  readonly verbose: boolean;
}

/** Events in, finished lines out; remembers what a phase has done so far. */
export interface Lines {
  /** The lines this event adds to the screen, without line feeds; often none. */
  of(event: RunEvent): readonly string[];
  /** `master1  certs           text`, on every line of the text. */
  about(host: string, phase: string | undefined, text: string): readonly string[];
}

type Tally = Record<string, number>;
type PhaseEnd = Extract<RunEvent, { kind: 'phase-end' }>;

const phaseWidth = 18;

export function createLines(options: LineOptions): Lines {
  const paint = painter(options.color);
  const tallies = new Map<string, Tally>();
  const times: PhaseTime[] = [];
  let hostWidth = 0;
  let logPath: string | undefined;
  let hasChanged = false;

  const about = (host: string, phase: string | undefined, text: string): readonly string[] => {
    hostWidth = Math.max(hostWidth, host.length);
    const head = `${host.padEnd(hostWidth)}  ${(phase ?? '').padEnd(phaseWidth)}  `;
    return printable(text)
      .split('\n')
      .map((line) => `${head}${line}`.trimEnd());
  };

  const tally = (host: string, what: string): void => {
    const found = tallies.get(host) ?? {};
    found[what] = (found[what] ?? 0) + 1;
    tallies.set(host, found);
  };

  const phaseEnd = (event: PhaseEnd): readonly string[] => {
    const done = tallies.get(event.host) ?? {};
    tallies.delete(event.host);
    hasChanged ||= event.outcome === 'done';
    if (event.outcome === 'skipped') {
      return about(event.host, event.phase, paint('dim', `skipped${event.reason ? `: ${event.reason}` : ''}`));
    }
    times.push({ host: event.host, phase: event.phase, seconds: event.seconds });
    return about(
      event.host,
      event.phase,
      `${outcomeText(event, done, paint)}  ${paint('dim', seconds(event.seconds))}`,
    );
  };

  const of = (event: RunEvent): readonly string[] => {
    switch (event.kind) {
      case 'run-start':
        hostWidth = Math.max(hostWidth, ...event.hosts.map((host) => host.length));
        logPath = event.logPath;
        return [];
      case 'phase-start':
        tallies.delete(event.host);
        return [];
      case 'phase-end':
        return phaseEnd(event);
      case 'file':
        tally(event.host, `file ${event.outcome}`);
        return options.verbose && event.outcome !== 'unchanged'
          ? about(event.host, undefined, `${event.path} ${event.outcome}`)
          : [];
      case 'object':
        tally(event.host, `object ${event.outcome}`);
        return options.verbose && event.outcome !== 'unchanged'
          ? about(event.host, undefined, `${event.object} ${event.outcome}`)
          : [];
      case 'warning':
        return about(event.host, event.phase, `${paint('yellow', 'warning')} ${named(event.name, event.text)}`);
      case 'step':
        return options.verbose ? about(event.host, event.phase, event.text) : [];
      case 'plan': {
        const content = options.verbose && event.content !== undefined ? `\n${indent(event.content)}` : '';
        return about(event.host, undefined, `${event.text}${content}`);
      }
      case 'problem':
        return renderProblem(event.problem, { color: options.color, logPath }).split('\n');
      case 'run-end':
        return [
          ...(options.verbose && times.length > 1 ? ['where the time went', ...timeTable(times).split('\n')] : []),
          paint(event.exitCode === 0 ? 'green' : 'red', endText(event, hasChanged)),
        ];
      case 'command':
      case 'request':
      case 'waiting':
        return [];
      default:
        event satisfies never;
        return [];
    }
  };
  return { of, about };
}

/** The last line: how it went, and how long it took. */
function endText(event: Extract<RunEvent, { kind: 'run-end' }>, hasChanged: boolean): string {
  const time = seconds(event.seconds);
  if (event.exitCode === exitCode.interrupted) return `stopped after ${time}`;
  if (event.exitCode !== exitCode.done) return `failed after ${time}`;
  return hasChanged ? `done in ${time}` : `no changes, ${time}`;
}

function named(name: string | undefined, text: string): string {
  return name === undefined ? text : `${name}: ${text}`;
}

function indent(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}

/** `12 files created`, `unchanged`, `failed`, or `done` when the phase made nothing that is counted. */
function outcomeText(event: PhaseEnd, done: Tally, paint: Paint): string {
  if (event.outcome === 'failed') return paint('red', 'failed');
  if (event.outcome === 'unchanged') return 'unchanged';
  const parts = Object.entries(done)
    .filter(([what]) => !what.endsWith(' unchanged'))
    .map(([what, n]) => {
      const [noun = '', verb = ''] = what.split(' ');
      return `${count(n, noun)} ${verb}`;
    });
  return parts.length === 0 ? 'done' : parts.join(', ');
}
