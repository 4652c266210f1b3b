// Flags of earlier preparations of a host, which its ledger keeps: what is not given now is as it was given last time.
import { Problems } from '../config/problems.ts';
import { KbError } from '../errors.ts';
import { quote } from '../host/shell.ts';
import type { KeptFlags } from '../host/ledger.ts';
import { formatVersion } from '../kube/version.ts';
import type { PrepareFiles, PrepareFlags } from './flags.ts';

/** What a preparation was asked for, before it is judged. */
export interface Asked {
  readonly flags: PrepareFlags;
  readonly files: PrepareFiles;
}

/** Where software comes from: one answer in several flags. */
const places = ['repository', 'binaries', 'offline'];
const proofs = ['repository-key', 'unsigned-repository'];

/** Those that stand for what a host is to be; names and lines for /etc/hosts stay on it by themselves. */
const keptNames: readonly string[] = [
  'kubernetes-version',
  'role',
  'pod-network-cidr',
  'image-repository',
  'apiserver-bind-port',
  ...places,
  ...proofs,
  'registry-mirror',
  'cgroup-driver',
  'backend',
  'firewall-zone',
];

export interface WithKept {
  readonly asked: Asked;
  /** The flags that were not given now, and count all the same. */
  readonly used: KeptFlags;
  /** Registries whose mirror is forgotten. */
  readonly formerMirrors: readonly string[];
  /** What the ledger is to keep from now on. */
  readonly next: KeptFlags;
}

/** What is asked for with what was given last time, less what is forgotten. @throws KbError KB_CONFIG, KB_LEDGER */
export function withKept(asked: Asked, kept: KeptFlags, forgotten: ReadonlySet<string>): WithKept {
  const given = givenFlags(asked);
  const without = new Set([...Object.keys(given), ...inTheWay(given), ...forgotten]);
  const others = otherMirrors(kept, given);
  const mirrors = forgotten.has('registry-mirror') ? [] : others;
  const left = Object.entries(kept).filter(([name]) => keptNames.includes(name) && !without.has(name));
  const used = { ...Object.fromEntries(left), ...(mirrors.length > 0 && { 'registry-mirror': mirrors }) };
  const allMirrors = [...mirrors, ...(asked.flags.registryMirror ?? [])];
  const { repositoryKeys, hasPrograms, ...flags } = readKept(used);
  return {
    used,
    formerMirrors: others.filter((one) => !mirrors.includes(one)).map(registryOf),
    next: { ...used, ...given, ...(allMirrors.length > 0 && { 'registry-mirror': allMirrors }) },
    asked: {
      flags: { ...flags, ...asked.flags, ...(allMirrors.length > 0 && { registryMirror: allMirrors }) },
      files: {
        ...(repositoryKeys !== undefined && { repositoryKeys }),
        // They are on the host; where they came from is another machine's folder, maybe.
        ...(hasPrograms && { binaries: [] }),
        ...asked.files,
      },
    },
  };
}

/** Names of --forget; `all` for every one. @throws KbError KB_CONFIG */
export function forgottenFlags(names: readonly string[]): ReadonlySet<string> {
  const problems = new Problems();
  const plain = names.map((name) => name.replace(/^--/, ''));
  for (const name of plain) {
    if (name === 'all' || keptNames.includes(name)) continue;
    problems.add('--forget', name, 'is not a flag that hosts keep', `it is all, or one of ${keptNames.join(', ')}`);
  }
  if (problems.list.length > 0) throw new KbError(problems.list);
  return new Set(plain.includes('all') ? keptNames : plain);
}

/** As they would be typed: `--repository https://… --cgroup-driver cgroupfs`. */
export function keptWords(used: KeptFlags): string {
  const words = Object.entries(used).flatMap(([name, values]) => {
    if (name === 'repository-key') return [`--${name} (${values.length} kept on the host)`];
    if (name === 'unsigned-repository') return [`--${name}`];
    const isPlace = name === 'binaries' || name === 'offline';
    const note = isPlace ? ' (what came from there stays; give the flag to upload again)' : '';
    return values.map((value) => `--${name} ${quote(value)}${note}`);
  });
  return words.join(' ');
}

