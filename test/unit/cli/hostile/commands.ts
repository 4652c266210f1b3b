// Every command of the tree that talks to a host, and what it takes to run it against the hostile one.
import type { Command } from 'commander';
import { program } from '../../../../src/cli/main.ts';

export interface HostCommand {
  /** `init phase certs ca` */
  readonly path: string;
  readonly command: Command;
}

/** What a command needs beside the host; a command that gets as far as the host without needs no line. */
const more: Readonly<Record<string, readonly string[]>> = {
  'bundle create': ['--output', 'bundle', '--kubernetes-version', 'v1.36.3', '--download-from', 'http://127.0.0.1:9'],
  'etcd init': [],
  'kubeconfig user': ['--client-name', 'ann'],
  'kubeconfig get': ['-o', 'kubeconfig'],
  'lb apply': ['--address', '192.168.1.2', '--backend', 'node1=192.168.1.2'],
  'config migrate': ['--old-config', 'old.yaml'],
  'node remove': ['node1', '--force'],
  'token delete': ['abcdef'],
  'ssh trust': ['root@127.0.0.1:HOSTPORT'],
};

/** Words of all commands below a path, by its beginning. */
const families: readonly (readonly [RegExp, readonly string[]])[] = [
  [
    /^join\b/,
    ['192.168.1.9:6443', '--token', 'abcdef.0123456789abcdef', '--discovery-token-unsafe-skip-ca-verification'],
  ],
  // Where a phase has no flags of its own for it.
  [/^join phase\b/, ['--config', 'join.yaml']],
  [/^reset\b/, ['--force']],
  [/^host prepare\b/, ['--swap', 'off', '--hosts-entry', '192.168.1.7=node7']],
];

/** Leaves of the tree with a --host, or with hosts as their arguments. */
export function commandsWithHosts(root: Command = program(), path: readonly string[] = []): readonly HostCommand[] {
  const children = root.commands.filter((child) => child.name() !== 'help');
  const deeper = children.flatMap((child) => commandsWithHosts(child, [...path, child.name()]));
  const isOne = children.length === 0 || !['phase', 'all'].some((name) => name === root.name());
  const hasHost =
    root.options.some(({ long }) => long === '--host') ||
    root.registeredArguments.some((argument) => argument.name().includes('addr'));
  const isLeaf = children.length === 0 || (root.commands.some((child) => child.name() === 'phase') && isOne);
  return [...(isLeaf && hasHost ? [{ path: path.join(' '), command: root }] : []), ...deeper];
}

/** The command line for a host at `target`. */
export function wordsFor({ path, command }: HostCommand, target: string, home: string): readonly string[] {
  const has = (flag: string): boolean => command.options.some(({ long }) => long === flag);
  const port = target.split(':').at(-1) ?? '';
  const isByFlags = has('--token');
  const given = [...(more[path] ?? []), ...families.flatMap(([pattern, words]) => (pattern.test(path) ? words : []))];
  const isTarget = command.registeredArguments.some((argument) => argument.name().includes('addr'));
  const known = given.filter((word, index) => {
    const flag = word.startsWith('--') ? word : (given[index - 1] ?? '');
    if (path.startsWith('join')) return flag === '--config' ? !isByFlags : isByFlags;
    return !flag.startsWith('--') || has(flag);
  });
  return [
    ...path.split(' '),
    ...known.map((word) => word.replace('HOSTPORT', port)),
    ...(isTarget && !known.some((word) => word.includes('@')) ? [target] : []),
    ...(has('--host') ? ['--host', target] : []),
    '--ssh-config',
    'none',
    '--known-hosts',
    `${home}/known_hosts`,
    ...(has('--accept-new-host-keys') ? ['--accept-new-host-keys'] : []),
    ...(has('--deadline') ? ['--deadline', '3s'] : []),
    ...(has('--yes') ? ['--yes'] : []),
  ];
}
