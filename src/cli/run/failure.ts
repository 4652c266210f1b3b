// How a run that failed ends: what is said of it, and its exit code.
import { exitCode, interrupted, KbError, type Problem } from '../../errors.ts';
import type { Reporter } from '../../report/events.ts';
import type { Deadline } from './deadline.ts';

/** Show a failure and give its exit code. */
export function tellFailure(
  error: unknown,
  host: string,
  reporter: Reporter,
  { signal, deadline }: { readonly signal: AbortSignal; readonly deadline: Deadline },
): number {
  const found = error instanceof KbError ? error : asInterruption(error, signal);
  if (found !== undefined) {
    const known = deadline.explain(found);
    for (const problem of known.within({ host }).problems) reporter.emit({ kind: 'problem', problem });
    return known.exitCode;
  }
  reporter.emit({ kind: 'problem', problem: { ...bugProblem(error), host } });
  return exitCode.bug;
}

/** What was thrown and is no KbError. */
export function bugProblem(error: unknown): Problem {
  return {
    code: 'KB_BUG',
    summary: 'a bug in kbinit',
    detail: error instanceof Error ? error.message : String(error),
    fix: 'report it with the log; the host can be worked on again by the same command',
    evidence: error instanceof Error && error.stack !== undefined ? error.stack.split('\n').slice(1, 6) : [],
  };
}

/** What an aborted request throws is the interruption, not a bug. */
function asInterruption(error: unknown, signal: AbortSignal): KbError | undefined {
  if (!signal.aborted || !(error instanceof Error) || error.name !== 'AbortError') return undefined;
  return interrupted('the run stopped while it talked to the API server');
}
