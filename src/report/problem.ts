// Renders a failure as the block a user reads: what, where, found, do, and where the log is.
import type { Problem } from '../errors.ts';
import { printable, visible } from '../util/invisible.ts';
import { wrapped } from '../util/wrap.ts';
import { painter } from './style.ts';

export interface ProblemStyle {
  readonly logPath?: string | undefined;
  readonly color?: boolean;
  /** The width of the screen, where it has one. */
  readonly columns?: number | undefined;
}

const labelWidth = 8;
/** `│ ` before each row. */
const ruleWidth = 2;

/** Lines of evidence that are worth a screen; all of it is in the log. */
const evidenceLines = 8;

/** The block, without a line feed at its end. Its left rule survives copy and paste. */
export function renderProblem(problem: Problem, style: ProblemStyle = {}): string {
  const paint = painter(style.color ?? false);
  const where = [problem.phase, problem.host].filter((part) => part !== undefined).join(' on ');
  const room = (style.columns ?? Infinity) - ruleWidth;
  const indent = ' '.repeat(problem.code.length + 2);
  const [summary = '', ...more] = wrapped(printable(visible(problem.summary)), room - indent.length);
  const fields: readonly (readonly [label: string, text: string])[] = [
    ['where', where],
    ['found', problem.detail],
    ['', (problem.evidence ?? []).slice(-evidenceLines).join('\n')],
    ['do', problem.fix],
    ['log', style.logPath ?? ''],
  ];
  const rows = [
    ...more.map((line) => indent + paint('bold', line)),
    ...fields.flatMap(([label, text]) => labelled(label, text, room - labelWidth)),
  ];
  const head = `${paint('red', problem.code)}  ${paint('bold', summary)}`;
  const body = rows.map((row, index) => `${paint('red', index === rows.length - 1 ? '╵' : '│')} ${row}`);
  return [`${paint('red', '╷')} ${head}`, ...body].join('\n');
}

/** A label and its text; further lines of the text stand under the first. */
function labelled(label: string, text: string, room: number): readonly string[] {
  if (text === '') return [];
  return printable(visible(text))
    .split('\n')
    .flatMap((line) => wrapped(line, room))
    .map((line, index) => `${(index === 0 ? label : '').padEnd(labelWidth)}${line}`.trimEnd());
}
