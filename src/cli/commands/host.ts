// kbinit host: make hosts ready for Kubernetes, and put back what was there before.
import { Command } from 'commander';
import { preparePhases } from '../../phases/prepare/index.ts';
import { withFlagsForHosts } from '../flags.ts';
import type { PrepareOptions, RestoreOptions } from './host-run.ts';
import { addPhaseCommands } from '../run/workflow.ts';

/** `kbinit host prepare [phase NAME]` and `kbinit host restore`. */
export function hostCommand(): Command {
  const group = new Command('host').description('Prepare hosts for Kubernetes, or undo it');
  const prepare = withFlagsForHosts(
    group.command('prepare').description('Prepare a host for Kubernetes'),
    prepareFlags,
  ).allowExcessArguments(false);
  prepare.action(() => run(prepare));
  addPhaseCommands(
    prepare,
    preparePhases,
    (path, phase) => run(phase, path),
    (command, names) => withFlagsForHosts(command, ['prepare-host', ...names]),
  );
  const restore = withFlagsForHosts(group.command('restore').description('Undo what host prepare changed'), [
    'restore-host',
    'force-restore',
    'dry-run',
    'yes',
  ]).allowExcessArguments(false);
  restore.action(async () => {
    const { runRestore } = await import('./host-run.ts');
    await runRestore(restore.opts<RestoreOptions>());
  });
  return group;
}

const prepareFlags = [
  'prepare-host',
  'kubernetes-version',
  'role',
  'hostname',
  'hosts-entry',
  'pod-network-cidr',
  'image-repository',
  'apiserver-bind-port',
  'binaries',
  'offline',
  'repository',
  'repository-key',
  'unsigned-repository',
  'registry-mirror',
  'cgroup-driver',
  'backend',
  'firewall-zone',
  'forget',
  'skip-phases',
  'dry-run',
  'yes',
];

async function run(command: Command, only?: string): Promise<void> {
  const { runPrepare } = await import('./host-run.ts');
  await runPrepare(command.opts<PrepareOptions>(), only);
}
