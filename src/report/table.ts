// Aligned columns, and where the time of a run went.
import { printable } from '../util/invisible.ts';
import { seconds } from './style.ts';

/** Columns padded to their widest cell, two spaces between; the last column is not padded. */
export function table(cells: readonly (readonly string[])[]): string {
  // Before they are measured: what a host said must neither steer the terminal nor shift a column.
  const rows = cells.map((row) => row.map(printable));
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  const line = (row: readonly string[]): string =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd();
  return rows.map(line).join('\n');
}

/** One phase on one host and how long it took. */
export interface PhaseTime {
  readonly host: string;
  readonly phase: string;
  readonly seconds: number;
}

/** A line a phase, the share of the whole in percent, the sum at the end. */
export function timeTable(times: readonly PhaseTime[]): string {
  const sum = times.reduce((total, time) => total + time.seconds, 0);
  const share = (value: number): string => `${sum === 0 ? 0 : Math.round((value / sum) * 100)}%`.padStart(4);
  const rows = times.map((t) => [t.host, t.phase, seconds(t.seconds).padStart(7), share(t.seconds)]);
  return table([...rows, ['', 'sum', seconds(sum).padStart(7)]]);
}
