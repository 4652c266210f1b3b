// kbinit reset: undo what init or join did to a host.
import { Command } from 'commander';
import { resetPhases } from '../../phases/index.ts';
import { changedFlags, withFlags } from '../flags.ts';
import type { ResetOptions } from './reset-run.ts';
import { addPhaseCommands } from '../run/workflow.ts';

const resetFlags = [
  'cert-dir',
  'cleanup-tmp-dir',
  'config',
  'cri-socket',
  'dry-run',
  'force',
  'force-wipe-etcd',
  'host-changes',
  'ignore-preflight-errors',
  'kubeconfig',
  'skip-phases',
];

/** `kbinit reset` and `kbinit reset phase …`. */
export function resetCommand(): Command {
  const command = withFlags(new Command('reset').description('Undo init or join on a host'), resetFlags);
  command.action(() => run(command));
  addPhaseCommands(command, resetPhases, (path, phase) => run(phase, path));
  return command;
}

async function run(command: Command, only?: string): Promise<void> {
  const { runReset } = await import('./reset-run.ts');
  await runReset(command.opts<ResetOptions>(), changedFlags(command), only);
}
