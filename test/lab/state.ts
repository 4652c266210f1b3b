/** Owns what a lab remembers between commands: its folder, and the hosts it made. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { labCacheDir } from './cache.ts';
import type { HostKind } from './kinds.ts';

/** A host as the lab made it; one that is not ready was left by a killed run. */
export interface HostRecord {
  readonly name: string;
  readonly address: string;
  readonly containerId: string;
  readonly kind: HostKind;
  readonly images: boolean;
  readonly extraPodmanArgs: readonly string[];
}

/** A lab's own record. */
export interface LabState {
  readonly subnet: string;
  readonly hosts: readonly HostRecord[];
}

/** Where everything of one lab lies. */
export interface LabPaths {
  readonly dir: string;
  readonly stateFile: string;
  readonly lockFile: string;
  readonly identityFile: string;
  readonly publicKeyFile: string;
  readonly knownHostsFile: string;
  readonly hosts: string;
}

/** The paths of the lab with that prefix; in the cache folder, because hard links need one file system. */
export function labPaths(prefix: string): LabPaths {
  if (!/^[a-z][-a-z0-9]{0,30}$/.test(prefix)) throw new Error(`${prefix} is no prefix for a lab`);
  const dir = join(labCacheDir(), 'labs', prefix);
  return {
    dir,
    stateFile: join(dir, 'state.json'),
    lockFile: join(labCacheDir(), 'labs', `${prefix}.lock`),
    identityFile: join(dir, 'id_ed25519'),
    publicKeyFile: join(dir, 'id_ed25519.pub'),
    knownHostsFile: join(dir, 'known_hosts'),
    hosts: join(dir, 'hosts'),
  };
}

/** The lab's record; undefined where there is none, or none that can be read. */
export async function readState(paths: LabPaths): Promise<LabState | undefined> {
  const text = await readFile(paths.stateFile, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const value: unknown = JSON.parse(text);
  if (!isState(value)) throw new Error(`${paths.stateFile} is not a lab's record: remove ${paths.dir}`);
  // A record from before there were kinds has none.
  return { ...value, hosts: value.hosts.map((host) => ({ ...host, kind: host.kind ?? 'ready' })) };
}

// Only writeState writes the file, whole or not at all: this tells our record from another version's, no more.
function isState(value: unknown): value is LabState {
  const isObject = typeof value === 'object' && value !== null;
  return isObject && 'subnet' in value && 'hosts' in value && Array.isArray(value.hosts);
}

/** Writes the record, whole or not at all. */
export async function writeState(paths: LabPaths, state: LabState): Promise<void> {
  await mkdir(paths.dir, { recursive: true });
  await writeFile(`${paths.stateFile}.new`, JSON.stringify(state, undefined, 2));
  await rename(`${paths.stateFile}.new`, paths.stateFile);
}
