// kbinit etcd: look at the etcd cluster behind a control plane, or make one that stands alone.
import { Command } from 'commander';
import { etcdInitCommand } from './etcd-init.ts';
import type { EtcdOptions } from './etcd-run.ts';
import { withFlags } from '../flags.ts';
import { outputFlags } from '../output/flags.ts';

/** `kbinit etcd members|status|init`. */
export function etcdCommand(): Command {
  const group = new Command('etcd').description('The etcd cluster behind a control plane');
  members(group);
  status(group);
  group.addCommand(etcdInitCommand());
  return group;
}

const lookFlags = ['kubeconfig', ...outputFlags];

function members(group: Command): void {
  const command = withFlags(group.command('members').description('List the members of the cluster'), lookFlags);
  command.action(async () => {
    const { runEtcdMembers } = await import('./etcd-run.ts');
    await runEtcdMembers(command.opts<EtcdOptions>());
  });
}

function status(group: Command): void {
  const command = withFlags(group.command('status').description('Show the health of every member'), lookFlags);
  command.action(async () => {
    const { runEtcdStatus } = await import('./etcd-run.ts');
    await runEtcdStatus(command.opts<EtcdOptions>());
  });
}