function givenFlags({ flags, files }: Asked): KeptFlags {
  const { offline, repositoryKeys } = files;
  const version = flags.kubernetesVersion ?? (offline && formatVersion(offline.version));
  const port = flags.apiserverBindPort;
  const all: Readonly<Record<string, readonly (string | undefined)[] | undefined>> = {
    'kubernetes-version': [version],
    role: flags.role,
    'pod-network-cidr': [flags.podNetworkCidr],
    'image-repository': [flags.imageRepository ?? offline?.imageRepository],
    'apiserver-bind-port': [port === undefined ? undefined : String(port)],
    repository: flags.repository,
    binaries: [flags.binaries],
    offline: [flags.offline],
    'repository-key': repositoryKeys,
    'unsigned-repository': [flags.unsignedRepository === true ? 'true' : undefined],
    'registry-mirror': flags.registryMirror,
    'cgroup-driver': [flags.cgroupDriver],
    backend: [flags.backend],
    'firewall-zone': [flags.firewallZone],
  };
  const values = Object.entries(all).map(
    ([name, list = []]) => [name, list.filter((value) => value !== undefined)] as const,
  );
  return Object.fromEntries(values.filter(([, list]) => list.length > 0));
}

/** What a new place for software makes void. */
function inTheWay(given: KeptFlags): readonly string[] {
  const has = (names: readonly string[]): boolean => names.some((name) => given[name] !== undefined);
  if (has(places)) return [...places, ...proofs];
  return has(proofs) ? ['binaries', 'offline', ...proofs] : [];
}

/** A mirror takes the place of an earlier one of its registry; the others stay. */
function otherMirrors(kept: KeptFlags, given: KeptFlags): readonly string[] {
  const named = new Set((given['registry-mirror'] ?? []).map(registryOf));
  return (kept['registry-mirror'] ?? []).filter((text) => !named.has(registryOf(text)));
}

function registryOf(mirror: string): string {
  return mirror.split('=', 1)[0] ?? '';
}

interface ReadKept extends PrepareFlags {
  readonly repositoryKeys?: readonly string[];
  readonly hasPrograms: boolean;
}

/** As if they had been typed; what they say is judged with the rest. @throws KbError KB_LEDGER */
function readKept(used: KeptFlags): ReadKept {
  const one = (name: string): string | undefined => used[name]?.[0];
  const port = one('apiserver-bind-port');
  if (port !== undefined && !/^\d{1,5}$/.test(port)) throw notKept('apiserver-bind-port');
  const cgroupDriver = choice(used, 'cgroup-driver', ['systemd', 'cgroupfs']);
  const backend = choice(used, 'backend', ['vxlan', 'host-gw', 'udp', 'wireguard']);
  return {
    ...defined('kubernetesVersion', one('kubernetes-version')),
    ...defined('role', used['role']),
    ...defined('podNetworkCidr', one('pod-network-cidr')),
    ...defined('imageRepository', one('image-repository')),
    ...defined('apiserverBindPort', port === undefined ? undefined : Number(port)),
    ...defined('repository', used['repository']),
    ...defined('repositoryKeys', used['repository-key']),
    ...defined('unsignedRepository', one('unsigned-repository') === 'true' ? true : undefined),
    ...defined('cgroupDriver', cgroupDriver),
    ...defined('backend', backend),
    ...defined('firewallZone', one('firewall-zone')),
    hasPrograms: one('binaries') !== undefined || one('offline') !== undefined,
  };
}

/** A field, or none: one that is undefined would count as given. */
function defined<K extends keyof ReadKept>(key: K, value: ReadKept[K] | undefined): Partial<Pick<ReadKept, K>> {
  if (value === undefined) return {};
  const fields: Partial<ReadKept> = { [key]: value };
  return fields;
}

/** @throws KbError KB_LEDGER for a value that cannot have been given */
function choice<V extends string>(used: KeptFlags, name: string, values: readonly V[]): V | undefined {
  const [text] = used[name] ?? [];
  const value = values.find((one) => one === text);
  if (text !== undefined && value === undefined) throw notKept(name);
  return value;
}

function notKept(name: string): KbError {
  return new KbError({
    code: 'KB_LEDGER',
    summary: 'the ledger of changes cannot be read',
    detail: `the flag --${name} that it keeps has a value that kbinit never writes`,
    fix: `give --${name}, or --forget ${name}`,
  });
}
