// What a host is, as far as its preparation depends on it: the survey's answer, read. Pure.
import type { LedgerEntry } from '../host/ledger.ts';
import { readOsRelease } from '../util/os-release.ts';
import { Said } from '../util/said.ts';
import {
  addressShape,
  kernelReleaseShape,
  lineShape,
  machineShape,
  packageNameShape,
  packageVersionShape,
  pathShape,
  programVersionShape,
  wordShape,
  zoneShape,
} from '../util/shapes.ts';
import { readImages, type FoundImages } from './found-images.ts';
import { places } from './places.ts';

export interface FoundFile {
  readonly mode: number;
  /** Owner and group are root. */
  readonly isRoots: boolean;
  readonly size: number;
  /** Seconds since the epoch. */
  readonly modified: number;
  /** Missing where the file was only measured. */
  readonly sha256?: string;
}

export interface FoundUnit {
  /** `loaded`, `not-found`, `masked` */
  readonly load: string;
  readonly isActive: boolean;
  /** systemd's word: `enabled`, `disabled`, `static`, `masked`, … */
  readonly enabled: string;
}

/** What the running firewalld says about the zone of the default route. */
export interface FoundFirewall {
  readonly zone: string;
  /** firewall-cmd's words: `port=6443/tcp`. */
  readonly running: ReadonlySet<string>;
  readonly permanent: ReadonlySet<string>;
  /** Addresses that the zone `trusted` takes. */
  readonly trusted: ReadonlySet<string>;
  readonly permanentTrusted: ReadonlySet<string>;
}

export interface HostState {
  readonly osRelease: Readonly<Record<string, string>>;
  readonly kernel: string;
  readonly architecture: string;
  readonly hostname: string;
  readonly cgroupVersion: 1 | 2;
  /** A container cannot raise limits; its root lacks CAP_SYS_RESOURCE. */
  readonly hasFullRoot: boolean;
  readonly selinux: 'enforcing' | 'permissive' | 'disabled';
  readonly files: ReadonlyMap<string, FoundFile>;
  readonly missingFolders: ReadonlySet<string>;
  /** Files that are mount points of their own: a container's, not to be replaced by a rename. */
  readonly mounted: ReadonlySet<string>;
  readonly texts: ReadonlyMap<string, string>;
  readonly sysctls: ReadonlyMap<string, string>;
  readonly modules: ReadonlySet<string>;
  readonly swaps: readonly string[];
  readonly units: ReadonlyMap<string, FoundUnit>;
  readonly programs: ReadonlySet<string>;
  /** Name to version of the packages that were asked for and are installed. */
  readonly packages: ReadonlyMap<string, string>;
  readonly held: ReadonlySet<string>;
  /** Where it was asked for them. */
  readonly images: FoundImages;
  readonly containerdVersion?: string;
  readonly firewall?: FoundFirewall;
  readonly addresses: readonly string[];
  readonly ledger: readonly LedgerEntry[];
}

/** Files of others in which kbinit has lines: they may be no UTF-8, so their texts are bytes, a character each. */
const editedFiles: ReadonlySet<string> = new Set([places.hosts, places.fstab]);

type Answer = ReadonlyMap<string, readonly string[]>;

/**
 * Read what the survey printed: lines of `KEY rest`. The ledger is read by its own reader.
 * @throws KbError KB_HOST_NAME, KB_HOST_FACT for what cannot be true of a host
 */
export function parseState(
  stdout: string,
  readLedger: (text: string | undefined) => readonly LedgerEntry[],
): HostState {
  const answer = byKey(stdout);
  const said = new Said();
  const all = (key: string): readonly string[] => answer.get(key) ?? [];
  const one = (key: string): string => all(key)[0]?.trim() ?? '';
  const texts = new Map(
    all('text').map((line) => {
      const [base64, path] = splitOnce(line);
      return [path, Buffer.from(base64, 'base64').toString(editedFiles.has(path) ? 'latin1' : 'utf8')];
    }),
  );
  const firewall = readFirewall(all, one, said);
  const packages = new Map(all('package').map((line) => readPackage(line, said)));
  const containerd = containerdVersion(one('containerd'), packages);
  const state: HostState = {
    osRelease: readOsRelease((texts.get('/etc/os-release') ?? '').split('\n'), said),
    kernel: said.optional('kernel release', one('kernel'), kernelReleaseShape),
    architecture: said.optional('architecture', one('machine'), machineShape),
    // A line feed in a name makes two lines of it.
    hostname: said.hostname(all('hostname').join('\n')),
    cgroupVersion: one('cgroup') === '2' ? 2 : 1,
    hasFullRoot: isCapable(one('capabilities')),
    selinux: one('selinux') === '1' ? 'enforcing' : one('selinux') === '0' ? 'permissive' : 'disabled',
    files: files(all('stat'), all('sum')),
    missingFolders: new Set(all('nofolder')),
    mounted: new Set(all('mounted')),
    texts,
    sysctls: new Map(all('sysctl').map((line) => readSysctl(line, said))),
    modules: new Set(said.all('kernel module', all('module'), wordShape)),
    swaps: said.all(
      'swap device',
      all('swap').flatMap((line) => (line.startsWith('Filename') ? [] : [unescaped(line.split(/\s/)[0] ?? '')])),
      pathShape,
    ),
    units: units(all('unit')),
    programs: new Set(all('program')),
    packages,
    held: new Set(said.all('package', all('held'), packageNameShape)),
    images: readImages(Buffer.from(one('images'), 'base64').toString('utf8'), all('image')),
    ...(containerd !== undefined && {
      containerdVersion: said.value('version of containerd', containerd, programVersionShape),
    }),
    ...(firewall !== undefined && { firewall }),
    addresses: said.all(
      'address',
      all('address').map((line) => line.split('/')[0] ?? ''),
      addressShape,
    ),
    ledger: readLedger(texts.get('/var/lib/kbinit/ledger/ledger.json')),
  };
  said.end();
  return state;
}

