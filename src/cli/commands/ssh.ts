// kbinit ssh: host keys made known, and hosts that log in to each other, as the first step of a cluster by hand.
import { Command } from 'commander';
import { withFlags, withFlagsForHosts } from '../flags.ts';
import type { SshScanOptions } from './ssh-scan-run.ts';
import type { SshTrustOptions } from './ssh-trust-run.ts';

/** `kbinit ssh scan` and `kbinit ssh trust`. */
export function sshCommand(): Command {
  const group = new Command('ssh').description('Host keys and logins between hosts');
  const scan = withFlagsForHosts(
    group
      .command('scan')
      .description('Show host keys and add them to known_hosts after confirmation')
      .argument('<[user@]addr[:port]...>', 'hosts'),
    ['yes', 'dry-run'],
  );
  scan.action(async (hosts: readonly string[]) => {
    const { runSshScan } = await import('./ssh-scan-run.ts');
    await runSshScan(hosts, scan.opts<SshScanOptions>());
  });
  const trust = withFlags(
    group
      .command('trust')
      .description('Set up key-based SSH logins from one host to others')
      .argument('<[user@]addr[:port]...>', 'the hosts that it is to log in to'),
    ['dry-run'],
  );
  trust.action(async (hosts: readonly string[]) => {
    const { runSshTrust } = await import('./ssh-trust-run.ts');
    await runSshTrust(hosts, trust.opts<SshTrustOptions>());
  });
  return group;
}
