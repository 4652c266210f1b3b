// Columns as Go's tabwriter lays them out where kubeadm prints a table.

import { printable } from './invisible.ts';

/** A least width of 10 and a padding of 3 (kubeadm's settings everywhere); the last cell is as it is. */
export function columns(cells: readonly (readonly string[])[]): string {
  // Before they are measured: what somebody else wrote must neither steer the terminal nor shift a column.
  const rows = cells.map((row) => row.map(printable));
  const widths = (rows[0] ?? []).map((_, index) => Math.max(10, ...rows.map((row) => width(row[index] ?? '') + 3)));
  const line = (row: readonly string[]): string =>
    row.map((text, index) => (index === row.length - 1 ? text : padded(text, widths[index] ?? 0))).join('');
  return rows.map((row) => `${line(row)}\n`).join('');
}

/** Go's `%-9s`: filled up with spaces, counted in characters. */
export function padded(text: string, length: number): string {
  return text + ' '.repeat(Math.max(0, length - width(text)));
}

/** Go counts code points. */
function width(text: string): number {
  return text.replaceAll(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g, '_').length;
}