/** Some values are several, with tabs between them. */
function readSysctl(line: string, said: Said): [key: string, value: string] {
  said.value('sysctl', line.replaceAll('\t', ' '), lineShape);
  return splitOnce(line);
}

function readPackage(line: string, said: Said): [name: string, version: string] {
  const [name, version] = splitOnce(line);
  return [
    said.value('package', name, packageNameShape),
    said.value(`version of a package`, version, packageVersionShape),
  ];
}

/** By the program's own words; where it was not asked, by its package, whose version begins with the program's. */
function containerdVersion(answer: string, packages: ReadonlyMap<string, string>): string | undefined {
  const packaged = packages.get('containerd.io') ?? packages.get('containerd') ?? '';
  return /\d+\.\d+\.\d+\S*/.exec(answer)?.[0] ?? /^(?:\d+:)?(\d+\.\d+\.\d+)/.exec(packaged)?.[1];
}

function byKey(stdout: string): Answer {
  const answer = new Map<string, string[]>();
  for (const line of stdout.split('\n')) {
    const [key, rest] = splitOnce(line);
    if (key === '') continue;
    const values = answer.get(key);
    if (values === undefined) answer.set(key, [rest]);
    else values.push(rest);
  }
  return answer;
}

function splitOnce(line: string): [first: string, rest: string] {
  const space = line.indexOf(' ');
  return space < 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)];
}

/** CAP_SYS_RESOURCE is bit 24 of what process 1 may ever have. */
function isCapable(hex: string): boolean {
  return /^[0-9a-f]+$/i.test(hex) && ((BigInt(`0x${hex}`) >> 24n) & 1n) === 1n;
}

function files(stats: readonly string[], sums: readonly string[]): ReadonlyMap<string, FoundFile> {
  const sha = new Map(
    sums.flatMap((line): [string, string][] => {
      const [, hash, path] = /^([0-9a-f]{64}) [ *](.*)$/.exec(line) ?? [];
      return hash === undefined || path === undefined ? [] : [[path, hash]];
    }),
  );
  return new Map(
    stats.flatMap((line): [string, FoundFile][] => {
      const [, mode = '', owner, size, modified, path] = /^(\d+) (\d+:\d+) (\d+) (\d+) (.*)$/.exec(line) ?? [];
      if (path === undefined) return [];
      const hash = sha.get(path);
      const found = {
        mode: Number.parseInt(mode, 8),
        isRoots: owner === '0:0',
        size: Number(size),
        modified: Number(modified),
      };
      return [[path, { ...found, ...(hash !== undefined && { sha256: hash }) }]];
    }),
  );
}

/** `systemctl show` of several units: blocks of KEY=VALUE between empty lines. */
function units(lines: readonly string[]): ReadonlyMap<string, FoundUnit> {
  const blocks = lines.join('\n').split(/\n\s*\n/);
  return new Map(
    blocks.flatMap((block): [string, FoundUnit][] => {
      const value = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(block)?.[1] ?? '';
      const id = value('Id');
      if (id === '') return [];
      const isActive = ['active', 'activating', 'reloading'].includes(value('ActiveState'));
      return [[id, { load: value('LoadState'), isActive, enabled: value('UnitFileState') }]];
    }),
  );
}

/** The kernel writes blanks in names as octal numbers. */
function unescaped(name: string): string {
  return name.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function readFirewall(
  all: (key: string) => readonly string[],
  one: (key: string) => string,
  said: Said,
): FoundFirewall | undefined {
  const zone = said.optional('zone of firewalld', one('zone'), zoneShape);
  if (zone === '') return undefined;
  return {
    zone,
    running: new Set([...portRules(one('fwports')), ...quotedWords(one('fwprotocols'), 'protocol')]),
    permanent: zoneRules(all('zonexml').join('\n')),
    trusted: quotedWords(one('fwsources'), ''),
    permanentTrusted: new Set([...zoneRules(all('trustedxml').join('\n'))].map((rule) => rule.replace(/^source=/, ''))),
  };
}

/** busctl's `aas N 2 "6443" "tcp" …` */
function portRules(line: string): ReadonlySet<string> {
  const found = [...line.matchAll(/2 "([^"]*)" "([^"]*)"/g)];
  return new Set(found.map(([, port = '', protocol = '']) => `port=${port}/${protocol}`));
}

/** busctl's `as N "…" "…"` */
function quotedWords(line: string, kind: string): ReadonlySet<string> {
  return new Set([...line.matchAll(/"([^"]*)"/g)].map(([, word = '']) => (kind === '' ? word : `${kind}=${word}`)));
}

/** The rules of a zone's file that kbinit may add. */
function zoneRules(xml: string): ReadonlySet<string> {
  const value = (tag: string, name: string): string => new RegExp(`${name}="([^"]*)"`).exec(tag)?.[1] ?? '';
  return new Set(
    [...xml.matchAll(/<(port|protocol|source)\s[^>]*>/g)].map(([tag, kind]) => {
      if (kind === 'port') return `port=${value(tag, 'port')}/${value(tag, 'protocol')}`;
      return kind === 'source' ? `source=${value(tag, 'address')}` : `protocol=${value(tag, 'value')}`;
    }),
  );
}
