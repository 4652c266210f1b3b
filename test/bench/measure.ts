// What every bench needs: the shape of a line of the table, medians and times.

/** One line of the table. */
export interface Row {
  readonly what: string;
  readonly ours: number;
  /** undefined = there is no peer for it. */
  readonly peer: number | undefined;
  readonly bar: string;
  readonly unit: string;
}

/** The middle value; the upper one of two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Seconds that it takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
