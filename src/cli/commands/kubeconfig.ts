// kbinit kubeconfig: the administrator's file for this machine, and files for more users of a cluster.
import { Command } from 'commander';
import { withFlags } from '../flags.ts';
import type { KubeconfigGetOptions } from './kubeconfig-get.ts';
import type { KubeconfigUserOptions } from './kubeconfig-run.ts';

/** `kbinit kubeconfig user` and `get`. */
export function kubeconfigCommand(): Command {
  const group = new Command('kubeconfig').description(
    'Get the admin kubeconfig; create kubeconfig files for more users',
  );
  const user = withFlags(
    group.command('user').description('Print a kubeconfig with a client certificate of the cluster, or with a token'),
    ['client-name', 'org', 'validity-period', 'token', 'token-file', 'config', 'cert-dir', 'kubeconfig'],
  );
  user.action(async () => {
    const { runKubeconfigUser } = await import('./kubeconfig-run.ts');
    await runKubeconfigUser(user.opts<KubeconfigUserOptions>());
  });
  const get = withFlags(
    group
      .command('get')
      .description('Print the admin kubeconfig of a control plane, or write it to a file on this machine')
      .allowExcessArguments(false),
    ['kubeconfig-name', 'kubeconfig-server', 'kubeconfig-output', 'force-kubeconfig'],
  );
  get.action(async () => {
    const { runKubeconfigGet } = await import('./kubeconfig-get.ts');
    await runKubeconfigGet(get.opts<KubeconfigGetOptions>());
  });
  return group;
}
