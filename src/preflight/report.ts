// What became of every check on every host: a table for people, the same as an object for programs.
import { columns } from '../util/columns.ts';
import { count } from '../util/text.ts';
import type { CheckResult } from './check.ts';

/** The checks of one host, in the order they were made. */
export interface HostReport {
  /** The host as the user named it. */
  readonly host: string;
  readonly results: readonly CheckResult[];
}

export interface PreflightAnswer {
  readonly object: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** The report in both forms. Passed checks are only counted in the table, and listed in the object. */
export function preflightAnswer(reports: readonly HostReport[]): PreflightAnswer {
  return { object: objectOf(reports), text: tableOf(reports) };
}

function objectOf(reports: readonly HostReport[]): Readonly<Record<string, unknown>> {
  return {
    kind: 'PreflightReport',
    hosts: reports.map(({ host, results }) => ({
      host,
      ok: !results.some(({ outcome }) => outcome === 'error'),
      checks: results.map(({ name, outcome, text, fix }) => ({
        name,
        outcome,
        ...(text === undefined ? {} : { found: text }),
        ...(fix === undefined ? {} : { do: fix }),
      })),
    })),
  };
}

/** The worst first. */
const order = ['error', 'warning', 'ignored', 'explained'] as const;

function tableOf(reports: readonly HostReport[]): string {
  const findings = reports.flatMap(({ host, results }) =>
    order.flatMap((outcome) => results.filter((one) => one.outcome === outcome).map((one) => ({ host, ...one }))),
  );
  const rows = findings.flatMap(({ host, name, outcome, text = '', fix }) => [
    [host, outcome, name, text],
    ...(fix === undefined ? [] : [['', '', '', `do: ${fix}`]]),
  ]);
  const head = rows.length === 0 ? '' : `${columns([['HOST', 'RESULT', 'CHECK', 'FOUND'], ...rows])}\n`;
  const sums = columns(reports.map(({ host, results }) => [host, summary(results)]));
  return `${head}${sums}`;
}

/** `31 checks passed, 1 warning, 2 errors` */
function summary(results: readonly CheckResult[]): string {
  const number = (outcome: CheckResult['outcome']): number => results.filter((one) => one.outcome === outcome).length;
  const parts = (['warning', 'error'] as const)
    .filter((outcome) => number(outcome) > 0)
    .map((outcome) => count(number(outcome), outcome));
  const silent = number('ignored') + number('explained');
  return [`${count(number('passed'), 'check')} passed`, ...parts, ...(silent === 0 ? [] : [`${silent} let pass`])].join(
    ', ',
  );
}
