// Quantities; what is written is what Go's resource.Quantity writes (measured with apimachinery 0.36.3).
import { expect, test } from 'vitest';
import { canonicalQuantity } from '../../../src/kube/quantity.ts';

test.each([
  ['2048Mi', '2Gi'],
  ['1024Ki', '1Mi'],
  ['1028Mi', '1028Mi'],
  ['1.5Gi', '1536Mi'],
  ['0.5Ki', '512'],
  ['1.1Ki', '1126400m'],
  ['1023Ki', '1023Ki'],
  ['8Ei', '9223372036854775807'],
  ['0.25', '250m'],
  ['1000m', '1'],
  ['1500m', '1500m'],
  ['1000', '1k'],
  ['1000000k', '1G'],
  ['100000', '100k'],
  ['0.0001', '100u'],
  ['0.0000000001', '1n'],
  ['1.0000000001', '1000000001n'],
  ['-0.0000000001', '-1n'],
  ['1e3', '1e3'],
  ['1E3', '1E3'],
  ['1e4', '10e3'],
  ['12e-1', '1200e-3'],
  ['1e-12', '1e-9'],
  ['1e-99', '1e-9'],
  ['1e999999999', '1e999999999'],
  ['0', '0'],
  ['0.0Gi', '0'],
  ['-0', '0'],
  // Go keeps the text of what its fast parser takes for canonical.
  ['+5', '+5'],
  ['1.500', '1.500'],
  ['007Mi', '007Mi'],
  ['5.', '5.'],
  ['.5', '500m'],
])('%s is written %s', (text, written) => {
  expect(canonicalQuantity(text)).toBe(written);
});

test.each([
  '',
  'x',
  '1 Gi',
  '1K',
  '1ki',
  '1gi',
  '1GB',
  '1e',
  '1e1.5',
  '1ee3',
  '--1',
  '1..2',
  '1,5',
  '0x10',
  '1_000',
  '٣',
  'NaN',
])('%j is not a quantity', (text) => {
  expect(canonicalQuantity(text)).toBeUndefined();
});

test('a long text is judged at once', () => {
  const start = performance.now();
  canonicalQuantity(`${'0'.repeat(100_000)}1${'e'.repeat(100_000)}`);
  canonicalQuantity(`1${'0'.repeat(50_000)}.${'0'.repeat(50_000)}1Mi`);
  expect(performance.now() - start).toBeLessThan(2000);
});
