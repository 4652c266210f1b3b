// What shows a run on standard error: JSON, plain lines, or a live view on a terminal.
import type { Reporter } from '../../report/events.ts';
import { columnsFor } from '../../report/columns.ts';
import { jsonReporter } from '../../report/json.ts';
import { plainReporter } from '../../report/plain.ts';
import { wantsColor } from '../../report/style.ts';
import { ttyReporter } from '../../report/tty.ts';

/** The flags that say how. */
export interface ViewOptions {
  readonly logFormat?: 'text' | 'json';
  /** Verbosity: from 1 on, every step is shown. */
  readonly v?: number;
}

/** `pause` makes room on the terminal for something else to be printed or asked. */
export interface View {
  readonly reporter: Reporter;
  pause(): void;
  resume(): void;
}

/** Open it. */
export function openView(options: ViewOptions): View {
  const still = { pause: () => undefined, resume: () => undefined };
  if (options.logFormat === 'json') return { reporter: jsonReporter(process.stderr), ...still };
  const style = {
    color: wantsColor(process.stderr, process.env),
    verbose: (options.v ?? 0) > 0,
    columns: () => columnsFor(process.stderr, process.env),
  };
  if (!process.stderr.isTTY) return { reporter: plainReporter(process.stderr, style), ...still };
  const live = ttyReporter(process.stderr, style);
  return { reporter: live, pause: () => live.pause(), resume: () => live.resume() };
}

/** Run something that talks on the terminal itself. */
export async function aside<T>(view: View, talk: () => Promise<T> | T): Promise<T> {
  view.pause();
  try {
    return await talk();
  } finally {
    view.resume();
  }
}
