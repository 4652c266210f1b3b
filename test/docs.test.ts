// The documents say what the code does: the pages made from it are fresh, the error codes complete, the links alive.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { phasesPage, phasesPath } from '../scripts/docs.ts';
import { KbError, type Problem } from '../src/errors.ts';
import { initPhases } from '../src/phases/index.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const files = (folder: string, ending: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => `${folder}/${path}`);

describe('docs/phases.md', () => {
  test('is what `npm run docs` makes of the phases', async () => {
    expect(readFileSync(phasesPath, 'utf8')).toBe(await phasesPage());
  });

  test('has the fourteen phases of init in their order', () => {
    expect(initPhases.map(({ name }) => name)).toEqual([
      'preflight',
      'certs',
      'kubeconfig',
      'kubelet-start',
      'control-plane',
      'etcd',
      'wait',
      'upload-config',
      'upload-certs',
      'mark-control-plane',
      'bootstrap-token',
      'kubelet-finalize',
      'addons',
      'show-join',
    ]);
  });
});

describe('docs/errors.md', () => {
  /** A row: code, meaning, what to do, exit code. */
  const documented = new Map(
    [...read('docs/errors.md').matchAll(/^\| `(KB_[A-Z0-9_]+)` .*\| (\d+) +\|$/gm)].map(([, code = '', exit]) => [
      code,
      Number(exit),
    ]),
  );
  const inCode = new Set(
    files('src', '.ts').flatMap((path) => [...read(path).matchAll(/'(KB_[A-Z0-9_]+)'/g)].map(([, code = '']) => code)),
  );

  test('has every code that the program can show', () => {
    expect([...inCode].filter((code) => !documented.has(code)).toSorted()).toEqual([]);
  });

  test('has no code that the program does not know', () => {
    expect([...documented.keys()].filter((code) => !inCode.has(code)).toSorted()).toEqual([]);
  });

  test('gives each code the exit code that the program ends with', () => {
    const problem = (code: Problem['code']): Problem => ({ code, summary: '', detail: '', fix: '' });
    const isCode = (code: string): code is Problem['code'] => code.startsWith('KB_');
    // A bug is no KbError: session.ts ends with 70 on its own.
    const codes = [...documented.keys()].filter(isCode).filter((code) => code !== 'KB_BUG');
    const wrong = codes.filter((code) => new KbError(problem(code)).exitCode !== documented.get(code));
    expect(wrong).toEqual([]);
    expect(documented.get('KB_BUG')).toBe(70);
  });
});

describe('docs/reliability.md', () => {
  /** By bar: the tests that its row names, as a path and a part of a name or comment, and what is not shown. */
  const rows = new Map(
    [...read('docs/reliability.md').matchAll(/^\| (R\d{2,}) +\|(.*)\|(.*)\|$/gm)].map(
      ([, bar = '', cells = '', lacks = '']) => [
        bar,
        {
          tests: [...cells.matchAll(/`(test\/[^`]+)` “([^”]+)”/g)].map(([, path = '', text = '']) => ({ path, text })),
          lacks: lacks.trim(),
        },
      ],
    ),
  );

  test('has a row for each bar, in order, with a test or the word that it is to come', () => {
    const bars = [...rows.keys()].map((bar) => Number(bar.slice(1)));
    const range = (from: number, to: number): readonly number[] =>
      Array.from({ length: to - from + 1 }, (_, index) => from + index);
    expect(bars).toEqual([...range(1, 72), ...range(80, Math.max(...bars))]);
    const bare = [...rows].filter(([, { tests }]) => tests.length === 0);
    expect(bare.filter(([, { lacks }]) => lacks !== 'not yet: upgrade').map(([bar]) => bar)).toEqual([]);
  });

  test('names tests that exist', () => {
    const named = [...rows].flatMap(([bar, { tests }]) => tests.map((one) => ({ bar, ...one })));
    const missing = named.filter(({ path, text }) => !existsSync(join(root, path)) || !read(path).includes(text));
    expect(missing).toEqual([]);
  });
});

test('every link between the documents leads to a file', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...files('docs', '.md')];
  const dead = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => !existsSync(join(root, normalize(join(dirname(page), target)))))
      .map((target) => `${page} links to ${target}`),
  );
  expect(dead).toEqual([]);
});

test('docs/architecture.md answers where things are by files and names that exist', () => {
  const [, section = ''] = read('docs/architecture.md').split('## Where is …?');
  const rows = (section.split('\n## ')[0] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    // Below the head and its rule.
    .slice(2);
  expect(rows.length).toBeGreaterThanOrEqual(20);
  const answer = /`(\w+)`(?: and its like)? in `(src\/[\w/.-]+)`/g;
  expect(rows.filter((row) => row.search(answer) < 0)).toEqual([]);
  const wrong = rows.flatMap((row) =>
    [...row.matchAll(answer)]
      .filter(
        ([, name = '', path = '']) =>
          !new RegExp(`\\b(?:function|const|class|interface|type) ${name}\\b`).test(read(path)),
      )
      .map(([text]) => text),
  );
  expect(wrong).toEqual([]);
  const named = rows.flatMap((row) => [...row.matchAll(/`(src\/[\w/.-]+\.ts)`/g)].map(([, path = '']) => path));
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

test('every decision has its four parts', () => {
  const parts = ['## Problem', '## Choice', '## What we gave up', '## How to undo'];
  const lacking = files('docs/decisions', '.md').filter((path) => !parts.every((part) => read(path).includes(part)));
  expect(lacking).toEqual([]);
});
