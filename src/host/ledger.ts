// The ledger on a host: what was there before `host prepare` changed it, written before the change (decision 10).
import { KbError } from '../errors.ts';
import { isJsonObject, parseJson, type JsonObject } from '../util/json.ts';
import { shortened } from './failures.ts';
import type { Host } from './host.ts';
import { script, sh } from './shell.ts';

/** Where it is; root's alone, because a copy may be of a file that only root could read. */
export const ledgerFolder = '/var/lib/kbinit/ledger';
export const ledgerPath: string = `${ledgerFolder}/ledger.json`;

/** A file that was made or replaced. */
export interface FileEntry {
  readonly kind: 'file';
  readonly path: string;
  /** True when there was one: then the ledger has a copy of it. */
  readonly existed: boolean;
  /** Hexadecimal sha256 of what kbinit wrote last. */
  readonly after: string;
  /** How kbinit's part is taken out of a file that others edit too. */
  readonly edit?: 'hosts' | 'fstab';
  /** Somebody edited it between two preparations: the copy is not all that would be lost. */
  readonly isMixed?: true;
}

/** What one change took away, and how to give it back. */
export type LedgerEntry =
  | FileEntry
  | { readonly kind: 'folder'; readonly path: string }
  /** A value of the running kernel; `before` is missing where the key came with a module of ours. */
  | { readonly kind: 'sysctl'; readonly key: string; readonly before?: string; readonly after: string }
  | { readonly kind: 'module'; readonly name: string }
  | { readonly kind: 'swap'; readonly devices: readonly string[] }
  | { readonly kind: 'unit'; readonly unit: string; readonly enabled: string; readonly wasActive: boolean }
  | {
      readonly kind: 'firewall';
      readonly zone: string;
      /** firewall-cmd's own words: `port=6443/tcp`, `source=10.244.0.0/16`, `protocol=vrrp`. */
      readonly rules: readonly string[];
    }
  /** Which ones came is in a list of its own beside the ledger, kept by the installation itself. */
  | { readonly kind: 'packages'; readonly manager: 'dpkg' | 'rpm' }
  | { readonly kind: 'hold'; readonly packages: readonly string[] };

/** What tells entries about the same thing. */
function keyOf(entry: LedgerEntry): string {
  switch (entry.kind) {
    case 'file':
    case 'folder':
      return `${entry.kind} ${entry.path}`;
    case 'sysctl':
      return `sysctl ${entry.key}`;
    case 'module':
      return `module ${entry.name}`;
    case 'unit':
      return `unit ${entry.unit}`;
    case 'firewall':
      return `firewall ${entry.zone} ${entry.rules.join(' ')}`;
    case 'swap':
      return `swap ${entry.devices.join(' ')}`;
    case 'packages':
      return 'packages';
    case 'hold':
      return `hold ${entry.packages.join(' ')}`;
    default:
      return entry satisfies never;
  }
}

/** Where the copy of a file is: by its place in the ledger, which never changes. */
export function copyPath(index: number): string {
  return `${ledgerFolder}/files/${index}`;
}

/** The ledger with more entries: what was there first stays what was there; of a file, what was written is the newest. */
export function withEntries(known: readonly LedgerEntry[], more: readonly LedgerEntry[]): readonly LedgerEntry[] {
  const byKey = new Map(known.map((entry) => [keyOf(entry), entry]));
  for (const entry of more) {
    const earlier = byKey.get(keyOf(entry));
    if (earlier === undefined) byKey.set(keyOf(entry), entry);
    else if (earlier.kind === 'file' && entry.kind === 'file') {
      const isMixed = earlier.isMixed === true || entry.isMixed === true;
      byKey.set(keyOf(entry), { ...earlier, after: entry.after, ...(isMixed && { isMixed }) });
    }
  }
  return [...byKey.values()];
}

/** Read ledger.json; no entries where there is none. @throws KbError KB_LEDGER */
export function parseLedger(host: string, text: string | undefined): readonly LedgerEntry[] {
  if (text === undefined) return [];
  const ledger = parseJson(text, isLedger);
  if (ledger !== undefined) return ledger.entries;
  throw unreadable(host);
}

function unreadable(host: string): KbError {
  return new KbError({
    code: 'KB_LEDGER',
    summary: 'the ledger of changes cannot be read',
    host,
    detail: `${ledgerPath} is not what kbinit writes`,
    fix: `check it and the copies in ${ledgerFolder}/files; restore by hand what is needed, then remove ${ledgerFolder}`,
  });
}

/** Flags of earlier preparations, by their long names, each with its values as typed. */
export type KeptFlags = Readonly<Record<string, readonly string[]>>;

/** The flags that ledger.json keeps. @throws KbError KB_LEDGER */
export function parseKeptFlags(host: string, text: string | undefined): KeptFlags {
  if (text === undefined) return {};
  const ledger = parseJson(text, isJsonObject);
  const flags = ledger?.['flags'] ?? {};
  if (ledger !== undefined && isKept(flags)) return flags;
  throw unreadable(host);
}

