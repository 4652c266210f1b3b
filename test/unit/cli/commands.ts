// The command tree, for tests that hold a rule against every command: a new one is covered as soon as it exists.
import type { Command, Option } from 'commander';
import { program } from '../../../src/cli/main.ts';

export interface KnownCommand {
  /** `init phase certs ca`; without `kbinit`. */
  readonly path: string;
  readonly command: Command;
}

/** Every command of the tree, groups too. */
export function allCommands(command: Command = program(), path: readonly string[] = []): readonly KnownCommand[] {
  const below = command.commands.flatMap((child) => allCommands(child, [...path, child.name()]));
  return path.length === 0 ? below : [{ path: path.join(' '), command }, ...below];
}

/** Those that do something. */
export function leafCommands(): readonly KnownCommand[] {
  return allCommands().filter(({ command }) => command.commands.length === 0 || command.registeredArguments.length > 0);
}

export function optionOf({ command }: KnownCommand, long: string): Option | undefined {
  return command.options.find((option) => option.long === long);
}
