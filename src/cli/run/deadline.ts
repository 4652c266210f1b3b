// The limit of a whole run (--deadline): when it has passed, the run is stopped as by Ctrl-C, and what does not end is left.
import { KbError, type Problem } from '../../errors.ts';
import type { Reporter } from '../../report/events.ts';
import { parseDuration } from '../../util/duration.ts';
import { sleep } from '../../util/retry.ts';

/** Seconds for the step that runs then to end, and after that for connections to close: together less than five (R31). */
export const deadlineGrace = { step: 2.5, close: 1 } as const;

export interface Deadline {
  readonly hasPassed: () => boolean;
  /** Rejects with KB_DEADLINE when the step that ran then has not ended in time: its host hangs. */
  readonly overdue: Promise<never>;
  /** What a run ended with, in the words of whoever set a limit for it. */
  readonly explain: (error: KbError) => KbError;
  readonly clear: () => void;
}

export interface DeadlineOptions {
  readonly abort: () => void;
  readonly reporter: Reporter;
  readonly host: string;
  /** The command that goes on. */
  readonly resumeCommand: string;
}

/** A limit as it was given, and in seconds. */
export interface Limit {
  readonly text: string;
  readonly seconds: number;
}

/** What --deadline says. @throws KbError KB_CONFIG */
export function readLimit(text: string | undefined): Limit | undefined {
  if (text === undefined) return undefined;
  const seconds = parseDuration(text);
  // What a timer can count: 24 days.
  if (seconds !== undefined && seconds > 0 && seconds < 2 ** 31 / 1000 - deadlineGrace.step) return { text, seconds };
  throw new KbError({
    code: 'KB_CONFIG',
    summary: 'invalid value for --deadline',
    detail: `--deadline is ${JSON.stringify(text)}`,
    fix: 'write for example 90s or 10m',
  });
}

/** Start the clock; without a limit nothing ever happens. */
export function startDeadline(limit: Limit | undefined, options: DeadlineOptions): Deadline {
  if (limit === undefined) return unlimited();
  const { abort, reporter, host, resumeCommand } = options;
  let hasPassed = false;
  let leave: (error: KbError) => void = () => undefined;
  const overdue = new Promise<never>((_, reject) => (leave = reject));
  overdue.catch(() => undefined);
  const late = `the step that was running did not end within ${deadlineGrace.step} s`;
  let timer = setTimeout(() => {
    hasPassed = true;
    reporter.emit({ kind: 'warning', host, text: `${passed(limit.text)}: stopping after the current step` });
    abort();
    timer = setTimeout(() => leave(new KbError(timeIsUp(limit.text, late, resumeCommand))), deadlineGrace.step * 1000);
  }, limit.seconds * 1000);
  return {
    hasPassed: () => hasPassed,
    overdue,
    explain: (error) => (hasPassed ? explained(error, limit.text, resumeCommand) : error),
    clear: () => clearTimeout(timer),
  };
}

function unlimited(): Deadline {
  return {
    hasPassed: () => false,
    overdue: new Promise<never>(() => undefined),
    explain: (error) => error,
    clear: () => undefined,
  };
}

/** The work, or KB_DEADLINE shortly after each of many hosts has had its own chance to say so. */
export async function unlessOverdue<T>(work: Promise<T>, { overdue }: Pick<Deadline, 'overdue'>): Promise<T> {
  const left = overdue.catch(async (error: unknown) => {
    await sleep(0.2);
    throw error;
  });
  return Promise.race([work, left]);
}

/** An interruption is the deadline's; a failure of another kind came while the run was being stopped. */
function explained(error: KbError, text: string, resumeCommand: string): KbError {
  const problems = error.problems.map((problem) =>
    problem.code === 'KB_INTERRUPTED' ? { ...problem, ...timeIsUp(text, problem.detail, resumeCommand) } : problem,
  );
  const known = problems.some(({ code }) => code === 'KB_DEADLINE');
  const own = known ? [] : [timeIsUp(text, 'the run was being stopped', resumeCommand)];
  return new KbError([...problems, ...own], { cause: error });
}

function timeIsUp(text: string, detail: string, resumeCommand: string): Problem {
  return {
    code: 'KB_DEADLINE',
    summary: 'the --deadline was reached',
    detail: `${passed(text)}; ${detail}`,
    fix: `to continue, with more time if that was too little: ${resumeCommand}`,
  };
}

function passed(text: string): string {
  return `the ${text} of --deadline have passed`;
}
