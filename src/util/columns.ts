// Columns as Go's tabwriter lays them out where kubeadm prints a table.

import { printable } from './invisible.ts';
import { textWidth, wrapped } from './wrap.ts';

/**
 * A least width of 10 and a padding of 3 (kubeadm's settings everywhere); the last cell is as it is. The first row is the
 * header: where a line is wider than the screen, each row is a block of `HEADER  cell` lines instead.
 */
export function columns(cells: readonly (readonly string[])[], screen: number = Infinity): string {
  // Before they are measured: what somebody else wrote must neither steer the terminal nor shift a column.
  const rows = cells.map((row) => row.map(printable));
  const widths = (rows[0] ?? []).map((_, index) => Math.max(10, ...rows.map((row) => width(row[index] ?? '') + 3)));
  const line = (row: readonly string[]): string =>
    row.map((text, index) => (index === row.length - 1 ? text : padded(text, widths[index] ?? 0))).join('');
  const lines = rows.map(line);
  const [header = [], ...body] = rows;
  if (screen !== Infinity && lines.some((one) => textWidth(one) > screen)) return blocks(header, body, screen);
  return lines.map((one) => `${one}\n`).join('');
}

/** A block for each row, an empty line between two; empty cells are left out, long ones wrapped. */
export function blocks(header: readonly string[], rows: readonly (readonly string[])[], screen: number): string {
  const indent = Math.max(...header.map((title) => title.length)) + 2;
  const lineOf = (title: string, cell: string): readonly string[] =>
    cell === '' ? [] : wrapped(cell, screen - indent).map((part, n) => (n === 0 ? title : '').padEnd(indent) + part);
  return rows
    .map((row) => header.flatMap((title, n) => lineOf(title, printable(row[n] ?? '').trim())))
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

/** Go's `%-9s`: filled up with spaces, counted in characters. */
export function padded(text: string, length: number): string {
  return text + ' '.repeat(Math.max(0, length - width(text)));
}

/** Go counts code points. */
function width(text: string): number {
  return text.replaceAll(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g, '_').length;
}
