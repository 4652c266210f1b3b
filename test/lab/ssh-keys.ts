/** Owns the keys of a lab: one client key, three host keys a host, and the known_hosts file that names them. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from './cache.ts';
import { mustRun } from './run.ts';
import type { HostRecord, LabPaths } from './state.ts';

const hostKeyTypes = ['ed25519', 'ecdsa', 'rsa'] as const;

/** Makes the lab's client key where it is missing. */
export async function ensureClientKey(paths: LabPaths): Promise<void> {
  await mkdir(paths.dir, { recursive: true, mode: 0o700 });
  await makeKey(paths.identityFile, 'ed25519', 'kbinit-lab');
}

/** Puts three host keys into a folder, where they are not there yet. */
export async function makeHostKeys(folder: string, host: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const make = (type: string): Promise<void> => makeKey(join(folder, `ssh_host_${type}_key`), type, `root@${host}`);
  await Promise.all(hostKeyTypes.map(make));
}

/** Writes the known_hosts file of these hosts, by name and by address. */
export async function writeKnownHosts(
  paths: LabPaths,
  hosts: readonly HostRecord[],
  keyFolder: (host: string) => string,
): Promise<void> {
  const lines = hosts.flatMap(({ name, address }) =>
    hostKeyTypes.map(async (type) => {
      const text = await readFile(join(keyFolder(name), `ssh_host_${type}_key.pub`), 'utf8');
      return `${name},${address} ${text.split(' ').slice(0, 2).join(' ')}\n`;
    }),
  );
  await writeFile(`${paths.knownHostsFile}.new`, (await Promise.all(lines)).join(''));
  await rename(`${paths.knownHostsFile}.new`, paths.knownHostsFile);
}

async function makeKey(file: string, type: string, comment: string): Promise<void> {
  // The public key is written last: a key is whole when that is there.
  if (await exists(`${file}.pub`)) return;
  // 2048 bits: enough to be accepted, and made in a tenth of a second.
  const size = type === 'rsa' ? ['-b', '2048'] : [];
  await rm(file, { force: true });
  await mustRun('ssh-keygen', ['-q', '-t', type, ...size, '-N', '', '-C', comment, '-f', file]);
}
