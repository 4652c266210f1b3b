// kbinit addon apply: install what a cluster needs beside Kubernetes itself.
import { Command } from 'commander';
import { withFlags } from '../flags.ts';
import type { AddonOptions } from './addon-run.ts';

/** `kbinit addon apply flannel`. */
export function addonCommand(): Command {
  const group = new Command('addon').description('Install cluster addons');
  const apply = group.command('apply').description('Install an addon, or bring it up to date');
  const flannel = withFlags(apply.command('flannel').description('flannel, a Pod network'), [
    'kubeconfig',
    'pod-network-cidr',
    'image-repository',
    'backend',
    'print-manifest',
    'dry-run',
  ]);
  flannel.action(async () => {
    const { applyFlannel } = await import('./addon-run.ts');
    await applyFlannel(flannel.opts<AddonOptions>());
  });
  return group;
}