function isKept(value: unknown): value is KeptFlags {
  return isJsonObject(value) && Object.values(value).every(isTexts);
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isFlag = (value: unknown): boolean => typeof value === 'boolean';
const isTextOrMissing = (value: unknown): boolean => value === undefined || isText(value);
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

/** What the fields of each kind hold; a way back is made of them. */
const shapes: Readonly<Record<LedgerEntry['kind'], Readonly<Record<string, (value: unknown) => boolean>>>> = {
  file: { path: isText, existed: isFlag, after: isText, edit: isTextOrMissing },
  folder: { path: isText },
  sysctl: { key: isText, before: isTextOrMissing, after: isText },
  module: { name: isText },
  swap: { devices: isTexts },
  unit: { unit: isText, enabled: isText, wasActive: isFlag },
  firewall: { zone: isText, rules: isTexts },
  packages: { manager: isText },
  hold: { packages: isTexts },
};

/** By its shape alone: whoever can write the file is root and may do anything. */
function isLedger(value: unknown): value is { readonly entries: readonly LedgerEntry[] } {
  return (
    isJsonObject(value) &&
    value['format'] === 1 &&
    Array.isArray(value['entries']) &&
    value['entries'].every((entry: unknown) => isJsonObject(entry) && hasShape(entry))
  );
}

function hasShape(entry: JsonObject): boolean {
  const shape = Object.entries(shapes).find(([kind]) => kind === entry['kind'])?.[1];
  return shape !== undefined && Object.entries(shape).every(([field, fits]) => fits(entry[field]));
}

/** What a preparation tells before it changes something. */
export interface Ledger {
  /** Tell what is known already, where somebody has read it. */
  learn(entries: readonly LedgerEntry[]): void;
  /** Keep what is there now, before it is changed. @throws KbError KB_LEDGER */
  note(entries: readonly LedgerEntry[]): Promise<void>;
  /** Keep these flags with the next note, and have `save` write them where there is none; `known` is on the host. */
  remember(flags: KeptFlags, known: KeptFlags): void;
  /** Write what no note has written yet. @throws KbError KB_LEDGER */
  save(): Promise<void>;
}

// Copies first, then the list that names them: a list never names a copy that is not whole. cp -a keeps owner, times
// and, where there are any, SELinux's labels.
const keep = script`
umask 077
folder=$1
shift
mkdir -p -m 0700 -- "$folder" "$folder/files" || exit 1
chmod 0700 "$folder" "$folder/files" || exit 1
while [ $# -gt 0 ]; do
  if [ -e "$1" ]; then
    cp -a -- "$1" "$folder/files/.$2" || exit 1
    dd if=/dev/null of="$folder/files/.$2" conv=notrunc,fsync oflag=append 2>/dev/null || exit 1
    mv -f -T -- "$folder/files/.$2" "$folder/files/$2" || exit 1
  fi
  shift 2
done
rm -f -- "$folder/.ledger.json"
dd of="$folder/.ledger.json" bs=65536 conv=fsync 2>/dev/null || exit 1
mv -f -T -- "$folder/.ledger.json" "$folder/ledger.json" || exit 1
dd if=/dev/null conv=fsync 2>/dev/null 1<"$folder" || :
`;

/** The ledger of a host. */
export function openLedger(host: Host): Ledger {
  let known: readonly LedgerEntry[] = [];
  let flags: KeptFlags = {};
  let areFlagsKept = true;
  const write = async (next: readonly LedgerEntry[]): Promise<void> => {
    const copies = next.flatMap((entry, index) =>
      index >= known.length && entry.kind === 'file' && entry.existed ? [entry.path, String(index)] : [],
    );
    const kept = Object.keys(flags).length === 0 ? {} : { flags };
    const body = `${JSON.stringify({ format: 1, entries: next, ...kept }, undefined, 1)}\n`;
    const command = sh`set -- ${ledgerFolder} ${copies}; ${keep}`;
    const why = 'keep what is there now';
    const { code, stderr } = await host.run(command, why, { stdin: body, idempotent: true });
    if (code !== 0) throw notKept(host.name, stderr);
    known = next;
    areFlagsKept = true;
  };
  return {
    learn: (entries) => {
      known = entries;
    },
    note: async (entries) => {
      const next = withEntries(known, entries);
      if (JSON.stringify(next) !== JSON.stringify(known)) await write(next);
    },
    remember: (wanted, before) => {
      flags = inOrder(wanted);
      areFlagsKept = JSON.stringify(flags) === JSON.stringify(inOrder(before));
    },
    save: async () => {
      if (!areFlagsKept) await write(known);
    },
  };
}

function inOrder(flags: KeptFlags): KeptFlags {
  return Object.fromEntries(Object.entries(flags).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The ledger of a dry run: nothing is changed, nothing is kept. */
export function silentLedger(): Ledger {
  return {
    learn: () => undefined,
    note: async () => undefined,
    remember: () => undefined,
    save: async () => undefined,
  };
}

function notKept(host: string, stderr: string): KbError {
  return new KbError({
    code: 'KB_LEDGER',
    summary: 'what is there now cannot be kept, so it is not changed',
    host,
    detail: `${ledgerFolder}: ${shortened(stderr)}`,
    fix: 'make room on the disk of /var/lib, then run again',
  });
}
