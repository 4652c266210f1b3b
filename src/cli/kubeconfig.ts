// kbinit kubeconfig: files for more users of a cluster.
import { Command } from 'commander';
import { withFlags } from './flags.ts';
import type { KubeconfigUserOptions } from './kubeconfig-run.ts';

/** `kbinit kubeconfig user`. */
export function kubeconfigCommand(): Command {
  const group = new Command('kubeconfig').description('Make kubeconfig files for more users');
  const user = withFlags(
    group.command('user').description('Print a kubeconfig with a client certificate of the cluster, or with a token'),
    ['client-name', 'org', 'validity-period', 'token', 'token-file', 'config', 'cert-dir', 'kubeconfig'],
  );
  user.action(async () => {
    const { runKubeconfigUser } = await import('./kubeconfig-run.ts');
    await runKubeconfigUser(user.opts<KubeconfigUserOptions>());
  });
  return group;
}
