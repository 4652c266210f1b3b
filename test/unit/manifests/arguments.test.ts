import { expect, test } from 'vitest';
import { composeArguments, lastArgument } from '../../../src/manifests/arguments.ts';
import { v } from './fixture.ts';

const extra = [
  { name: 'v', value: '4' },
  { name: 'bind-address', value: '::' },
  { name: 'v', value: '5' },
];

test('from 1.29 defaults are sorted, extraArgs follow in their order with duplicates, and drop a default of their name', () => {
  expect(composeArguments({ port: '1', 'bind-address': '127.0.0.1', alpha: 'a' }, extra, v(29))).toEqual([
    '--alpha=a',
    '--port=1',
    '--v=4',
    '--bind-address=::',
    '--v=5',
  ]);
});

test('until 1.28 defaults and extraArgs are one sorted map in which the last value wins', () => {
  expect(composeArguments({ port: '1', 'bind-address': '127.0.0.1' }, extra, v(28, 15))).toEqual([
    '--bind-address=::',
    '--port=1',
    '--v=5',
  ]);
});

test('an undefined default is no flag, an empty one is', () => {
  expect(composeArguments({ a: undefined, b: '' }, [], v(36))).toEqual(['--b=']);
});

test('of a flag that is given twice the last value counts', () => {
  expect(lastArgument(extra, 'v')).toBe('5');
  expect(lastArgument(extra, 'none')).toBeUndefined();
});
