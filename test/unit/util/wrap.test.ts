import { describe, expect, test } from 'vitest';
import { textWidth, wrapped } from '../../../src/util/wrap.ts';

const sentence =
  'the kubelet cannot talk to the container runtime: start it with `systemctl start containerd` and run again';

describe('a wrapped line', () => {
  test.each([20, 40, 60])('is broken at blanks within %i columns, and loses no word', (columns) => {
    const lines = wrapped(sentence, columns);
    for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(columns);
    expect(lines.join(' ')).toBe(sentence);
  });

  test('that fits stays as it is, its blanks too', () => {
    expect(wrapped('  a  b', 20)).toEqual(['  a  b']);
    expect(wrapped(sentence, Infinity)).toEqual([sentence]);
    expect(wrapped('', 20)).toEqual(['']);
  });

  test('cuts only a word that is longer than a line', () => {
    const hash = 'sha256:0123456789abcdef0123456789abcdef';
    expect(wrapped(`the hash ${hash} is wrong`, 20)).toEqual([
      'the hash',
      'sha256:0123456789abc',
      'def0123456789abcdef',
      'is wrong',
    ]);
  });

  test('counts wide characters twice and never cuts one', () => {
    const lines = wrapped('主机'.repeat(20), 21);
    expect(lines.map(textWidth)).toEqual([20, 20, 20, 20]);
    expect(lines.join('')).toBe('主机'.repeat(20));
  });
});
