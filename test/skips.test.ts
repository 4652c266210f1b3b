// With CI=true a skipped test is a failure, unless docs/testing.md names it with its reason.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

interface Skip {
  readonly name: string;
  readonly isConsequence?: boolean;
}

interface Rule {
  readonly allowedSkips: (page: string) => ReadonlyMap<string, number>;
  readonly forbiddenSkips: (skipped: readonly Skip[], allowed: ReadonlyMap<string, number>, isCi: boolean) => Skip[];
}

// A variable: the script is plain JavaScript, which the compiler would ask types of.
const script = new URL('../scripts/skips.mjs', import.meta.url).href;
const { allowedSkips, forbiddenSkips }: Rule = await import(script);

const rows = (...lines: readonly string[]): string =>
  ['# Testing', '', '## Skips that CI allows', '', ...lines, '', '## Next', '', '| `later` | 1 | a reason |'].join(
    '\n',
  );

describe('with CI=true', () => {
  const named = allowedSkips(rows('| `suite` | 1 | needs two families of addresses |'));

  test('a skipped test is a failure', () => {
    expect(forbiddenSkips([{ name: 'a.test.ts > b' }], named, true)).toEqual([{ name: 'a.test.ts > b' }]);
  });

  test('one that the page names with its reason is not, as often as the page says', () => {
    expect(forbiddenSkips([{ name: 'suite' }], named, true)).toEqual([]);
    expect(forbiddenSkips([{ name: 'suite' }, { name: 'suite' }], named, true)).toEqual([{ name: 'suite' }]);
  });

  test('one that was not run because a hook before it failed is not counted a second time', () => {
    expect(forbiddenSkips([{ name: 'after', isConsequence: true }], named, true)).toEqual([]);
  });
});

test('without CI a skip is only listed', () => {
  expect(forbiddenSkips([{ name: 'a.test.ts > b' }], new Map(), false)).toEqual([]);
});

test.each([
  ['without a reason', '| `suite` | 1 |  |'],
  ['without a number', '| `suite` | some | a reason |'],
])('a row %s allows nothing', (_, line) => {
  expect(allowedSkips(rows(line)).size).toBe(0);
});

test("only that section's table counts", () => {
  expect([...allowedSkips(rows('| `suite` | 1 | a reason |')).keys()]).toEqual(['suite']);
});

test("the page names what kubeadm's own suite skips, and nothing of ours", () => {
  const page = readFileSync(new URL('../docs/testing.md', import.meta.url), 'utf8');
  expect([...allowedSkips(page)]).toEqual([['e2e_kubeadm', 1]]);
});
