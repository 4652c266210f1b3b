// What `init phase preflight` and `join phase preflight` print: what became of every check, in the form of `-o`.
import type { CheckResult } from '../../preflight/check.ts';
import { preflightAnswer } from '../../preflight/report.ts';
import { columnsFor } from '../../report/columns.ts';
import { printerOf, type OutputOptions } from '../output/printer.ts';
import type { Session } from './session.ts';
import { completeFixes } from './suggest.ts';

/** Collects what is checked, and prints it when the phase has ended, however it ended. */
export interface Checked {
  readonly onChecked: (results: readonly CheckResult[]) => void;
  show(session: Pick<Session, 'host' | 'print' | 'suggestions'>): void;
}

/** @throws KbError KB_OUTPUT */
export async function checkedPrinter(options: OutputOptions): Promise<Checked> {
  const print = await printerOf(options);
  const results: CheckResult[] = [];
  return {
    onChecked: (more) => void results.push(...more),
    show: ({ host, print: out, suggestions }) => {
      const reports = completeFixes([{ host: host.name, results: once(results) }], suggestions);
      if (results.length > 0) out(print(preflightAnswer(reports, columnsFor(process.stdout, process.env))));
    },
  };
}

/** A joining control plane is asked some things twice: what was found counts, a name that passed is told once. */
function once(results: readonly CheckResult[]): readonly CheckResult[] {
  return results.filter(
    (one, index) =>
      one.outcome !== 'passed' ||
      !results.some(({ name, outcome }, other) => name === one.name && (outcome !== 'passed' || other < index)),
  );
}
