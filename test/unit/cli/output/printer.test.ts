import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { printerOf } from '../../../../src/cli/output/printer.ts';
import { hasSteering } from '../../../../src/util/invisible.ts';
import { readYaml } from '../../../../src/util/yaml.ts';
import { KbError } from '../../../../src/errors.ts';

const object = { kind: 'Images', images: ['a:1', 'b:2', 'c:3'], nested: { n: 7, list: [{ x: 1 }, { x: 2 }] } };

async function print(output: string, allowMissingTemplateKeys?: boolean): Promise<string> {
  const options = { output, ...(allowMissingTemplateKeys === undefined ? {} : { allowMissingTemplateKeys }) };
  return (await printerOf(options))({ object, text: 'text\n' });
}

async function refusal(output: string, allowMissing?: boolean): Promise<string> {
  const error: unknown = await print(output, allowMissing).catch((cause: unknown) => cause);
  return error instanceof KbError ? (error.problems[0]?.code ?? '') : `no refusal: ${String(error)}`;
}

test('text is for people, json and yaml are the object', async () => {
  expect(await print('text')).toBe('text\n');
  expect(JSON.parse(await print('json'))).toEqual(object);
  expect(await print('yaml')).toContain('images:\n- a:1\n- b:2\n');
});

describe('what a cluster or a host wrote', () => {
  const hostile = {
    kind: 'Tokens',
    description: 'x\u001B]0;PWNED\u0007\u009B31m\u202E\u{E0041}',
    'k\u2028ey': ['\uFEFF'],
  };
  const answer = { object: hostile, text: `${hostile.description}\n` };

  test.each([
    'text',
    'json',
    'yaml',
    'kyaml',
    'jsonpath={.description}',
    'jsonpath-as-json={.description}',
    'go-template={{.description}}',
  ])('does not steer the terminal with -o %s', async (output) => {
    expect(hasSteering((await printerOf({ output }))(answer))).toBe(false);
  });

  test('is the same value for a program that reads it', async () => {
    expect(JSON.parse((await printerOf({ output: 'json' }))(answer))).toEqual(hostile);
    expect(readYaml((await printerOf({ output: 'yaml' }))(answer))).toEqual(hostile);
  });
});

test('several answers are one stream: YAML documents with a line of dashes between them, JSON one after the other', async () => {
  const [yaml, json] = [await printerOf({ output: 'yaml' }), await printerOf({ output: 'json' })];
  const answers = [1, 2].map((n) => ({ object: { name: n }, text: '' }));
  expect(answers.map(yaml).join('')).toBe('name: 1\n---\nname: 2\n');
  expect(answers.map(json).join('')).toBe('{\n    "name": 1\n}\n{\n    "name": 2\n}\n');
});

test('kyaml has braces, trailing commas and quotes only where they are needed', async () => {
  const text = (await printerOf({ output: 'kyaml' }))({
    object: { on: 'yes', 'a-b': [], m: { 'x y': null } },
    text: '',
  });
  expect(text).toBe('---\n{\n  "on": "yes",\n  a-b: [],\n  m: {\n    "x y": null,\n  },\n}\n');
});

describe('jsonpath prints', () => {
  test.each([
    ['{.images[0]}', 'a:1'],
    ['{.images[*]}', 'a:1 b:2 c:3'],
    ['{.images}', '["a:1","b:2","c:3"]'],
    ['{.images[-1]} {$.kind}', 'c:3 Images'],
    ['{.images[1:]}', 'b:2 c:3'],
    ['{.images[0:3:2]}', 'a:1 c:3'],
    ["{['kind']}", 'Images'],
    ['{range .images[*]}{@}{"\\n"}{end}', 'a:1\nb:2\nc:3\n'],
    ['{.nested.list[?(@.x > 1)].x}', '2'],
    ['{.nested.list[?(@.x==1)].x}', '1'],
    ['{.nested.list[?(@.y)].x}', ''],
    ['{..x}', '1 2'],
    ['{.nothing.there}', ''],
    ['plain', 'plain'],
  ])('%s as %j', async (template, text) => {
    expect(await print(`jsonpath=${template}`)).toBe(text);
  });
});

test('jsonpath-as-json prints a list of the values', async () => {
  expect(JSON.parse(await print('jsonpath-as-json={.images[*]}'))).toEqual(['a:1', 'b:2', 'c:3']);
});

describe('go-template prints', () => {
  test.each([
    ['{{range .images}}{{.}}{{"\\n"}}{{end}}', 'a:1\nb:2\nc:3\n'],
    ['{{.kind}}{{.missing}}', 'Images<no value>'],
    ['{{println .kind .missing}}{{printf "%v" .missing}}', 'Images <nil>\n<nil>'],
    ['{{index .images 0 | printf "%q"}} {{len .images}}', '"a:1" 3'],
    ['{{range $i, $x := .images}}{{if eq $i 1}}{{$x}}{{else}}-{{end}}{{end}}', '-b:2-'],
    ['{{with .nested}}{{.n}}{{end}}{{with .none}}x{{else}}y{{end}}', '7y'],
    ['{{range .none}}x{{else}}empty{{end}}', 'empty'],
    ['{{if and .kind (gt .nested.n 3)}}yes{{else if .none}}maybe{{end}}', 'yes'],
    ['{{- "a" -}}  b', 'ab'],
    ['{{/* nothing */}}{{.images}}', '[a:1 b:2 c:3]'],
    ['{{$k := .kind}}{{$k}} {{.nested}}', 'Images map[list:[map[x:1] map[x:2]] n:7]'],
  ])('%s as %j', async (template, text) => {
    expect(await print(`go-template=${template}`)).toBe(text);
  });
});

test('a template may be in a file', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'kbinit-template-')), 't');
  writeFileSync(file, '{{.kind}}');
  expect(await print(`go-template-file=${file}`)).toBe('Images');
  writeFileSync(file, '{.kind}');
  expect(await print(`jsonpath-file=${file}`)).toBe('Images');
});

test.each([
  'foo',
  'jsonpath',
  'jsonpath={.a',
  'jsonpath={range .a}',
  'go-template={{.a',
  'go-template={{nope}}',
  'go-template={{if .a}}',
  'go-template-file=/none',
  'jsonpath={.images[9]}',
])('%s is refused', async (output) => {
  expect(await refusal(output)).toBe('KB_OUTPUT');
});

test('a missing field is refused where missing fields are not allowed', async () => {
  expect(await refusal('jsonpath={.none}', false)).toBe('KB_OUTPUT');
  expect(await refusal('go-template={{.none}}', false)).toBe('KB_OUTPUT');
});
