import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../../src/util/duration.ts';

test.each([
  ['24h0m0s', 86_400],
  ['4m', 240],
  ['0', 0],
  ['0s', 0],
  ['1.5h', 5400],
  ['300ms', 0.3],
  ['1h2m3.5s', 3723.5],
  ['-10s', -10],
  ['+1m', 60],
  ['.5s', 0.5],
  ['87600h0m0s', 315_360_000],
])('reads %s as Go does', (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

test.each(['', '10', 'h', '1d', '1h 2m', '1', '-', '1.2.3s', 's1', '1e3s', '9999999999h'])('refuses %j', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test.each([
  [86_400, '24h0m0s'],
  [240, '4m0s'],
  [0, '0s'],
  [1.5, '1.5s'],
  [0.3, '300ms'],
  [0.000_003, '3µs'],
  [59.1, '59.1s'],
  [3723.5, '1h2m3.5s'],
  [-90, '-1m30s'],
])('prints %d seconds as Go does', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test('what is printed reads back the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }), (milliseconds) => {
      expect(parseDuration(formatDuration(milliseconds / 1000))).toBeCloseTo(milliseconds / 1000, 6);
    }),
  );
});
