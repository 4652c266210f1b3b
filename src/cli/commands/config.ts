// kbinit config: print, convert and check configuration files, list and pull images, without touching a cluster.
import { Command } from 'commander';
import { withFlags, withOnlyFlags } from '../flags.ts';
import { outputFlags } from '../output/flags.ts';

/** What kubeadm has on every command of `config`, and what has a meaning here. */
const shared = ['kubeconfig', 'v'];
const imageFlags = ['config', 'feature-gates', 'image-repository', 'kubernetes-version'];

/** `kbinit config …` */
export function configCommand(): Command {
  const group = new Command('config').description('Print, convert and check configuration files; list and pull images');
  withOnlyFlags(group, shared);
  group.addCommand(printCommand());
  group.addCommand(migrateCommand());
  group.addCommand(validateCommand());
  group.addCommand(imagesCommand());
  group.addCommand(schemaCommand());
  return group;
}

function printCommand(): Command {
  const group = new Command('print').description('Print configuration');
  for (const action of ['init', 'join', 'reset', 'upgrade'] as const) {
    const command = group.command(`${action}-defaults`).description(`Print the default configuration of ${action}`);
    const components = action === 'init' ? ['component-configs'] : [];
    withOnlyFlags(command, [...components, 'kubernetes-version', ...shared]).action(async () => {
      const { runPrint } = await import('./config-run.ts');
      await runPrint(action, command.opts());
    });
  }
  return group;
}

function migrateCommand(): Command {
  const command = new Command('migrate').description('Convert a file to the newest API version, with every default');
  withFlags(command, ['old-config', 'new-config', 'allow-experimental-api', 'kubeconfig']).action(async () => {
    const { runMigrate } = await import('./config-run.ts');
    await runMigrate(command.opts());
  });
  return command;
}

function validateCommand(): Command {
  const command = new Command('validate').description('Validate a file and report every problem');
  withOnlyFlags(command, ['config', 'allow-deprecated-api', 'allow-experimental-api', ...shared]).action(async () => {
    const { runValidate } = await import('./config-run.ts');
    await runValidate(command.opts());
  });
  return command;
}

function imagesCommand(): Command {
  const group = new Command('images').description('Images that a control plane needs');
  const list = group.command('list').description('List the images; a configuration file may name others');
  withOnlyFlags(list, [...imageFlags, ...outputFlags, ...shared]).action(async () => {
    const { runImagesList } = await import('./config-images.ts');
    await runImagesList(list.opts());
  });
  const pull = group.command('pull').description('Pull the images on a host');
  withFlags(pull, [...imageFlags, 'cri-socket', 'dry-run', 'kubeconfig']).action(async () => {
    const { runImagesPull } = await import('./config-images.ts');
    await runImagesPull(pull.opts());
  });
  return group;
}

function schemaCommand(): Command {
  const command = new Command('schema')
    .description('Print the JSON schema of a kind, or of all kinds together, for editors')
    .argument('[kind]', 'for example ClusterConfiguration');
  withOnlyFlags(command, ['api-version', ...shared]).action(async (kind: string | undefined) => {
    const { runSchema } = await import('./config-schema.ts');
    runSchema(kind, command.opts());
  });
  return command;
}
