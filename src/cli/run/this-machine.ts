// Runs without --host: what this machine is called, and flags about SSH that would reach nothing.
import { hostname, networkInterfaces } from 'node:os';
import type { Command } from 'commander';
import { KbError } from '../../errors.ts';

/** `this machine, laptop (10.0.0.5)`; with --rootfs the tree that is worked on. */
export function thisMachine(rootfs: string | undefined): string {
  const address = ownAddress();
  const machine = `this machine, ${hostname()}${address === undefined ? '' : ` (${address})`}`;
  return rootfs === undefined ? machine : `${machine}, in ${rootfs}`;
}

/** Of the first interface that leads somewhere, IPv4 first. */
function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const outside = all.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  return (outside.find(({ family }) => family === 'IPv4') ?? outside[0])?.address;
}

/**
 * Ask before this machine is changed, where somebody is there to answer; a script goes on, as with kubeadm.
 * @throws KbError KB_NOT_CONFIRMED
 */
export async function assertConfirmed(
  command: string,
  host: string,
  ask: (question: string) => Promise<boolean>,
): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return;
  if (await ask(`Run kbinit ${command} on this machine? [y/N] `)) return;
  throw new KbError({
    code: 'KB_NOT_CONFIRMED',
    summary: 'nothing was changed',
    host,
    detail: 'the question about this machine was not answered with y or yes',
    fix: 'answer y or give --yes to work on this machine; for another one add --host [user@]address',
  });
}

const sshFlags = [
  '--identity-file',
  '--ssh-config',
  '--known-hosts',
  '--accept-new-host-keys',
  '--ssh-timeout',
  '--reconnect-timeout',
];

/** Each names a host that is reached over SSH. */
const hostFlags = ['--host', '--control-plane-host', '--client', '--copy-certs-from', '--admin-host'];

/**
 * Refuse flags about SSH where no host is named: whoever gives them means another machine than this one.
 * @throws KbError KB_USAGE
 */
export function assertSshHasHost(command: Command): void {
  const given = new Set(givenFlags(command));
  const useless = sshFlags.filter((flag) => given.has(flag));
  const takesHosts = command.options.some(({ long }) => long === '--host');
  const namesHosts = command.registeredArguments.some((argument) => argument.name().includes('addr[:port]'));
  if (useless.length === 0 || !takesHosts || namesHosts || hostFlags.some((flag) => given.has(flag))) return;
  throw new KbError({
    code: 'KB_USAGE',
    summary: `${useless.join(', ')} without --host`,
    detail: 'the flag is about SSH, and no host is named: the command would work on this machine',
    fix: `add --host [user@]address, or leave ${useless.length === 1 ? 'the flag' : 'these flags'} out to work on this machine`,
  });
}

/** Flags may stand before the word `phase` too. */
function givenFlags(command: Command): readonly string[] {
  const own = command.options
    .filter((declared) => command.getOptionValueSource(declared.attributeName()) === 'cli')
    .map(({ long }) => long ?? '');
  return command.parent === null ? own : [...own, ...givenFlags(command.parent)];
}
