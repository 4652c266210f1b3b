// kbinit bundle: all that a cluster without registry and package repository needs, in one folder.
import { Command } from 'commander';
import { withFlagsForHosts, withOnlyFlags } from '../flags.ts';
import { outputFlags } from '../output/flags.ts';
import type { CreateOptions } from './bundle-create.ts';
import type { VerifyOptions } from './bundle-verify.ts';

const createFlags = [
  'bundle-output',
  'kubernetes-version',
  'bundle-binaries',
  'bundle-packages',
  'bundle-images',
  'bundle-host',
  'pull',
  'image-repository',
  'bundle-network',
  'download-from',
  'architecture',
  'containerd-version',
  'runc-version',
  'cni-version',
  'crictl-version',
];

/** `kbinit bundle create` and `verify`. */
export function bundleCommand(): Command {
  const group = new Command('bundle').description('Bundles for hosts without a registry or package repository');
  const create = withFlagsForHosts(
    group.command('create').description('Create a bundle of programs, packages and images'),
    createFlags,
  ).allowExcessArguments(false);
  create.action(async () => {
    const { runBundleCreate } = await import('./bundle-create.ts');
    await runBundleCreate(create.opts<CreateOptions>());
  });
  const verify = group
    .command('verify')
    .description('Verify the checksums of a bundle, and that it is complete')
    .argument('<folder>', 'the bundle');
  withOnlyFlags(verify, ['bundle-version', 'bundle-config', ...outputFlags, 'v']).action(async (folder: string) => {
    const { runBundleVerify } = await import('./bundle-verify.ts');
    await runBundleVerify(folder, verify.opts<VerifyOptions>());
  });
  return group;
}
