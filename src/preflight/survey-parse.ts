// Reads the survey script's answer: fenced sections in, a typed Survey out, in which every value has its shape. Pure.
import { Said } from '../util/said.ts';
import { addressShape, interfaceShape, lineShape, numberShape, pathShape, wordShape } from '../util/shapes.ts';
import { parseFirewalld, type Firewalld } from './firewalld-parse.ts';
import { pathKinds, type PathKind } from './path-kinds.ts';
import type { EtcdAnswer } from './external-etcd.ts';
import { parseRuntime, type Runtime } from './runtime-parse.ts';

/** A process that listens on a port; pid and command are not always to be had. */
export interface Listener {
  readonly port: number;
  readonly pid?: number;
  /** File name of its executable, else the kernel's 15-character name. */
  readonly command?: string;
}

/** A filled folder has entries, a fresh disk lost+found alone; a missing path includes a dangling link (stat fails). */
export type PathState = 'missing' | 'file' | 'empty-folder' | 'fresh-disk' | 'filled-folder';

export interface UnitState {
  readonly load: string;
  readonly active: string;
  /** `enabled`, `disabled`, …; '' where systemd does not say. */
  readonly file: string;
}

export interface Lookup {
  readonly name: string;
  readonly addresses: readonly string[];
}

export interface Filesystem {
  /** The folder that was asked for. */
  readonly path: string;
  /** Same number, same filesystem. */
  readonly device: string;
  readonly freeMiB: number;
  /** undefined where the filesystem does not count inodes (btrfs). */
  readonly freeInodes?: number;
  readonly isWritable: boolean;
}

/** A network interface that has a hardware address. */
export interface Link {
  readonly name: string;
  readonly mac: string;
}

export interface Leftovers {
  readonly cniFiles: readonly string[];
  readonly links: readonly string[];
  /** `KUBE-SERVICES`, … of iptables. */
  readonly chains: readonly string[];
  /** kube-proxy's: `ip kube-proxy`. */
  readonly nftTables: readonly string[];
}

/** Everything one look at the host gave. Maps hold only what was asked for. */
export interface Survey {
  readonly uid: number;
  /** `uname -s` */
  readonly kernelName: string;
  readonly listeners: ReadonlyMap<number, Listener>;
  readonly paths: ReadonlyMap<string, PathState>;
  readonly kinds: ReadonlyMap<string, PathKind>;
  readonly texts: ReadonlyMap<string, string>;
  readonly certificates: ReadonlyMap<string, readonly string[]>;
  readonly executables: ReadonlySet<string>;
  /** undefined when there is no systemctl. */
  readonly units: ReadonlyMap<string, UnitState> | undefined;
  /** Devices or files of /proc/swaps. */
  readonly swaps: readonly string[];
  readonly lookups: ReadonlyMap<string, Lookup>;
  readonly kernel: { readonly source?: string; readonly options: ReadonlyMap<string, string> };
  /** version is undefined when no cgroup filesystem is mounted. */
  readonly cgroups: { readonly version?: 1 | 2; readonly controllers: ReadonlySet<string> };
  readonly disks: readonly Filesystem[];
  readonly links: readonly Link[];
  readonly runtime?: Runtime;
  /** undefined where firewalld does not run or did not answer. */
  readonly firewalld?: Firewalld;
  readonly leftovers: Leftovers;
  readonly externalEtcd: readonly EtcdAnswer[];
}

/** A section's lines by its name, without the blank line that the fence adds. */
type Sections = ReadonlyMap<string, readonly string[]>;

const fence = '@@kbinit:';

/**
 * What the script said; undefined when it did not get to its end.
 * @throws KbError KB_HOST_FACT for what cannot be true of a host
 */
export function parseSurvey(output: string): Omit<Survey, 'externalEtcd'> | undefined {
  const sections = readSections(output);
  if (!sections.has('end')) return undefined;
  const lines = (name: string): readonly string[] => (sections.get(name) ?? []).filter((line) => line !== '');
  const [uid = '', kernelName = ''] = lines('identity');
  const runtime = parseRuntime(sections);
  const said = new Said();
  const firewalld = parseFirewalld(sections, said);
  const survey = {
    uid: said.number('user id', uid, numberShape),
    kernelName: said.optional('name of the kernel', kernelName, wordShape),
    listeners: listeners(lines('listeners'), lines('owners'), said),
    paths: pathStates(lines('paths')),
    kinds: kinds(lines('kinds')),
    texts: named(sections, 'text '),
    certificates: certificates(sections),
    executables: new Set(lines('executables')),
    units: sections.has('units') ? units(sections.get('units') ?? []) : undefined,
    // The first line is the table's head.
    swaps: said.all(
      'swap device',
      lines('swaps')
        .slice(1)
        .map((line) => line.split(/\s+/)[0] ?? ''),
      pathShape,
    ),
    lookups: lookups(lines('lookups'), said),
    kernel: kernel(lines('kernel'), said),
    cgroups: cgroups(lines),
    disks: disks(lines),
    links: lines('macs').flatMap((line) => link(line, said)),
    ...(runtime === undefined ? {} : { runtime }),
    ...(firewalld === undefined ? {} : { firewalld }),
    leftovers: leftovers(lines, said),
  };
  said.end();
  return survey;
}

