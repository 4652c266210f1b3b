// kbinit node: take nodes out of a cluster.
import { Command } from 'commander';
import { withFlags } from '../flags.ts';
import type { NodeRemoveOptions } from './node-run.ts';

/** `kbinit node remove`. */
export function nodeCommand(): Command {
  const group = new Command('node').description('The nodes of a cluster');
  remove(group);
  return group;
}

function remove(group: Command): void {
  const command = withFlags(
    group
      .command('remove')
      .description('Drain a node, take its member out of etcd and delete it; through another control plane (--host)')
      .argument('<name>', 'name of the node'),
    ['delete-emptydir-data', 'dry-run', 'force-removal', 'kubeconfig', 'skip-phases', 'drain-timeout', 'yes'],
  );
  command.action(async (name: string) => {
    const { runNodeRemove } = await import('./node-run.ts');
    await runNodeRemove(name, command.opts<NodeRemoveOptions>());
  });
}
