import { expect, test } from 'vitest';
import { ownershipOf, ownFile } from '../../../src/manifests/own-file.ts';

const file = ownFile('kbinit lb apply', 'global\n    maxconn 1\n');

test('a file that kbinit wrote says so, and by which command', () => {
  expect(file).toMatch(/^# Written by `kbinit lb apply`/);
  expect(file.endsWith('\nglobal\n    maxconn 1\n')).toBe(true);
  expect(ownershipOf(file)).toBe('ours');
});

test('one change by hand makes it edited', () => {
  expect(ownershipOf(file.replace('maxconn 1', 'maxconn 2'))).toBe('edited');
  expect(ownershipOf(`${file}# a note\n`)).toBe('edited');
  expect(ownershipOf(file.slice(0, -1))).toBe('edited');
});

test.each(['', 'global\n    maxconn 1\n', '# Written by `kbinit lb apply`, but not really\n'])(
  '%j is foreign',
  (text) => {
    expect(ownershipOf(text)).toBe('foreign');
  },
);
