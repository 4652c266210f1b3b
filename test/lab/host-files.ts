/** Owns a host's file system: an overlay of its kind's root, with the few files that are the host's own put in beforehand. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree } from './cache.ts';
import { copyTemplate } from './containerd-template.ts';
import { rootOf, type HostKind } from './kinds.ts';
import { mustRun } from './run.ts';
import { makeHostKeys } from './ssh-keys.ts';
import type { LabPaths } from './state.ts';

/** Where everything of one host lies. */
export interface HostPaths {
  readonly dir: string;
  readonly root: string;
  readonly upper: string;
  readonly work: string;
  readonly containerd: string;
  readonly kubelet: string;
  readonly pidFile: string;
  /** Outside `dir`: a host that is made anew keeps its keys, so that known_hosts stays true for those who read it. */
  readonly hostKeys: string;
}

/** The paths of a host of a lab. */
export function hostPaths(paths: LabPaths, name: string): HostPaths {
  const dir = join(paths.hosts, name);
  const inside = (entry: string): string => join(dir, entry);
  return {
    dir,
    root: inside('root'),
    upper: inside('upper'),
    work: inside('work'),
    containerd: inside('containerd'),
    kubelet: inside('kubelet'),
    pidFile: inside('pid'),
    hostKeys: join(paths.dir, 'host-keys', name),
  };
}

/** Makes a host's files from nothing; whatever was there before is gone. */
export async function makeHostFiles(
  paths: LabPaths,
  host: { readonly name: string; readonly kind: HostKind; readonly images: boolean },
  addresses: ReadonlyMap<string, string>,
): Promise<void> {
  const files = hostPaths(paths, host.name);
  await removeTree(files.dir);
  for (const folder of [files.root, files.upper, files.work, files.kubelet]) await mkdir(folder, { recursive: true });
  const containerd = host.images ? copyTemplate(files.containerd) : mkdir(files.containerd);
  await Promise.all([containerd, writeOwnFiles(paths, files, host.name, addresses)]);
  const layers = `lowerdir=${rootOf(host.kind)},upperdir=${files.upper},workdir=${files.work}`;
  await mustRun('mount', ['-t', 'overlay', 'overlay', '-o', layers, files.root]);
}

/** Whether something is mounted at a path. */
export async function isMounted(path: string): Promise<boolean> {
  return (await readFile('/proc/self/mountinfo', 'utf8')).includes(` ${path} `);
}

/** The lines of /etc/hosts. */
export function hostsFile(addresses: ReadonlyMap<string, string>): string {
  const others = [...addresses].map(([host, address]) => `${address} ${host}\n`);
  return `127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n${others.join('')}`;
}

async function writeOwnFiles(
  paths: LabPaths,
  files: HostPaths,
  name: string,
  addresses: ReadonlyMap<string, string>,
): Promise<void> {
  const etc = join(files.upper, 'etc');
  const ssh = join(files.upper, 'root/.ssh');
  await mkdir(join(etc, 'ssh'), { recursive: true });
  await mkdir(ssh, { recursive: true });
  await chmod(join(files.upper, 'root'), 0o700);
  await chmod(ssh, 0o700);
  await writeFile(join(etc, 'hosts'), hostsFile(addresses));
  await writeFile(join(etc, 'hostname'), `${name}\n`);
  await writeFile(join(etc, 'machine-id'), `${randomBytes(16).toString('hex')}\n`, { mode: 0o444 });
  await writeFile(join(ssh, 'authorized_keys'), await readFile(paths.publicKeyFile), { mode: 0o600 });
  await makeHostKeys(files.hostKeys, name);
  await mustRun('cp', ['-p', '-r', `${files.hostKeys}/.`, join(etc, 'ssh')]);
}
