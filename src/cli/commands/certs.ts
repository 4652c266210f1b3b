// kbinit certs: look after the certificates of a control plane.
import { Command } from 'commander';
import { renewables } from '../../kubeconfig/renewables.ts';
import type { CheckExpirationOptions, GenerateCsrOptions, RenewOptions } from './certs-run.ts';
import { withFlags } from '../flags.ts';
import { outputFlags } from '../output/flags.ts';

/** `kbinit certs check-expiration|renew|generate-csr|certificate-key`. */
export function certsCommand(): Command {
  const group = new Command('certs').alias('certificates').description('Manage the certificates of a control plane');
  checkExpiration(group);
  renewal(group);
  generateCsr(group);
  group
    .command('certificate-key')
    .description('Print a random key for --certificate-key')
    .action(async () => {
      const { printCertificateKey } = await import('./certs-run.ts');
      printCertificateKey();
    });
  return group;
}

function checkExpiration(group: Command): void {
  const command = withFlags(group.command('check-expiration').description('Show certificate expiry'), [
    'cert-dir',
    'config',
    'kubeconfig',
    ...outputFlags,
  ]);
  command.action(async () => {
    const { runCheckExpiration } = await import('./certs-run.ts');
    await runCheckExpiration(command.opts<CheckExpirationOptions>());
  });
}

function renewal(group: Command): void {
  const renew = group.command('renew').description('Renew certificates, keeping their subjects and names');
  const add = (name: string, description: string, names: readonly string[]): void => {
    const command = withFlags(renew.command(name).description(description), [
      'cert-dir',
      'config',
      'kubeconfig',
      'dry-run',
    ]);
    command.action(async () => {
      const { runRenew } = await import('./certs-run.ts');
      await runRenew(command.opts<RenewOptions>(), name, names);
    });
  };
  add(
    'all',
    'Renew all of them',
    renewables.map(({ name }) => name),
  );
  for (const { name, title } of renewables) add(name, `Renew ${title}`, [name]);
}

function generateCsr(group: Command): void {
  const command = withFlags(
    group.command('generate-csr').description('Generate keys and certificate signing requests for an external CA'),
    ['cert-dir', 'config', 'kubeconfig-dir', 'dry-run'],
  );
  command.action(async () => {
    const { runGenerateCsr } = await import('./certs-run.ts');
    await runGenerateCsr(command.opts<GenerateCsrOptions>());
  });
}
