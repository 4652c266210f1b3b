import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../src/report/events.ts';
import { jsonLine } from '../../../src/report/json.ts';
import { createRedactor, mask } from '../../../src/report/redact.ts';

/** Texts of any length that a masking pattern could look at again and again. */
const adversarial: readonly (readonly [string, (length: number) => string])[] = [
  ['ends of keys', (n) => '-----END PRIVATE KEY-----'.repeat(n / 25)],
  ['beginnings of keys', (n) => '-----BEGIN PRIVATE KEY-----'.repeat(n / 27)],
  ['ends after base64', (n) => `${'QUJD'.repeat(100)}-----END PRIVATE KEY-----`.repeat(n / 425)],
  ['one long name of a key', (n) => `-----END ${'A'.repeat(n)}`],
  ['half names of keys', (n) => '-----END RSA PRIVATE '.repeat(n / 21)],
  ['blanks after a name', (n) => `client-key-data${' '.repeat(n)}`],
  ['names and blanks', (n) => 'authorization : bearer '.repeat(n / 23)],
  ['beginnings of web tokens', (n) => 'eyJhbGciOiJSUzI1NiJ9-'.repeat(n / 21)],
  ['web tokens with one dot', (n) => `${'eyJhbGciOiJSUzI1NiJ9-'.repeat(n / 42)}.${'eyJhbGci-'.repeat(n / 18)}`],
  ['base64', (n) => 'LS0tLS1CRUdJTi'.repeat(n / 14)],
  ['hexadecimal', (n) => '0123456789abcdef'.repeat(n / 16)],
  ['tokens', (n) => 'abcdef.'.repeat(n / 7)],
];

function secondsFor(text: string): number {
  const redactor = createRedactor();
  const times = Array.from({ length: 3 }, () => {
    const start = performance.now();
    redactor.text(text);
    return performance.now() - start;
  });
  return Math.min(...times);
}

describe('masking', () => {
  test.each(adversarial)('%s takes work by its length, not by the square of it', { timeout: 120_000 }, (_, make) => {
    secondsFor(make(2 ** 14));
    const [small, large] = [secondsFor(make(2 ** 16)), secondsFor(make(2 ** 19))];
    // Eight times the text; sixty-four times the work would be the square.
    expect(large / Math.max(small, 0.5)).toBeLessThan(32);
  });

  test('still masks each end of a key whose beginning was cut off', () => {
    const text = 'a QUJD\nREVG\n-----END RSA PRIVATE KEY----- b QUJD-----END PRIVATE KEY----- c';
    expect(createRedactor().text(text)).toBe(`a ${mask} (private key) b ${mask} (private key) c`);
  });
});

describe('an event', () => {
  const problem = (detail: string, evidence: readonly string[] = []): RunEvent => ({
    kind: 'problem',
    problem: { code: 'KB_READ', summary: 's', detail, fix: 'f', evidence },
  });

  test('of a megabyte reaches neither screen nor log whole, and says what is missing', () => {
    const line = jsonLine(createRedactor().event(problem('x'.repeat(1_000_000))), 0);
    expect(line.length).toBeLessThan(20_000);
    expect(line).toContain('more characters)');
  });

  test('of a million lines has an end', () => {
    const lines = Array.from({ length: 1_000_000 }, () => 'x');
    expect(jsonLine(createRedactor().event(problem('d', lines)), 0).length).toBeLessThan(20_000);
  });

  test('that is cut shows no part of a secret', () => {
    const redactor = createRedactor();
    redactor.addSecret('correct-horse-battery');
    for (const length of [16 * 1024 - 5, 512 * 1024 - 5]) {
      const event = JSON.stringify(redactor.event(problem(`${'x'.repeat(length)}correct-horse-battery`)));
      expect(event).not.toContain('corre');
    }
  });
});
