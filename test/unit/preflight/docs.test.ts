// docs/preflight.md names every check, and no other.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { initChecks, joinChecks, resetChecks } from '../../../src/preflight/index.ts';
import { externalEtcd, initSpec, joinSpec } from './fixtures.ts';
import { minors, versionOf } from './law.ts';

const page = readFileSync(new URL('../../../docs/preflight.md', import.meta.url), 'utf8');
const ipv6 = { networking: { serviceSubnet: 'fd00:96::/112', podSubnet: '', dnsDomain: 'cluster.local' } };
const ipvs = { kubeProxy: { isUserSupplied: true, document: { mode: 'ipvs' } } };
const lists = [
  initChecks(initSpec()),
  initChecks(initSpec({ etcd: externalEtcd, ...ipv6, ...ipvs })),
  ...minors.flatMap((minor) => [
    initChecks(initSpec({ version: versionOf(minor) })),
    initChecks(initSpec({ version: versionOf(minor), ...ipv6 }, 'fd00::29')),
    joinChecks(joinSpec(), { version: versionOf(minor) }),
  ]),
  resetChecks(),
];
const names = new Set([...lists.flat(2).map((check) => check.name), 'ImagePull']);

test('every check is documented', () => {
  expect([...names].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test('no check is documented that does not exist', () => {
  const table = page.split('\n').filter((line) => line.startsWith('| `'));
  const documented = table.flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([A-Z][^`]*)`/g)]);
  expect(documented.length).toBeGreaterThan(25);
  expect(documented.map((match) => match[1] ?? '').filter((name) => !names.has(name))).toEqual([]);
});
