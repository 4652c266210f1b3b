// kbinit etcd init: an etcd cluster of its own, for clusters whose control planes do not run it.
import { Command } from 'commander';
import type { EtcdInitOptions } from './etcd-init-run.ts';
import { withFlagsForHosts } from '../flags.ts';

/** `kbinit etcd init`. */
export function etcdInitCommand(): Command {
  const command = new Command('init')
    .description('Set up an etcd cluster of 1, 3, 5 or 7 hosts as a systemd service; run again to maintain it')
    .allowExcessArguments(false);
  withFlagsForHosts(command, [
    'etcd-host',
    'etcd-binary',
    'etcdctl-binary',
    'etcd-data-dir',
    'etcd-extra-args',
    'client',
    'client-certs-dir',
    'dry-run',
    'ignore-preflight-errors',
  ]);
  return command.action(async () => {
    const { runEtcdInit } = await import('./etcd-init-run.ts');
    await runEtcdInit(command.opts<EtcdInitOptions>());
  });
}
