// When a phase is run again within a run: its connection was lost under a command that may or may not have run.
import { KbError } from '../../errors.ts';
import type { Reporter } from '../../report/events.ts';
import type { RunOptions } from '../../workflow/runner.ts';

/** As often as a single command is tried (host/remote.ts). */
const attempts = 3;

/** The rule for `runPhases`, which tells the reporter what it does. */
export function repeatWhenLost(reporter: Reporter, host: string): NonNullable<RunOptions['isWorthRepeating']> {
  return (phase, error, attempt) => {
    if (!(error instanceof KbError) || attempt >= attempts) return false;
    const lost = error.problems.every(({ code }) => code === 'KB_SSH_LOST') ? error.problems[0] : undefined;
    if (lost === undefined) return false;
    const text = `${lost.detail}; detecting completed steps and continuing with ${phase}`;
    reporter.emit({ kind: 'warning', host: lost.host ?? host, phase, text });
    return true;
  };
}
