import { expect, test } from 'vitest';
import { columns, padded } from '../../../src/util/columns.ts';

test('a column is as wide as its widest cell and three more, ten at least; the last cell is as it is', () => {
  expect(
    columns([
      ['NAME', 'SIZE', 'NOTE'],
      ['kube-apiserver', '1', 'long long note'],
    ]),
  ).toBe('NAME             SIZE      NOTE\nkube-apiserver   1         long long note\n');
});

test('characters are counted, not UTF-16 units', () => {
  expect(padded('𝄞a', 4)).toBe('𝄞a  ');
  expect(
    columns([
      ['😀😀😀😀😀😀😀😀', '|'],
      ['12345678', '|'],
    ]),
  ).toBe('😀😀😀😀😀😀😀😀   |\n12345678   |\n');
});

test('text that is longer than its place is left as it is', () => {
  expect(padded('abc', 2)).toBe('abc');
});
