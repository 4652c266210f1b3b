// Help: every flag in its group, examples that can be typed, phases named, no line wider than the terminal.
import type { Command } from 'commander';
import { describe, expect, test, vi, afterEach } from 'vitest';
import { examples } from '../../../src/cli/examples.ts';
import { groupedFlags } from '../../../src/cli/flag-groups.ts';
import { flagNames, plainArguments } from '../../../src/cli/flags.ts';
import { program } from '../../../src/cli/main.ts';
import { initPhases } from '../../../src/phases/index.ts';

afterEach(() => vi.unstubAllEnvs());

function commands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(commands)];
}

function helpOf(...path: readonly string[]): string {
  const command = path.reduce<Command>((at, name) => {
    const child = at.commands.find((one) => one.name() === name);
    if (child === undefined) throw new Error(`there is no command ${name}`);
    return child;
  }, program());
  let text = '';
  command.configureOutput({ ...command.configureOutput(), writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

/** `a "b c"` as a shell splits it. */
const words = (line: string): readonly string[] =>
  (line.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ''));

test('a group has flags that are declared, each once', () => {
  expect(groupedFlags.filter((name) => !flagNames.includes(name))).toEqual([]);
  expect(new Set(groupedFlags).size).toBe(groupedFlags.length);
});

test.each(['init', 'join'])('help of %s groups its flags, the cluster before the connection', (name) => {
  const headings = [...helpOf(name).matchAll(/^(\S.* options:)$/gm)].map(([, heading]) => heading);
  expect(headings.slice(-4)).toEqual([
    'Certificate and token options:',
    'Run options:',
    'SSH options:',
    'Output options:',
  ]);
  expect(helpOf(name)).toMatch(/Output options:\n(?: .*\n)* {2}-h, --help/);
});

test('help of init names its phases in their order, and examples', () => {
  const help = helpOf('init');
  const at = [...initPhases.map(({ name }) => `\n  ${name} `), 'Examples:'].map((text) => help.indexOf(text));
  expect(at.every((place) => place > 0)).toBe(true);
  expect(at).toEqual(at.toSorted((a, b) => a - b));
});

test.each(['100', '120'])('the flags of help keep to the %s columns of the terminal', (columns) => {
  vi.stubEnv('COLUMNS', columns);
  const lines = ['init', 'join', 'reset'].flatMap((name) => helpOf(name).split('\n'));
  expect(lines.filter((line) => line.length > Number(columns) && line.startsWith('  -'))).toEqual([]);
});

describe('examples', () => {
  const lines = Object.entries(examples).flatMap(([path, all]) => all.map((line) => [path, line] as const));

  test('every command that people type has one', () => {
    const paths = commands(program()).map((command) => {
      const names: string[] = [];
      for (let at: Command | null = command; at?.parent; at = at.parent) names.unshift(at.name());
      return names.join(' ') || 'kbinit';
    });
    expect(Object.keys(examples).filter((path) => !paths.includes(path))).toEqual([]);
    const topLevel = paths.filter((path) => !path.includes(' '));
    expect(topLevel.filter((path) => examples[path] === undefined)).toEqual([]);
  });

  test.each(lines)('of %s: %s', async (_path, line) => {
    const root = program();
    const ran: string[] = [];
    for (const command of commands(root)) {
      command.exitOverride();
      if (command.commands.length === 0 || command.commands.some((child) => child.name() === 'phase')) {
        command.action(() => void ran.push(command.name()));
      }
    }
    const [first, ...rest] = words(line.split(' > ')[0] ?? '');
    expect(first).toBe('kbinit');
    await root.parseAsync([...plainArguments(rest)], { from: 'user' });
    expect(ran).toHaveLength(1);
  });
});
