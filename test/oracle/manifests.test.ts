// The oracle: the same random configuration through real kubeadm and through kbinit leads to the same control plane.
// KBINIT_ORACLE_RUNS sets how many configurations, KBINIT_ORACLE_SEED repeats a run, KBINIT_ORACLE_PATH one case of it;
// KBINIT_ORACLE_KUBEADM=1.33.13 asks the older kubeadm, for configurations of its minor.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { amount } from '../long.ts';
import { oracleCase } from './generator.ts';
import { oracleKubeadm } from './kubeadm.ts';
import { factsOf, inconsistencies } from './pki-compare.ts';
import { openRoot, type Root } from './pki-client.ts';

const runs = amount('KBINIT_ORACLE_RUNS', { short: 25, long: 1000 });
const seed = Number(process.env['KBINIT_ORACLE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const path = process.env['KBINIT_ORACLE_PATH'];

let root: Root;
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kbinit-oracle-'));
  root = openRoot();
});

afterAll(async () => {
  await root.close();
  rmSync(folder, { recursive: true, force: true });
});

test(
  `${runs} random configurations (KBINIT_ORACLE_SEED=${seed}): kbinit writes what kubeadm ${oracleKubeadm.name} writes`,
  { timeout: runs * 20_000 },
  async () => {
    let compared = 0;
    const property = fc.asyncProperty(oracleCase(oracleKubeadm.version), async (one) => {
      const { theirs, ours } = await root.ask(one);
      // A configuration that kubeadm refuses is a fault of the generator: what is compared must be valid.
      expect(theirs.failure).toBeUndefined();
      expect(ours.failure).toBeUndefined();
      const bundle = join(folder, 'bundle.pem');
      expect(factsOf(ours, bundle)).toEqual(factsOf(theirs, bundle));
      expect(inconsistencies(ours, folder)).toEqual([]);
      compared++;
    });
    await fc.assert(property, { numRuns: runs, seed, endOnFailure: true, ...(path === undefined ? {} : { path }) });
    expect(compared).toBeGreaterThanOrEqual(path === undefined ? runs : 1);
  },
);
