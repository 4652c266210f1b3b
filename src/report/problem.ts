// Renders a failure as the block a user reads: what, where, found, do, and where the log is.
import type { Problem } from '../errors.ts';
import { printable, visible } from '../util/invisible.ts';
import { painter } from './style.ts';

export interface ProblemStyle {
  readonly logPath?: string | undefined;
  readonly color?: boolean;
}

const labelWidth = 8;

/** Lines of evidence that are worth a screen; all of it is in the log. */
const evidenceLines = 8;

/** The block, without a line feed at its end. Its left rule survives copy and paste. */
export function renderProblem(problem: Problem, style: ProblemStyle = {}): string {
  const paint = painter(style.color ?? false);
  const where = [problem.phase, problem.host].filter((part) => part !== undefined).join(' on ');
  const rows = [
    ...labelled('where', where),
    ...labelled('found', problem.detail),
    ...labelled('', (problem.evidence ?? []).slice(-evidenceLines).join('\n')),
    ...labelled('do', problem.fix),
    ...labelled('log', style.logPath ?? ''),
  ];
  const head = `${paint('red', problem.code)}  ${paint('bold', printable(visible(problem.summary)))}`;
  const body = rows.map((row, index) => `${paint('red', index === rows.length - 1 ? '╵' : '│')} ${row}`);
  return [`${paint('red', '╷')} ${head}`, ...body].join('\n');
}

/** A label and its text; further lines of the text stand under the first. */
function labelled(label: string, text: string): readonly string[] {
  if (text === '') return [];
  return printable(visible(text))
    .split('\n')
    .map((line, index) => `${(index === 0 ? label : '').padEnd(labelWidth)}${line}`.trimEnd());
}
