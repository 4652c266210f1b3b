// End-to-end files run side by side: each has hosts and a subnet that no other one uses.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const folders = ['e2e', 'oracle'].map((name) => new URL(`${name}/`, import.meta.url));

const labs: readonly { readonly file: string; readonly prefix: string; readonly subnet: string }[] = folders.flatMap(
  (folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.test.ts'))
      .flatMap((file) =>
        [...readFileSync(new URL(file, folder), 'utf8').matchAll(/testLab\('([^']+)', (\d+)\)/g)].map(
          ([, prefix = '', subnet = '']) => ({ file, prefix, subnet }),
        ),
      ),
);

test.each(['prefix', 'subnet'] as const)('no two end-to-end files use the same %s', (part) => {
  expect(labs.length).toBeGreaterThan(10);
  const shared = labs.filter((one) => labs.some((other) => other.file !== one.file && other[part] === one[part]));
  expect(shared).toEqual([]);
});