function readSections(output: string): Sections {
  const sections = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const line of output.split('\n')) {
    if (line.startsWith(fence)) {
      if (current?.at(-1) === '') current.pop();
      current = [];
      sections.set(line.slice(fence.length), current);
    } else current?.push(line);
  }
  return sections;
}

/** Sections whose name begins with the prefix: the rest of the name → the text. */
function named(sections: Sections, prefix: string): ReadonlyMap<string, string> {
  const found = [...sections].filter(([name]) => name.startsWith(prefix));
  return new Map(found.map(([name, lines]) => [name.slice(prefix.length), lines.join('\n')]));
}

function certificates(sections: Sections): Survey['certificates'] {
  const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
  return new Map([...named(sections, 'certificates ')].map(([path, text]) => [path, text.match(pem) ?? []]));
}

/** Rows of /proc/net/tcp{,6}: `sl local:PORT remote state … inode`. */
function listeners(rows: readonly string[], owners: readonly string[], said: Said): ReadonlyMap<number, Listener> {
  const byInode = ownersByInode(owners, said);
  const found = new Map<number, Listener>();
  for (const row of rows) {
    const fields = row.trim().split(/\s+/);
    const port = Number.parseInt((fields[1] ?? '').split(':')[1] ?? '', 16);
    const owner = byInode.get(fields[9] ?? '');
    if (!Number.isNaN(port) && (owner !== undefined || !found.has(port))) found.set(port, { port, ...owner });
  }
  return found;
}

/** Four lines an owner: pid, kernel name, executable ('' when it can't be read), the `ls -l` line with the inode. */
function ownersByInode(lines: readonly string[], said: Said): ReadonlyMap<string, Omit<Listener, 'port'>> {
  const found = new Map<string, Omit<Listener, 'port'>>();
  // Blank lines were dropped, so an unreadable executable leaves three lines: the inode's line ends an owner.
  let parts: string[] = [];
  for (const line of lines) {
    const inode = /socket:\[(\d+)\]/.exec(line)?.[1];
    if (inode === undefined) {
      parts.push(line);
      continue;
    }
    const [pid = '', comm = '', executable] = parts;
    const command =
      executable
        ?.replace(/ \(deleted\)$/, '')
        .split('/')
        .at(-1) ?? comm;
    found.set(inode, {
      pid: said.number('process id', pid, numberShape),
      command: said.value('name of a process', command, lineShape),
    });
    parts = [];
  }
  return found;
}

const states: readonly PathState[] = ['missing', 'file', 'empty-folder', 'fresh-disk', 'filled-folder'];

function pathStates(lines: readonly string[]): ReadonlyMap<string, PathState> {
  const found = new Map<string, PathState>();
  for (const line of lines) {
    const state = states.find((s) => line.startsWith(`${s} `));
    if (state !== undefined) found.set(line.slice(state.length + 1), state);
  }
  return found;
}

/** `KIND:PATH` */
function kinds(lines: readonly string[]): ReadonlyMap<string, PathKind> {
  return new Map(
    lines.flatMap((line): [string, PathKind][] => {
      const kind = pathKinds.find((one) => line.startsWith(`${one}:`));
      return kind === undefined ? [] : [[line.slice(kind.length + 1), kind]];
    }),
  );
}

/** Blocks of `Key=value`, a blank line between units. */
function units(lines: readonly string[]): ReadonlyMap<string, UnitState> {
  const found = new Map<string, UnitState>();
  for (const block of lines.join('\n').split(/\n{2,}/)) {
    const value = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(block)?.[1] ?? '';
    const id = value('Id');
    if (id !== '') {
      found.set(id, { load: value('LoadState'), active: value('ActiveState'), file: value('UnitFileState') });
    }
  }
  return found;
}

