// Which skipped tests count as failures: with CI=true all but those that docs/testing.md names, each with its reason.

const heading = '## Skips that CI allows';

/**
 * The rows `| name | how many | reason |` of that page's table, by name.
 * A row without a number or a reason allows nothing.
 */
export function allowedSkips(page) {
  const [, after = ''] = page.split(`\n${heading}\n`);
  const [section = ''] = after.split('\n## ');
  const rows = [...section.matchAll(/^\| `([^`]+)` *\| (\d+) *\| *([^| ][^|]*)\|$/gm)];
  return new Map(rows.map(([, name, count]) => [name, Number(count)]));
}

/**
 * Those of the skipped tests `{ name, reason, isConsequence }` that count as failures.
 * What was not run because a hook before it failed is a consequence of a failure that is counted already.
 */
export function forbiddenSkips(skipped, allowed, isCi) {
  if (!isCi) return [];
  const left = new Map(allowed);
  return skipped.filter(({ name, isConsequence }) => {
    if (isConsequence) return false;
    const count = left.get(name) ?? 0;
    left.set(name, count - 1);
    return count <= 0;
  });
}
