// Waiting and trying again, with a signal to stop.

/** Wait; rejects with the signal's reason when it is aborted. */
export async function sleep(seconds: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, seconds * 1000);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

export interface RetryOptions {
  readonly tries: number;
  /** Seconds before the second try; doubled for each one after, with up to half of it added at random. */
  readonly firstDelaySeconds: number;
  /** No delay is longer than this. */
  readonly longestDelaySeconds?: number;
  readonly isWorthRetrying: (error: unknown) => boolean;
  readonly signal?: AbortSignal;
}

/** Call until it does not throw; the last error is the caller's. */
export async function retry<T>(call: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call(attempt);
    } catch (error) {
      if (attempt >= options.tries || !options.isWorthRetrying(error)) throw error;
      // The jitter keeps many hosts' reconnects from hitting one sshd (MaxStartups) at the same moment.
      const doubled = options.firstDelaySeconds * 2 ** Math.min(attempt - 1, 20);
      const delay = Math.min(doubled, options.longestDelaySeconds ?? Infinity) * (1 + Math.random() / 2);
      await sleep(delay, options.signal);
    }
  }
}