/** `? name`, then getent's `address TYPE name` rows. */
function lookups(lines: readonly string[], said: Said): ReadonlyMap<string, Lookup> {
  const found = new Map<string, { name: string; addresses: string[] }>();
  let current: string[] = [];
  for (const line of lines) {
    if (line.startsWith('? ')) {
      current = [];
      found.set(line.slice(2), { name: line.slice(2), addresses: current });
    } else {
      const address = line.split(/\s+/)[0] ?? '';
      // A link-local one has its interface behind a percent sign.
      said.value('address of a name', address.replace(/%.*$/, ''), addressShape);
      if (!current.includes(address)) current.push(address);
    }
  }
  return found;
}

function kernel(lines: readonly string[], said: Said): Survey['kernel'] {
  const [source, ...rest] = lines;
  const options = rest.flatMap((line): [string, string][] => {
    const match = /^CONFIG_([A-Z0-9_]+)=([ymn])$/.exec(line);
    return match === null ? [] : [[match[1] ?? '', match[2] ?? '']];
  });
  return {
    ...(source === undefined ? {} : { source: said.value("kernel's configuration", source, pathShape) }),
    options: new Map(options),
  };
}

/** As kubeadm's library decides it: a mount at /sys/fs/cgroup first, then whatever else is mounted (spec 03 §6). */
function cgroupVersion(mounts: readonly string[], hasMemoryFolder: boolean): 1 | 2 | undefined {
  const rows = mounts.map((line) => line.split(' '));
  const atRoot = rows.find(([, at]) => at === '/sys/fs/cgroup')?.[2];
  if (atRoot === 'cgroup2') return 2;
  if (atRoot === 'tmpfs') return hasMemoryFolder ? 1 : 2;
  if (atRoot !== undefined) return 1;
  if (rows.some(([, , type]) => type === 'cgroup2')) return 2;
  return rows.some(([, , type]) => type === 'cgroup') ? 1 : undefined;
}

function cgroups(lines: (name: string) => readonly string[]): Survey['cgroups'] {
  const version = cgroupVersion(lines('mounts'), lines('cgroup-memory').length > 0);
  if (version === undefined) return { controllers: new Set() };
  if (version === 1) {
    const rows = lines('cgroup-v1').map((line) => line.split(/\s+/));
    return { version, controllers: new Set(rows.flatMap(([name = '#', , , on]) => (on === '1' ? [name] : []))) };
  }
  // v2 has no `devices` controller: the kernel does that job with BPF (spec 03 §6).
  return { version, controllers: new Set(['devices', ...lines('cgroup-v2').flatMap((line) => line.split(' '))]) };
}

/** A line a folder in three sections: `rw PATH`, its device, `FREE-BLOCKS BLOCK-SIZE FREE-INODES INODES`. */
function disks(lines: (name: string) => readonly string[]): readonly Filesystem[] {
  const [devices, space] = [lines('devices'), lines('space')];
  return lines('disks').flatMap((line, index) => {
    const [, mode, path = ''] = /^(r[wo]) (.+)$/.exec(line) ?? [];
    const [, blocks, size, freeInodes, inodes] = /^(\d+) (\d+) (\d+) (\d+)$/.exec(space[index] ?? '') ?? [];
    if (mode === undefined || blocks === undefined) return [];
    return [
      {
        path,
        device: devices[index] ?? '',
        freeMiB: Math.floor((Number(blocks) * Number(size)) / 1024 ** 2),
        ...(Number(inodes) === 0 ? {} : { freeInodes: Number(freeInodes) }),
        isWritable: mode === 'rw',
      },
    ];
  });
}

/** `MAC NAME`; a loopback has zeros, a tunnel none. */
function link(line: string, said: Said): readonly Link[] {
  const [, mac = '', name = ''] = /^((?:[0-9a-f]{2}:){5}[0-9a-f]{2}) (.+)$/.exec(line) ?? [];
  if (name === '' || mac === '00:00:00:00:00:00') return [];
  return [{ name: said.value('network interface', name, interfaceShape), mac }];
}

function leftovers(lines: (name: string) => readonly string[], said: Said): Leftovers {
  const matches = (pattern: RegExp): readonly string[] => [
    ...new Set(lines('chains').flatMap((line) => pattern.exec(line)?.[1] ?? [])),
  ];
  return {
    cniFiles: said.all('file of a network', lines('cni'), lineShape),
    links: said.all('network link', lines('links'), interfaceShape),
    chains: said.all('chain of iptables', matches(/^:(KUBE-[^ ]+)/), wordShape),
    nftTables: said.all('table of nftables', matches(/^table ([a-z0-9]+ [A-Za-z0-9_-]+)/), lineShape),
  };
}
