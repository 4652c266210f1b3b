/** Owns what a person sees of a long run: lines with the time since the start, and a table of where it went. */

/** Takes one line of progress. */
export type Report = (line: string) => void;

/** A report that puts the seconds since now before each line. */
export function timedReport(write: Report, startedAt: number = performance.now()): Report {
  return (line) => write(`${seconds(performance.now() - startedAt).padStart(7)}  ${line}`);
}

/** Milliseconds as a person reads them. */
export function seconds(milliseconds: number): string {
  return milliseconds < 60_000
    ? `${(milliseconds / 1000).toFixed(1)} s`
    : `${Math.floor(milliseconds / 60_000)} m ${Math.round((milliseconds % 60_000) / 1000)
        .toString()
        .padStart(2, '0')} s`;
}

/** Rows as lines of a table, columns aligned. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
