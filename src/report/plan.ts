// The plan of a dry run: the answer to the command, so it goes to standard output, with its counts at the end.
import { digest } from '../plan/digest.ts';
import { printable } from '../util/invisible.ts';
import { count } from '../util/text.ts';
import type { PlannedChange, Reporter, RunEvent } from './events.ts';
import { redacting, redactor, type Redactor } from './redact.ts';

export interface PlanViewOptions {
  readonly print: (text: string) => void;
  /** Another form for the whole plan; without one each line is printed as soon as it is known. */
  readonly render?: (plan: Readonly<Record<string, unknown>>) => string;
  /** Also show what is as it should be. */
  readonly verbose: boolean;
  readonly redactor?: Redactor;
}

/** Collects what would be done. */
export interface PlanView extends Reporter {
  /** The run has ended; it may have failed before everything was planned. */
  end(isComplete: boolean): void;
}

/** How much of what there is to do; a command that is run counts as a change. */
interface Counts {
  readonly create: number;
  readonly change: number;
  readonly delete: number;
  readonly hosts: number;
}

/** A plan that is printed as lines, or as one document at the end. */
export function planView(options: PlanViewOptions): PlanView {
  const changes: PlannedChange[] = [];
  const known = new Set<string>();
  let hostWidth = 0;
  const emit = (event: RunEvent): void => {
    if (event.kind === 'run-start') {
      for (const host of event.hosts) known.add(host);
      hostWidth = Math.max(hostWidth, ...event.hosts.map((host) => host.length));
    }
    if (event.kind !== 'plan') return;
    const { kind: _, ...change } = event;
    changes.push(change);
    hostWidth = Math.max(hostWidth, change.host.length);
    const isShown = options.render === undefined && (change.action !== 'keep' || options.verbose);
    if (isShown) options.print(linesOf(change, hostWidth));
  };
  return {
    ...redacting({ emit }, options.redactor ?? redactor),
    end(isComplete) {
      if (!isComplete && changes.length === 0) return;
      const counts = countsOf(changes, known);
      const ops = changes.flatMap(({ host, op }) => (op === undefined ? [] : [{ host, op }]));
      const document = { kind: 'Plan', complete: isComplete, digest: digest(ops), counts, changes };
      options.print(options.render?.(document) ?? `${isComplete ? 'Plan' : 'Incomplete plan'}: ${summary(counts)}\n`);
    },
  };
}

function countsOf(changes: readonly PlannedChange[], known: ReadonlySet<string>): Counts {
  const real = changes.filter(({ action }) => action !== 'keep' && action !== 'note');
  const of = (...actions: readonly string[]): number => real.filter(({ action }) => actions.includes(action)).length;
  const hosts = new Set(real.map(({ host }) => host));
  return {
    create: of('create'),
    change: of('change', 'run'),
    delete: of('delete'),
    hosts: hosts.size === 0 ? known.size : hosts.size,
  };
}

function summary({ create, change, delete: gone, hosts }: Counts): string {
  return `${create} to create, ${change} to change, ${gone} to delete on ${count(hosts, 'host')}.`;
}

/** The content has no host before its lines, so that it can be copied. */
function linesOf({ host, text, content = '' }: PlannedChange, hostWidth: number): string {
  const head = printable(text)
    .split('\n')
    .map((line) => `${host.padEnd(hostWidth)}  ${line}`);
  const body = content === '' ? [] : printable(content.trimEnd()).split('\n');
  return [...head, ...body.map((line) => `    ${line}`)].map((line) => `${line.trimEnd()}\n`).join('');
}
