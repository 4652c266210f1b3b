// What every bench needs: the shape of a line of the table, medians, times and memory.
import { readFileSync } from 'node:fs';

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

/** The largest resident set of a child while it runs, in MiB. */
export function watchMemory(): {
  readonly onStart: (child: { readonly pid?: number | undefined }) => void;
  readonly peak: () => number;
} {
  let peak = 0;
  const onStart = (child: { readonly pid?: number | undefined }): void => {
    const timer = setInterval(() => {
      try {
        const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'));
        peak = Math.max(peak, Number(match?.[1] ?? 0) / 1024);
      } catch {
        clearInterval(timer);
      }
    }, 50);
    timer.unref();
  };
  return { onStart, peak: () => peak };
}
