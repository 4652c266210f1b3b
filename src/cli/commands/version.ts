// kbinit's own version, and the command that tells it.
import { Command } from 'commander';
import manifest from '../../../package.json' with { type: 'json' };
import { withOnlyFlags } from '../flags.ts';

/** Of the package; what it acts as is another matter (version-line.ts). */
export const version: string = manifest.version;

/** `kbinit version [-o short|json|yaml]` */
export function versionCommand(): Command {
  const command = new Command('version').description('Print the kubeadm-compatible version');
  return withOnlyFlags(command, ['output', 'v']).action(async () => {
    const { versionText } = await import('./version-run.ts');
    process.stdout.write(await versionText(command.opts<{ output?: string }>().output));
  });
}
