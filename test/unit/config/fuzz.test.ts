import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { loadFile } from '../../../src/config/load-file.ts';
import { migrate } from '../../../src/config/migrate.ts';
import { factsOfNoHost } from '../../../src/config/no-host.ts';
import { schemaKinds } from '../../../src/config/schema.ts';
import { isMapping } from '../../../src/config/finding.ts';
import { KbError } from '../../../src/errors.ts';
import { writeYaml } from '../../../src/util/yaml.ts';
import { amount } from '../../long.ts';
import { fixedRandomSource } from './facts.ts';

/** Files of two or three documents. KBINIT_FUZZ_RUNS and KBINIT_FUZZ_SEED make it longer, or the same again. */
const runs = amount('KBINIT_FUZZ_RUNS', { short: 500, long: 5000 });
const seed = Number(process.env['KBINIT_FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** Values that some reader might stumble over, beside any others. */
const awkward = fc.constantFrom<unknown>(
  null,
  '',
  0,
  -1,
  2 ** 40,
  1.5,
  true,
  [],
  {},
  [null],
  [[]],
  { '': 1 },
  'yes',
  '0777',
  '1e3',
  '10.0.0.0/8,fd00::/64,',
  '::/0',
  '1h-1s',
  '\u0000',
  '\n',
  '🙂',
  '../..',
  '$(touch /tmp/pwn)',
  'a'.repeat(300),
  'v1.36.3',
  'stable-1',
  'constructor',
);
const anything = fc.oneof({ weight: 3, arbitrary: awkward }, fc.string(), fc.jsonValue({ maxDepth: 3 }));

/** A value of the schema's form at nearly every place, and something else at some. */
function like(schema: unknown, depth = 0): fc.Arbitrary<unknown> {
  if (!isMapping(schema) || depth > 6) return anything;
  const properties = isMapping(schema['properties']) ? schema['properties'] : undefined;
  const fitting = (): fc.Arbitrary<unknown> => {
    if ('const' in schema) return fc.constant(schema['const']);
    if (Array.isArray(schema['enum'])) return fc.constantFrom(...Array.from<unknown>(schema['enum']));
    if (properties !== undefined) {
      const names = Object.keys(properties).map((name) => [name, like(properties[name], depth + 1)] as const);
      const known = fc.record(Object.fromEntries(names), { requiredKeys: [] });
      const stray = fc.dictionary(fc.string({ maxLength: 8 }), anything, { maxKeys: 1 });
      return fc
        .tuple(known, fc.oneof({ weight: 9, arbitrary: fc.constant({}) }, stray))
        .map(([a, b]) => ({ ...b, ...a }));
    }
    if (schema['items'] !== undefined) return fc.array(like(schema['items'], depth + 1), { maxLength: 3 });
    if (isMapping(schema['additionalProperties'])) {
      return fc.dictionary(fc.string({ maxLength: 8 }), like(schema['additionalProperties'], depth + 1), {
        maxKeys: 3,
      });
    }
    const type: unknown = Array.isArray(schema['type']) ? schema['type'][0] : schema['type'];
    if (type === 'boolean') return fc.boolean();
    if (type === 'integer') return fc.oneof(fc.integer(), fc.constantFrom(1, 6443));
    if (type === 'number') return fc.double({ noNaN: true });
    return fc.oneof(fc.constantFrom('a', '/a', '10.96.0.0/12', '1h', 'v1.36.3', 'https://a:1', '::1'), fc.string());
  };
  return fc.oneof({ weight: 12, arbitrary: fitting() }, anything);
}

const document: fc.Arbitrary<unknown> = fc
  .constantFrom(...schemaKinds())
  .chain(({ apiVersion, kind, schema }) =>
    like(schema).map((value) => (isMapping(value) ? { ...value, apiVersion, kind } : value)),
  );

/** A field's path (`etcd.local.dataDir`), a line of the file, or the file as a whole. */
const named = /^(?:fuzz\.yaml|[A-Za-z][\w-]*(?:[.[:]|$))/;

test(
  `${2 * runs} generated documents: none crashes the reader, every refusal says where (KBINIT_FUZZ_SEED=${seed})`,
  { timeout: 300_000 },
  () => {
    let refused = 0;
    fc.assert(
      fc.property(fc.array(document, { minLength: 2, maxLength: 3 }), (documents) => {
        try {
          const { draft } = loadFile(documents.map(writeYaml).join('---\n'), 'fuzz.yaml');
          const facts = factsOfNoHost(draft.init?.cluster.networking.serviceSubnet ?? '');
          for (const made of migrate(draft, facts, fixedRandomSource).documents) expect(writeYaml(made)).not.toBe('');
        } catch (error) {
          // Anything else is a crash, and the property fails with it.
          if (!(error instanceof KbError)) throw error;
          refused++;
          for (const problem of error.problems) {
            expect(problem.detail).toMatch(named);
            expect(problem.fix).not.toBe('');
          }
        }
      }),
      { numRuns: runs, seed },
    );
    expect(refused).toBeGreaterThan(runs / 2);
  },
);

test('no text crashes the reader', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[ -~\n]{0,200}$/), (text) => {
      try {
        loadFile(text, 'fuzz.yaml');
      } catch (error) {
        if (!(error instanceof KbError)) throw error;
      }
    }),
    { numRuns: 1000 },
  );
});
