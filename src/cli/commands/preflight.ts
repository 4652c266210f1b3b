// kbinit preflight: look at all hosts of a cluster to be, each by itself and beside the others.
import { Command } from 'commander';
import { changedFlags, withFlagsForHosts } from '../flags.ts';
import { outputFlags } from '../output/flags.ts';
import type { PreflightOptions } from './preflight-run.ts';

const preflightFlags = [
  'control-plane-host',
  'worker-host',
  'config',
  'kubernetes-version',
  'control-plane-endpoint',
  'pod-network-cidr',
  'service-cidr',
  'cri-socket',
  'ignore-preflight-errors',
  ...outputFlags,
];

/** `kbinit preflight`. */
export function preflightCommand(): Command {
  const command = new Command('preflight')
    .description('Check hosts before they become a cluster, and whether they fit together; changes nothing')
    .allowExcessArguments(false);
  withFlagsForHosts(command, preflightFlags);
  return command.action(async () => {
    const { runPreflight } = await import('./preflight-run.ts');
    await runPreflight(command.opts<PreflightOptions>(), changedFlags(command));
  });
}
