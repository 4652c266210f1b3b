// What became of what was printed: its reader may have gone (`kbinit … | head`), the disk that it goes to may be full.
import { setImmediate } from 'node:timers/promises';
import type { Problem } from '../../errors.ts';

export interface OutputWatch {
  /** What kept the answer from being written. A reader that has gone has read enough: that is none. */
  failure(): Promise<Problem | undefined>;
}

/** Listen to standard output and standard error, whose failures would otherwise end the process where it stands. */
export function watchOutput(): OutputWatch {
  let failed: NodeJS.ErrnoException | undefined;
  const onAnswerLost = (error: NodeJS.ErrnoException): void => void (failed ??= error);
  const onProgressLost = (): void => undefined;
  process.stdout.on('error', onAnswerLost);
  process.stderr.on('error', onProgressLost);
  return {
    async failure() {
      // What a pipe has no room for waits for its reader; and the event comes after the write.
      if (process.stdout.writableLength > 0) {
        await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
      }
      await setImmediate();
      process.stdout.off('error', onAnswerLost);
      process.stderr.off('error', onProgressLost);
      if (failed === undefined || failed.code === 'EPIPE') return undefined;
      return {
        code: 'KB_STDOUT',
        summary: 'the answer could not be printed',
        detail: `standard output takes no more: ${failed.message}`,
        fix: 'make room where it goes, then run the command again; what it changed stays as it is',
      };
    },
  };
}
