import * as fc from 'fast-check';
import { CORE_SCHEMA, load, YAML11_SCHEMA } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { clientOf } from '../../../src/kubeconfig/kubeconfig.ts';
import { hasSteering } from '../../../src/util/invisible.ts';
import { formatPath, readYaml, readYamlAll, readYamlFile, withoutText, writeYaml } from '../../../src/util/yaml.ts';

function only(text: string): unknown {
  const file = readYamlFile(text);
  expect(file.notes).toEqual([]);
  expect(file.documents).toHaveLength(1);
  return file.documents[0]?.value;
}

function notes(text: string): string[] {
  return readYamlFile(text).notes.map((note) => `${note.kind} ${note.line} ${formatPath(note.path)}`);
}

describe('reading a file', () => {
  test.each([
    'a: 1\nb: [x, "y", 2.5, true, ~]\n',
    '{"a": {"b": []}, "c": {}}',
    'text: |\n  one\n  two\nfolded: >\n  one\n  two\n',
    'a: &x {b: 1}\nc: *x\n',
    'empty:\nquoted: "null"\nsingle: \'true\'\n',
    'numbers: [0, -1, +2, 0x1f, .5, 5., .inf]',
    'time: 2026-01-01T00:00:00Z',
    '- a\n- - b\n',
  ])('gives what js-yaml gives: %j', (text) => {
    const mine = only(text.replace(', .inf', ''));
    expect(mine).toEqual(load(text.replace(', .inf', ''), { schema: CORE_SCHEMA }));
  });

  test('merge keys add what is missing, the first source wins', () => {
    const text = 'a: &a {x: 1, w: 1}\nb: &b {x: 2, z: 2}\nc: {<<: [*a, *b], w: 3}\n';
    expect(only(text)).toMatchObject({ c: { x: 1, w: 3, z: 2 } });
  });

  test('a value below a path knows its line, with CRLF and comments', () => {
    const [document] = readYamlFile('# top\r\na:\r\n  b:\r\n  - x: 1\r\n    y: 2\r\n').documents;
    expect(document?.lineOf(['a', 'b', 0, 'y'])).toBe(5);
    expect(document?.lineOf(['a'])).toBe(2);
    expect(document?.lineOf(['a', 'missing', 'deeper'])).toBe(2);
  });

  test('lines count on through documents', () => {
    const documents = readYamlFile('a: 1\n---\n---\nb: 2\n').documents;
    expect(documents.map((document) => document.value)).toEqual([{ a: 1 }, null, { b: 2 }]);
    expect(documents[2]?.lineOf(['b'])).toBe(4);
  });

  test('the last of two equal keys counts, and is noted', () => {
    expect(notes('a: {x: 1, w: 2}\nb: 1\na:\n  x: 3\n')).toEqual(['duplicate 3 a']);
    expect(readYamlFile('a: 1\na: 2\n').documents[0]?.value).toEqual({ a: 2 });
  });

  test.each([
    'yes',
    'No',
    'on',
    'OFF',
    'y',
    'n',
    '0777',
    '-012',
    '0o17',
    '0b11',
    '1_000',
    '0xf_f',
    '1e3',
    '1.5e3',
    '1:30',
    '190:20:30',
    '1:30.5',
  ])('%s is ambiguous as a value and as a key, unless quoted', (scalar) => {
    expect(notes(`a:\n- ${scalar}\n`)).toEqual(['ambiguous 2 a[0]']);
    expect(notes(`a: {${scalar}: 1}\n`)).toEqual([`ambiguous 1 a.${scalar}`]);
    expect(notes(`a: "${scalar}"\nb: '${scalar}'\nc: !!str ${scalar}\n`)).toEqual([]);
  });

  test.each([
    'true',
    'null',
    '0',
    '42',
    '-1',
    '1.5',
    '10.96.0.0/12',
    'fd00::1',
    '::1',
    '24h0m0s',
    'v1.36.3',
    'yesno',
    '0.5',
    'a:1',
    '2026-01-01',
  ])('%s is not ambiguous', (scalar) => {
    expect(notes(`a: ${scalar}\n`)).toEqual([]);
  });

  test('a broken file says where', () => {
    expect(notes('a: [1\nb: }\n')).toEqual(['broken 2 ']);
    expect(notes('a: *nowhere\n')).toEqual(['broken 1 ']);
    expect(notes('a: 1\nb: !!python/object x\n')).toEqual(['broken 2 ']);
    expect(notes('a: 1\n? [x]\n: 2\n')).toEqual(['broken 2 ']);
    expect(notes('__proto__: {x: 1}\n')).toEqual(['broken 1 ']);
    expect(notes(`a: ${'['.repeat(500)}`)).toEqual(['broken 1 ']);
  });

  test('an alias bomb is refused quickly', () => {
    const lines = 'abcdefghi'.split('').map((name, i) => {
      const items = Array.from({ length: 9 }, () => (i === 0 ? 'x' : `*${'abcdefghi'[i - 1]}`));
      return `${name}: &${name} [${items.join(', ')}]`;
    });
    const begun = performance.now();
    expect(readYamlFile(lines.join('\n')).notes[0]?.message).toContain('aliases');
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  test('an empty file has no documents', () => {
    expect(readYamlFile('')).toEqual({ documents: [], notes: [] });
    expect(readYamlFile('# nothing\n')).toEqual({ documents: [], notes: [] });
  });

  test('never throws, whatever is in the file', () => {
    const piece = fc.constantFrom(
      'a',
      ':',
      ' ',
      '\n',
      '-',
      '[',
      ']',
      '{',
      '}',
      '&x',
      '*x',
      '"',
      "'",
      '|',
      '>',
      '#',
      '---',
      '?',
      '!',
      '!!str',
      '<<',
      '\t',
      '%',
      '@',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        expect(() => readYamlFile(pieces.join(''))).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });
});

describe('writing', () => {
  const scalar = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'yes',
      'no',
      'on',
      'off',
      'y',
      'n',
      '012',
      '1e3',
      '1:30:00',
      '2026-01-01',
      'null',
      '~',
      '',
      '0x1f',
      '1_0',
      '0b1',
      '=',
      '<<',
    ),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
  );
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      scalar,
      fc.array(tie('node')),
      fc.dictionary(
        // Refused by the reader, whatever is in it.
        scalar.map(String).filter((key) => key !== '__proto__'),
        tie('node'),
        { noNullPrototype: true },
      ),
    ),
  })).node;

  test('what is written reads back the same in YAML 1.2', () => {
    fc.assert(
      fc.property(tree, (value) => {
        expect(readYaml(writeYaml(value))).toEqual(value);
        expect(readYamlAll(writeYaml(value))).toEqual([value]);
      }),
      { numRuns: 500 },
    );
  });

  test('what is written reads back the same in YAML 1.1, and without notes', () => {
    fc.assert(
      fc.property(tree, (value) => {
        expect(load(writeYaml(value), { schema: YAML11_SCHEMA })).toEqual(value);
        expect(readYamlFile(writeYaml(value)).notes).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('looks like the files kubeadm writes', () => {
    expect(writeYaml({ b: ['x'], a: { d: '0s', c: '', e: {} }, f: 'yes' })).toBe(
      'a:\n  c: ""\n  d: 0s\n  e: {}\nb:\n- x\nf: "yes"\n',
    );
  });
});

test.each(['-_0', '+_1', '0_8', '0X1F', '0B1', '1_e+3', '1_000', '0x_1f', '-0b11'])(
  'the text %s is quoted: Go would read a number',
  (text) => expect(writeYaml([text])).toBe(`- "${text}"\n`),
);

test.each(['_1', '-_', '.', '1.2.3', '0xg', '10.96.0.0/12', '-1-', '3.6.8-0', 'v1'])(
  'the text %s needs no quotes',
  (text) => expect(writeYaml([text])).toBe(`- ${text}\n`),
);

/** Ten levels of aliases, ten of each in the next: ten thousand million values out of 591 bytes. */
const bomb = Array.from({ length: 10 }, (_, n) =>
  n === 0 ? 'a0: &a0 [x]' : `a${n}: &a${n} [${Array.from({ length: 10 }, () => `*a${n - 1}`).join(', ')}]`,
).join('\n');

describe('a text of a host or a cluster', () => {
  test.each([
    ['that grows by its aliases', bomb, /^line \d+: it grows beyond 100000 values/],
    [
      'that grows by merged keys',
      `a: &a {${Array.from({ length: 500 }, (_, n) => `k${n}: 1`).join(', ')}}\nb: [${'{<<: *a}, '.repeat(300)}x]`,
      /^line 2: it grows beyond/,
    ],
    ['that is nested without end', '['.repeat(50_000), /^line 1: it is nested too deep$/],
    ['with one sequence in the other without end', '- '.repeat(20_000), /^line 1: it is nested too deep$/],
  ])('%s is refused with its line, in little time', (_, text, message) => {
    const start = performance.now();
    expect(() => readYaml(text)).toThrow(message);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  test('is not quoted where it may hold a secret', () => {
    try {
      readYaml('user:\n  token: !s3cret\n');
      expect.unreachable();
    } catch (error) {
      expect(withoutText(error)).toBe('line 2');
    }
    expect(() => clientOf('a: &b [*s3cret]', '/etc/kubernetes/admin.conf')).toThrow(/not YAML \(line 1\)/);
  });

  test('is one document, or nothing', () => {
    expect(readYaml('')).toBeUndefined();
    expect(() => readYaml('a: 1\n---\nb: 1\n')).toThrow('there is more than one document');
  });
});

test('what is written has nothing in it that steers, and is read back as it was', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })), (value) => {
      const text = writeYaml(value);
      expect(hasSteering(text)).toBe(false);
      if (!Object.hasOwn(value, '__proto__')) expect(readYaml(text)).toEqual(value);
    }),
  );
  expect(writeYaml({ a: 'x\u202Ey', b: '\u{E0041}', c: 'é' })).toBe(
    String.raw`a: "x\u202ey"` + '\n' + String.raw`b: "\U000e0041"` + '\nc: é\n',
  );
});
