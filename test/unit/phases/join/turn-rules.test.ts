import { expect, test } from 'vitest';
import { judgeTurn, takenBy } from '../../../../src/phases/join/turn-rules.ts';

const now = new Date('2026-11-21T12:00:00Z');
const nobodyIsDead = (): boolean => false;
const heldBy = (holder: string) => takenBy(holder, now, 15, undefined);

test('without a Lease, or with one that nobody holds, it is free', () => {
  expect(judgeTurn({ lease: undefined, unchangedSeconds: 0 }, 'me', nobodyIsDead)).toEqual({ kind: 'free' });
  expect(judgeTurn({ lease: heldBy(''), unchangedSeconds: 0 }, 'me', nobodyIsDead)).toEqual({ kind: 'free' });
});

test('what this very run holds is its own: the answer to its first try was lost', () => {
  expect(judgeTurn({ lease: heldBy('me'), unchangedSeconds: 0 }, 'me', nobodyIsDead)).toEqual({ kind: 'mine' });
});

test('a holder is waited for until its Lease has not changed for its duration', () => {
  const judge = (unchangedSeconds: number) => judgeTurn({ lease: heldBy('ann'), unchangedSeconds }, 'me', nobodyIsDead);
  expect(judge(14.9)).toEqual({ kind: 'wait', holder: 'ann' });
  expect(judge(15)).toEqual({ kind: 'free' });
});

test('the times in the Lease are not judged: clocks of other machines may be wrong', () => {
  const old = { ...heldBy('ann'), renewedAt: new Date('2001-01-01T00:00:00Z') };
  expect(judgeTurn({ lease: old, unchangedSeconds: 1 }, 'me', nobodyIsDead)).toEqual({ kind: 'wait', holder: 'ann' });
});

test('a holder that is known to be dead is succeeded at once', () => {
  const isDead = (holder: string): boolean => holder === 'ann';
  expect(judgeTurn({ lease: heldBy('ann'), unchangedSeconds: 0 }, 'me', isDead)).toEqual({ kind: 'free' });
  expect(judgeTurn({ lease: heldBy('bob'), unchangedSeconds: 0 }, 'me', isDead)).toEqual({
    kind: 'wait',
    holder: 'bob',
  });
});

test('each new holder counts as a transition, the first as none', () => {
  const first = takenBy('ann', now, 15, undefined);
  expect(first.transitions).toBe(0);
  expect(takenBy('bob', now, 15, first)).toEqual({
    holder: 'bob',
    seconds: 15,
    acquiredAt: now,
    renewedAt: now,
    transitions: 1,
  });
});
