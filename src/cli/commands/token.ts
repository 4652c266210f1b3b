// kbinit token: bootstrap tokens.
import { Command } from 'commander';
import { changedFlags, withFlags, withOnlyFlags } from '../flags.ts';
import { outputFlags } from '../output/flags.ts';
import type { OutputOptions } from '../output/printer.ts';
import type { CreateFlags } from './token-create.ts';
import type { TokenOptions } from './token-run.ts';

const clusterFlags = ['kubeconfig', 'dry-run'];

/** `kbinit token create|list|delete|generate` */
export function tokenCommand(): Command {
  const group = new Command('token').description('Bootstrap tokens');
  create(group);
  list(group);
  remove(group);
  generate(group);
  return group;
}

function create(group: Command): void {
  const command = withFlags(
    group
      .command('create')
      .description('Create a bootstrap token and print it')
      .argument('[token]', 'the token, [a-z0-9]{6}.[a-z0-9]{16} (default: a random one)'),
    [
      'certificate-key',
      'certificate-key-file',
      'config',
      'description',
      'groups',
      'print-join-command',
      'token-file',
      'ttl',
      'usages',
      ...clusterFlags,
    ],
  );
  command.action(async (token: string | undefined) => {
    const { runTokenCreate } = await import('./token-run.ts');
    await runTokenCreate(command.opts<TokenOptions & CreateFlags>(), token, changedFlags(command));
  });
}

function list(group: Command): void {
  const command = withFlags(
    group.command('list').description('List the tokens of the cluster').allowExcessArguments(false),
    [...clusterFlags, ...outputFlags],
  );
  command.action(async () => {
    const { runTokenList } = await import('./token-run.ts');
    await runTokenList(command.opts<TokenOptions & OutputOptions>());
  });
}

function remove(group: Command): void {
  const command = withFlags(
    group
      .command('delete')
      .description('Delete tokens from the cluster')
      .argument('<token...>', 'tokens, or their ids'),
    clusterFlags,
  );
  command.action(async (tokens: readonly string[]) => {
    const { runTokenDelete } = await import('./token-run.ts');
    await runTokenDelete(command.opts<TokenOptions>(), tokens);
  });
}

function generate(group: Command): void {
  const command = group
    .command('generate')
    .description('Print a random token, as --token takes it; no cluster is asked')
    .allowExcessArguments(false);
  withOnlyFlags(command, ['v']).action(async () => {
    const { randomToken, systemRandomSource } = await import('../../util/keygen.ts');
    process.stdout.write(`${randomToken(systemRandomSource())}\n`);
  });
}
