import { readdirSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { parsers } from 'prettier/plugins/typescript';
import { expect, test } from 'vitest';
import { program } from '../../../../src/cli/main.ts';

const root = new URL('../../../../src/', import.meta.url).pathname;

interface Text {
  readonly file: string;
  readonly line: number;
  /** What is filled in at run time is `VALUE`. */
  readonly text: string;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function lineOf(node: Readonly<Record<string, unknown>>): number {
  const start = isRecord(node['loc']) ? node['loc']['start'] : undefined;
  return isRecord(start) && typeof start['line'] === 'number' ? start['line'] : 0;
}

/** Every string and template of a syntax tree. */
function textsOf(node: unknown, file: string): readonly Text[] {
  if (Array.isArray(node)) return node.flatMap((one) => textsOf(one, file));
  if (!isRecord(node)) return [];
  const below = Object.entries(node).flatMap(([key, value]) =>
    key === 'tokens' || key === 'comments' || key === 'parent' ? [] : textsOf(value, file),
  );
  const line = lineOf(node);
  if (node['type'] === 'Literal' && typeof node['value'] === 'string') return [{ file, line, text: node['value'] }];
  if (node['type'] !== 'TemplateLiteral' || !Array.isArray(node['quasis'])) return below;
  const parts = node['quasis'].map((part: unknown) =>
    isRecord(part) && isRecord(part['value']) ? String(part['value']['cooked']) : '',
  );
  return [{ file, line, text: parts.join('VALUE') }, ...below];
}

const texts: readonly Text[] = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .flatMap((file) => {
    const options: Parameters<typeof parsers.typescript.parse>[1] = Object({ filepath: file });
    const tree: unknown = parsers.typescript.parse(readFileSync(root + file, 'utf8'), options);
    return textsOf(tree, file);
  });

const command = /`(kbinit [^`\n]+)`/g;
const commandNames = program().commands.flatMap((one) => [one.name(), ...one.aliases()]);

/** Why a command line does not exist; undefined where it does. */
function wrong(line: string): string | undefined {
  const [, ...words] = line.trim().split(/\s+/);
  let place: Command = program();
  while (words[0] !== undefined && place.commands.length > 0) {
    const [word] = words;
    const next = place.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (next === undefined && word === 'VALUE') return undefined;
    if (next === undefined) break;
    place = next;
    words.shift();
  }
  if (place.commands.length > 0 && place.registeredArguments.length === 0 && !hasAction(place)) {
    return `${place.name()} is a group of commands`;
  }
  const args: string[] = [];
  while (words.length > 0) {
    const [flag = '', value] = (words.shift() ?? '').split('=', 2);
    if (!flag.startsWith('-')) {
      args.push(flag);
      continue;
    }
    const option = place.options.find(({ long, short }) => long === flag || short === flag);
    if (option === undefined) return `${place.name()} has no ${flag}`;
    if (!option.isBoolean() && value === undefined && words.shift() === undefined) return `${flag} has no value`;
  }
  const needed = place.registeredArguments.filter(({ required }) => required).length;
  if (args.length < needed) return `${place.name()} lacks an argument`;
  const isFull = !place.registeredArguments.some(({ variadic }) => variadic);
  return isFull && args.length > place.registeredArguments.length ? `${args.join(' ')} is too much` : undefined;
}

/** Commands with `phase` below them. */
function hasAction(place: Command): boolean {
  return place.commands.some((one) => one.name() === 'phase');
}

const where = ({ file, line, text }: Text): string => `src/${file}:${line} ${text.replaceAll('\n', ' ')}`;

test('every command that a message names exists, with its flags', () => {
  const found = texts.flatMap((one) =>
    [...one.text.matchAll(command)].map(([, line = '']) => ({ ...one, said: line })),
  );
  expect(found.length).toBeGreaterThan(30);
  expect(found.flatMap((one) => (wrong(one.said) === undefined ? [] : [`${where(one)}: ${wrong(one.said)}`]))).toEqual(
    [],
  );
});

/** Texts that are no message of a run: what is written into files of a host, printed for a shell, or kubeadm's own words. */
const others = [
  'cli/commands/completion.ts',
  'cli/examples.ts',
  'cli/commands/completion-script.ts',
  'cli/commands/etcd-init-run.ts',
  'cli/commands/reset-run.ts',
  // Put into backticks with the others of its list.
  'preflight/checks/leftovers.ts',
  'config/load.ts',
  'manifests/',
  'phases/node-remove/remove-node.ts',
  'phases/init/show-join.ts',
  'prepare/',
];
const isMessage = ({ file }: Text): boolean => others.every((path) => !file.startsWith(path));

test('a command in a message stands in backticks: only there it gets the host and the flags of the run', () => {
  const bare = new RegExp(`\\bkbinit (?:${commandNames.join('|')})\\b(?! hosts)`);
  const outside = texts.filter((one) => isMessage(one) && bare.test(one.text.replaceAll(command, '')));
  expect(outside.map(where)).toEqual([]);
});

test('no message sends anybody to kubeadm for what kbinit does', () => {
  const theirs = new RegExp(`\\bkubeadm (?:${commandNames.join('|')}) `);
  // Versions of the configuration API that only an older kubeadm reads.
  const known = ['config/read.ts', 'phases/init/show-join.ts'];
  const sent = texts.filter(({ file, text }) => theirs.test(text) && !known.includes(file));
  expect(sent.map(where)).toEqual([]);
});

test.each([
  ['kbinit reset --bogus', 'reset has no --bogus'],
  ['kbinit init phase certs', 'certs is a group of commands'],
  ['kbinit node remove', 'remove lacks an argument'],
  ['kbinit rest', 'kbinit is a group of commands'],
  ['kbinit etcd status now', 'now is too much'],
  ['kbinit init phase certs VALUE', undefined],
  ['kbinit init', undefined],
])('%s is judged', (line, verdict) => {
  expect(wrong(line)).toBe(verdict);
});
