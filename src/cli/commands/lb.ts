// kbinit lb: a load balancer in front of the API servers.
import { Command } from 'commander';
import { withFlags } from '../flags.ts';
import type { LbOptions } from './lb-run.ts';

/** `kbinit lb apply`. */
export function lbCommand(): Command {
  const group = new Command('lb').description('A load balancer in front of the API servers');
  const apply = withFlags(
    group
      .command('apply')
      .description('Install haproxy on a host and point it at the API servers; run again to change it'),
    [
      'lb-backend',
      'bind',
      'port',
      'vip',
      'interface',
      'peer',
      'router-id',
      'priority',
      'force-file',
      'dry-run',
      'ignore-preflight-errors',
    ],
  ).allowExcessArguments(false);
  apply.action(async () => {
    const { runLbApply } = await import('./lb-run.ts');
    await runLbApply(apply.opts<LbOptions>());
  });
  return group;
}
