// kbinit bundle: all that a cluster without registry and package repository needs, in one folder.
import { Command } from 'commander';
import { withOnlyFlags } from './flags.ts';
import { outputFlags } from './output/flags.ts';
import type { VerifyOptions } from './bundle-verify.ts';

/** `kbinit bundle verify`. */
export function bundleCommand(): Command {
  const group = new Command('bundle').description('Everything for hosts without a registry and package repositories');
  const verify = group
    .command('verify')
    .description('Check every byte of a bundle, and whether it is enough')
    .argument('<folder>', 'the bundle');
  withOnlyFlags(verify, ['bundle-version', ...outputFlags, 'v']).action(async (folder: string) => {
    const { runBundleVerify } = await import('./bundle-verify.ts');
    await runBundleVerify(folder, verify.opts<VerifyOptions>());
  });
  return group;
}
