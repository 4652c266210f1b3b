// The words on the screen and in the docs: plain English, the terms of Kubernetes. What is out, stays out.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { program } from '../src/cli/main.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Each with what to write instead. */
const out: readonly (readonly [RegExp, string])[] = [
  [/\btold\b/i, 'reported, shown'],
  [/\bbeside\b/i, 'next to, compared with, together with'],
  [/\bnobody\b/i, 'no user, not …'],
  [/\banew\b/i, 'again; recreate, renew, restart'],
  [/\bmend(?:s|ed|ing)?\b/i, 'fix'],
  [/\bwhoever\b/i, 'anyone who'],
  [/\b(?:is|are) no (?!longer\b)[a-z]+\b/i, 'is not a …, has no …'],
  [/\bis none\b/i, 'is not one'],
  [/\b(?:give|gives|given|giving) back\b/i, 'revert, return'],
  [/\blook(?:s|ed|ing)? at\b/i, 'check, inspect, survey'],
  [/\bthe whole of\b/i, 'all of'],
  [/\bstopped as you asked\b/i, 'interrupted'],
  [/\bis not a length of time\b/i, 'is not a duration'],
  [/\bgo(?:es)? on with\b/i, 'continue with'],
];

/** What is out in a text. */
function faults(text: string): readonly string[] {
  return out.flatMap(([pattern, instead]) => {
    const found = pattern.exec(text);
    return found === null ? [] : [`“${found[0]}”: write ${instead}`];
  });
}

/** The string literals of a source file, with the fixed parts of templates; comments are not among them. */
function literals(source: string): readonly string[] {
  const found: string[] = [];
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|(?<=[(,=:[!&|?{};\n]\s*)\/(?![*/])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*|'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\[\s\S])*)`/g;
  for (const [, single, double, template] of source.matchAll(token)) {
    const text = single ?? double ?? template?.replaceAll(/\$\{[^}]*\}/g, '…');
    if (text !== undefined) found.push(text);
  }
  return found;
}

/** Shell that runs on hosts, and what other programs say, are not ours to word. */
function isMessage(text: string): boolean {
  return text.includes(' ') && !/(?:^|\n)\s*(?:if|for|while|case|set|command|\[) |2>&1|\/dev\/null/.test(text);
}

function filesBelow(folder: string, extension: string): readonly string[] {
  return readdirSync(`${root}/${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(extension))
    .map((name) => `${folder}/${name}`);
}

test('a word that is out is found, in a literal and not in a comment', () => {
  const source = "// nobody\nconst a = 'this is no token'; /* anew */ const b = `look at ${x}`;";
  expect(literals(source).flatMap(faults)).toEqual([
    '“is no token”: write is not a …, has no …',
    '“look at”: write check, inspect, survey',
  ]);
});

test('no message has a word that is out', () => {
  const found = filesBelow('src', '.ts').flatMap((file) =>
    literals(readFileSync(`${root}/${file}`, 'utf8'))
      .filter(isMessage)
      .flatMap((text) => faults(text).map((fault) => `${file}: ${JSON.stringify(text)}: ${fault}`)),
  );
  expect(found).toEqual([]);
});

test('no help has one', () => {
  const all = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(all)];
  const found = all(program()).flatMap((command) =>
    faults(command.helpInformation()).map((fault) => `${command.name()}: ${fault}`),
  );
  expect(found).toEqual([]);
});

test('no page has one', () => {
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    ...filesBelow('docs', '.md').filter((file) => !file.includes('decisions')),
  ];
  const found = pages.flatMap((page) =>
    readFileSync(`${root}/${page}`, 'utf8')
      // Names of tests are quoted as they are.
      .replaceAll(/“[^”]*”/g, '')
      .split('\n')
      .flatMap((line, index) => faults(line).map((fault) => `${page}:${index + 1}: ${fault}`)),
  );
  expect(found).toEqual([]);
});
