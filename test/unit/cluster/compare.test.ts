import { expect, test } from 'vitest';
import { isContained } from '../../../src/cluster/compare.ts';

const wanted = {
  kind: 'ConfigMap',
  metadata: { name: 'a', labels: { app: 'x' } },
  data: { one: '1' },
  list: [{ name: 'p', port: 53 }],
};

test('what the server adds does not count', () => {
  const found = {
    ...wanted,
    metadata: { ...wanted.metadata, uid: 'u', resourceVersion: '7', creationTimestamp: 'now' },
    list: [{ name: 'p', port: 53, targetPort: 53 }],
    status: { phase: 'Ready' },
  };
  expect(isContained(wanted, found)).toBe(true);
});

test.each([
  ['a changed value', { ...wanted, data: { one: '2' } }],
  ['a missing key', { ...wanted, data: {} }],
  ['a missing label', { ...wanted, metadata: { name: 'a' } }],
  ['a longer list', { ...wanted, list: [...wanted.list, { name: 'q', port: 54 }] }],
  ['another order', { ...wanted, list: [{ name: 'q', port: 54 }] }],
])('%s is a difference', (_what, found) => {
  expect(isContained(wanted, found)).toBe(false);
});

test('empty objects, nulls and zero values may be left out by the server', () => {
  expect(isContained({ a: {}, b: null, c: '', d: false, e: 0 }, {})).toBe(true);
  expect(isContained({ a: { b: 1 } }, {})).toBe(false);
});
