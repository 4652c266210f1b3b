// kbinit token: bootstrap tokens.
import { Command } from 'commander';
import { withOnlyFlags } from './flags.ts';

/** `kbinit token generate` */
export function tokenCommand(): Command {
  const group = new Command('token').description('Bootstrap tokens');
  const generate = group
    .command('generate')
    .description('Print a random token, as --token takes it; no cluster is asked')
    .allowExcessArguments(false);
  withOnlyFlags(generate, ['v']).action(async () => {
    const { systemChance } = await import('../util/keygen.ts');
    const chance = systemChance();
    process.stdout.write(`${chance.tokenCharacters(6)}.${chance.tokenCharacters(16)}\n`);
  });
  return group;
}
