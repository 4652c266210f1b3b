// Waiting: a condition in words, a deadline, an AbortSignal, and the last answer when it gives up.
import { setTimeout as sleep } from 'node:timers/promises';
import { interrupted, KbError } from '../errors.ts';

export interface UntilOptions {
  readonly timeoutSeconds: number;
  /** Milliseconds between two tries; default 200. */
  readonly intervalMs?: number;
  readonly signal: AbortSignal;
  /** Called with the last answer after each failed try. */
  readonly onTry?: (last: string) => void;
  /** What a failure that another try will not change is called; a few seconds of nothing else end the wait with it. */
  readonly refusal?: (error: unknown) => KbError | undefined;
}

/** How long a refusal may come from something that is just being replaced. */
const refusalSeconds = 3;

/** A try of `until`: the value, why not yet, or the last answer where waiting on is of no use. */
export type Attempt<T> = { readonly value: T } | { readonly notYet: string } | { readonly hopeless: string };

/** What `until` throws when time is up, or waiting on is of no use; `last` is the last answer. */
export class TimedOut extends Error {
  readonly what: string;
  readonly last: string;
  readonly seconds: number;
  constructor(what: string, last: string, seconds: number) {
    super(`waited ${seconds} s for ${what}; last answer: ${last}`);
    this.what = what;
    this.last = last;
    this.seconds = seconds;
  }
}

/**
 * Try until it holds. A try that throws anything but a KbError counts as "not yet": its message is the last answer.
 * @throws TimedOut when the time is up; KbError of a try at once, of `refusal` when it lasts; KB_INTERRUPTED when the
 * signal fires
 */
export async function until<T>(what: string, options: UntilOptions, attempt: () => Promise<Attempt<T>>): Promise<T> {
  const begun = performance.now();
  const deadline = begun + options.timeoutSeconds * 1000;
  let last = 'no answer yet';
  let refusedSince: number | undefined;
  for (;;) {
    if (options.signal.aborted) throw interrupted(`the run stopped while it waited for ${what}`);
    let refusal: KbError | undefined;
    let isHopeless = false;
    try {
      const result = await attempt();
      if ('value' in result) return result.value;
      isHopeless = 'hopeless' in result;
      last = 'hopeless' in result ? result.hopeless : result.notYet;
    } catch (error) {
      if (error instanceof KbError) throw error;
      last = error instanceof Error ? error.message : String(error);
      refusal = options.refusal?.(error);
    }
    options.onTry?.(last);
    const now = performance.now();
    if (isHopeless) throw new TimedOut(what, last, Math.round((now - begun) / 1000));
    refusedSince = refusal === undefined ? undefined : (refusedSince ?? now);
    const isLasting = refusedSince !== undefined && now - refusedSince >= refusalSeconds * 1000;
    if (refusal !== undefined && (isLasting || now >= deadline)) throw refusal;
    if (now >= deadline) throw new TimedOut(what, last, options.timeoutSeconds);
    await sleep(options.intervalMs ?? 200, undefined, { signal: options.signal }).catch(() => undefined);
  }
}
