// Whose turn it is among control planes that join at once: the rules, without a cluster.
import type { LeaseState } from '../../manifests/lease.ts';

/** A Lease as it was seen, and for how long it has been the same by this machine's own clock. */
export interface Seen {
  readonly lease: LeaseState | undefined;
  readonly unchangedSeconds: number;
}

export type Verdict =
  { readonly kind: 'mine' } | { readonly kind: 'free' } | { readonly kind: 'wait'; readonly holder: string };

/**
 * Judge. A holder renews what it holds, so a Lease that has not changed for its own duration is a dead one's; the times
 * written in it are another machine's and prove nothing. `isDead` knows processes of this machine.
 */
export function judgeTurn(seen: Seen, self: string, isDead: (holder: string) => boolean): Verdict {
  const { lease, unchangedSeconds } = seen;
  if (lease === undefined || lease.holder === '') return { kind: 'free' };
  if (lease.holder === self) return { kind: 'mine' };
  if (unchangedSeconds >= lease.seconds || isDead(lease.holder)) return { kind: 'free' };
  return { kind: 'wait', holder: lease.holder };
}

/** The Lease of a new holder, after the one that was there. */
export function takenBy(self: string, now: Date, seconds: number, before: LeaseState | undefined): LeaseState {
  return { holder: self, seconds, acquiredAt: now, renewedAt: now, transitions: (before?.transitions ?? -1) + 1 };
}
