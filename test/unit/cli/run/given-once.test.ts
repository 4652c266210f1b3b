import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Option } from 'commander';
import { main } from '../../../../src/cli/main.ts';
import { KbError } from '../../../../src/errors.ts';
import { preparePhases } from '../../../../src/phases/prepare/index.ts';
import { allCommands, optionOf, type KnownCommand } from '../commands.ts';

async function said(...argv: readonly string[]): Promise<{ code: number; stderr: string }> {
  const stderr: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => stderr.push(String(text)) > 0);
  const code = await main(argv);
  return { code, stderr: stderr.join('') };
}

afterEach(() => vi.restoreAllMocks());

/** Nobody listens there: a connection would be another failure. */
const [first, second] = ['root@127.0.0.1:1', 'root@127.0.0.1:2'] as const;

/** Values that the option's own reader takes. */
function twoValues({ argChoices, flags }: Option): readonly [string, string] {
  if (argChoices !== undefined) return [argChoices[0] ?? '', argChoices[1] ?? ''];
  return flags.includes('rootfs') ? ['/a', '/b'] : ['1', '2'];
}

/** What commander would keep after two different values. */
function afterTwo(option: Option): unknown {
  const [one, other] = twoValues(option);
  return option.parseArg?.(other, option.parseArg(one, undefined)) ?? other;
}

/** True when it takes both, false when it refuses them. */
function takesSeveral(option: Option): boolean {
  try {
    const kept = afterTwo(option);
    if (Array.isArray(kept) && kept.length === 2) return true;
  } catch (error) {
    if (error instanceof KbError) return false;
    throw error;
  }
  throw new Error(`${option.flags} takes the last of two values in silence`);
}

describe('two different hosts', () => {
  const commands = allCommands().filter((known) => optionOf(known, '--host') !== undefined);
  const isForSeveral = (known: KnownCommand): boolean => {
    const option = optionOf(known, '--host');
    return option !== undefined && takesSeveral(option);
  };

  test('are worked on by these commands', () => {
    expect(commands.filter(isForSeveral).map(({ path }) => path)).toEqual([
      'join',
      'preflight',
      'host prepare',
      ...preparePhases.map(({ name }) => `host prepare phase ${name}`),
      'host restore',
      'etcd init',
    ]);
  });

  test('are refused by every other command, before any of them is reached', async () => {
    for (const { path } of commands.filter((known) => !isForSeveral(known))) {
      const { code, stderr } = await said(...path.split(' '), '--host', first, '--host', second);
      expect(stderr, path).toMatch(/KB_USAGE {2}this command accepts a single --host/);
      expect(stderr, path).toContain(`${first} and ${second}`);
      expect(code).toBe(1);
    }
  });

  test.each([
    [['init', '--host', first, 'phase', 'preflight', '--host', second]],
    [['reset', `--host=${first}`, 'phase', 'cleanup-node', `--host=${second}`]],
  ])('are refused before and behind the word phase: %j', async (argv) => {
    expect((await said(...argv)).stderr).toContain('this command accepts a single --host');
  });
});

test('no flag of any command takes the last of two different values in silence', () => {
  const valued = allCommands().flatMap(({ command }) => command.options.filter((option) => !option.isBoolean()));
  expect(valued.map(takesSeveral).length).toBeGreaterThan(1000);
});

test('the same value may be given again', async () => {
  const { stderr } = await said('init', '--host', first, '--host', first);
  expect(stderr).toContain('KB_SSH_UNREACHABLE');
});

test('of a secret that is given twice neither value is shown', async () => {
  const { stderr } = await said('join', 'h:6443', '--token', 'first-secret', '--token', 'second-secret');
  expect(stderr).toMatch(/KB_USAGE {2}--token was given more than once/);
  expect(stderr).not.toMatch(/(?:first|second)-secret/);
});

describe('flags about SSH without a host', () => {
  test.each([
    [['init', '-i', '/key']],
    [['reset', '--force', '--known-hosts', '/k']],
    [['join', '--ssh-config', 'none', 'phase', 'preflight']],
    [['host', 'prepare', '--accept-new-host-keys']],
    [['token', 'list', '--ssh-timeout', '3']],
  ])('are refused: %j', async (argv) => {
    const { code, stderr } = await said(...argv);
    expect(stderr).toMatch(/KB_USAGE {2}--[a-z-]+ without --host/);
    expect(code).toBe(1);
  });

  test('are for the hosts of other flags and arguments too', async () => {
    const join = ['join', 'h:6443', '--token', 'x', '--control-plane', '--copy-certs-from', first];
    for (const argv of [join, ['preflight', '--control-plane-host', first], ['ssh', 'scan', first]]) {
      expect((await said(...argv, '--ssh-config', 'none')).stderr, argv.join(' ')).not.toContain('KB_USAGE');
    }
  });
});
