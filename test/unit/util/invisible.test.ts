import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapedJson, hasSteering, isOneVisibleLine, printable, quoted, visible } from '../../../src/util/invisible.ts';

test.each([
  ['a window title', '\u001B]0;PWNED\u0007x', ']0;PWNEDx'],
  ['a colour', '\u001B[31mred\u001B[0m', 'red'],
  ['a control of the second half', '\u009B31mred', '31mred'],
  ['text turned around', 'user\u202Etxt.exe', String.raw`user\u202etxt.exe`],
  ['an isolate', '\u2066a\u2069', String.raw`\u2066a\u2069`],
  ['the marks of a direction', '\u200Ea\u200F\u061C', String.raw`\u200ea\u200f\u061c`],
  ['text without a width', 'a\u200Bb\uFEFF', String.raw`a\u200bb\ufeff`],
  ['other line ends', 'a\u2028b\u2029c\r\u000B', String.raw`a\u2028b\u2029c`],
  ['a tag beyond the first plane', 'a\u{E0041}', String.raw`a\udb40\udc41`],
  ['tabs, line feeds, wide characters and accents', 'a\tb\n漢字 é 🚀', 'a\tb\n漢字 é 🚀'],
])('%s does not reach the terminal as it is', (_, text, shown) => {
  expect(printable(text)).toBe(shown);
});

test('a value in an error shows what nobody sees', () => {
  expect(quoted('kube\u00A0proxy\u200B')).toBe(String.raw`"kube\u00a0proxy\u200b"`);
  expect(visible('unknown field foo\u00A0')).toBe(String.raw`unknown field foo\u00a0`);
  expect(quoted('\u001B[2J')).toBe(String.raw`"\u001b[2J"`);
});

test('JSON is the same value and has nothing in it that steers', () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      const text = escapedJson(JSON.stringify(value, undefined, 2));
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(hasSteering(text)).toBe(false);
    }),
  );
});

test('whatever is printed has nothing in it that steers', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(hasSteering(printable(text))).toBe(false);
    }),
  );
});

test.each(['a\tb', 'a\nb', 'a\u0000', 'a\u0085', 'a\u202Eb'])('%j is not one visible line', (text) => {
  expect(isOneVisibleLine(text)).toBe(false);
});
