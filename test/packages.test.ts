// package-lock.json is complete: npm ci refuses a lock that leaves out what other platforms would install.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';

const lockShape = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      integrity: z.string().optional(),
      optionalDependencies: z.record(z.string(), z.string()).optional(),
    }),
  ),
});

const text = readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8');
const { packages } = lockShape.parse(JSON.parse(text));

/** Where a dependency of a package may lie: beside it, or in a node_modules folder further up. */
function candidates(owner: string, name: string): readonly string[] {
  const folders = owner.split('/node_modules/');
  const above = folders.map((_, index) => folders.slice(0, index + 1).join('/node_modules/'));
  return [...above.map((folder) => `${folder}/node_modules/${name}`), `node_modules/${name}`];
}

test('the lock has every optional package of every platform', () => {
  const missing = Object.entries(packages).flatMap(([owner, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !candidates(owner, name).some((path) => packages[path] !== undefined))
      .map((name) => `${owner} wants ${name}`),
  );
  expect(missing).toEqual([]);
});

test('the lock names the bytes of every package', () => {
  const loose = Object.entries(packages).filter(([path, { integrity }]) => path !== '' && integrity === undefined);
  expect(loose.map(([path]) => path)).toEqual([]);
});
