// Tables in a frame, as etcdctl prints them (olekukonko/tablewriter, cells to the right).

import { blocks } from '../util/columns.ts';
import { printable } from '../util/invisible.ts';

/** A header in capitals, centred, and its rows; ends with a line break. Where the screen is narrower, a block for each row. */
export function boxed(
  header: readonly string[],
  cells: readonly (readonly string[])[],
  screen: number = Infinity,
): string {
  const rows = cells.map((row) => row.map(printable));
  const widths = header.map((title, index) => Math.max(title.length, ...rows.map((row) => (row[index] ?? '').length)));
  const line = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`;
  if (line.length > screen) return blocks(header, rows, screen);
  const titles = header.map((title, index) => ` ${centred(title.toUpperCase(), widths[index] ?? 0)} `);
  const lines = rows.map((row) => widths.map((width, index) => ` ${(row[index] ?? '').padStart(width)} `));
  return [line, ...[titles].map(framed), line, ...lines.map(framed), ...(rows.length === 0 ? [] : [line]), ''].join(
    '\n',
  );
}

function framed(cells: readonly string[]): string {
  return `|${cells.join('|')}|`;
}

/** What is left over goes to the right. */
function centred(text: string, width: number): string {
  return text.padStart(text.length + Math.floor((width - text.length) / 2)).padEnd(width);
}
