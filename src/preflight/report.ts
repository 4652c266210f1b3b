// What became of every check on every host: a table for people, the same as an object for programs.
import { columns } from '../util/columns.ts';
import { printable } from '../util/invisible.ts';
import { count } from '../util/text.ts';
import { wrapped } from '../util/wrap.ts';
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
export function preflightAnswer(reports: readonly HostReport[], screen?: number): PreflightAnswer {
  return { object: objectOf(reports), text: tableOf(reports, screen) };
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

function tableOf(reports: readonly HostReport[], screen = Infinity): string {
  const findings = reports.flatMap(({ host, results }) =>
    order.flatMap((outcome) => results.filter((one) => one.outcome === outcome).map((one) => ({ host, ...one }))),
  );
  const sums = columns(reports.map(({ host, results }) => [host, summary(results)]));
  const table = findings.length === 0 ? '' : `${findingsTable(findings, screen)}\n`;
  return table + sums.replaceAll(/^.+$/gm, (line) => hanging(line, screen));
}

interface Finding extends CheckResult {
  readonly host: string;
}

/** Room for a sentence beside host, result and check; with less it goes below them. */
const leastFound = 30;

function findingsTable(findings: readonly Finding[], screen: number): string {
  const lead = findings.map(({ host, outcome, name }) => [host, outcome, name]);
  const room =
    screen - columns([['HOST', 'RESULT', 'CHECK', '*'], ...lead.map((cells) => [...cells, '*'])]).indexOf('*');
  const said = ({ text = '', fix }: Finding): readonly string[] => [text, ...(fix === undefined ? [] : [`do: ${fix}`])];
  if (room < leastFound) {
    const blocks = findings.map((one) => [
      hanging(`${one.host}  ${one.outcome}  ${one.name}`, screen),
      ...said(one).map((line) => hanging(`    ${line}`, screen)),
    ]);
    return blocks.map((lines) => `${printable(lines.join('\n'))}\n`).join('');
  }
  const rows = findings.flatMap((one) => {
    const [first = '', ...more] = said(one).flatMap((line) => wrapped(line, room));
    return [[one.host, one.outcome, one.name, first], ...more.map((line) => ['', '', '', line])];
  });
  return columns([['HOST', 'RESULT', 'CHECK', 'FOUND'], ...rows]);
}

/** A line whose rest is indented. */
function hanging(line: string, screen: number): string {
  const [first = '', ...rest] = wrapped(line, screen);
  if (rest.length === 0) return first;
  return [first, ...wrapped(line.slice(first.length).trim(), screen - 4).map((part) => `    ${part}`)].join('\n');
}

/** `31 checks passed, 1 warning, 2 errors` */
function summary(results: readonly CheckResult[]): string {
  const number = (outcome: CheckResult['outcome']): number => results.filter((one) => one.outcome === outcome).length;
  const parts = (['warning', 'error'] as const)
    .filter((outcome) => number(outcome) > 0)
    .map((outcome) => count(number(outcome), outcome));
  const silent = number('ignored') + number('explained');
  return [`${count(number('passed'), 'check')} passed`, ...parts, ...(silent === 0 ? [] : [`${silent} ignored`])].join(
    ', ',
  );
}
