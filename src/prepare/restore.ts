// Giving back what a preparation changed: the ledger and what is there now become steps, or a list of what somebody
// changed since. Pure.
import type { FileEntry, LedgerEntry } from '../host/ledger.ts';
import { script, sh, type Shell } from '../host/shell.ts';
import { setSysctl } from './kernel.ts';
import { withoutHostsEntries } from './hosts-file.ts';
import { withSwap } from './swap.ts';
import { packageRemoval } from './packages.ts';
import { places } from './places.ts';
import { firewallRemoval, shownRemoval } from './firewall.ts';

/** What a restoration looks at, and what it takes from the ledger. */
export interface RestoreView {
  readonly entries: readonly LedgerEntry[];
  /** Where the copy of a file is, by its place in the ledger. */
  readonly copyPath: (index: number) => string;
  /** Hexadecimal sha256 of files and copies that exist. */
  readonly sums: ReadonlyMap<string, string>;
  /** Texts of the files that others edit too, a byte a character. */
  readonly texts: ReadonlyMap<string, string>;
  readonly sysctls: ReadonlyMap<string, string>;
}

/** One thing to do. */
export type RestoreStep =
  | {
      readonly kind: 'command';
      readonly command: Shell;
      readonly why: string;
      readonly isOptional?: true;
      readonly seconds?: number;
      /** What a plan shows of a script. */
      readonly shown?: string;
    }
  | { readonly kind: 'write'; readonly path: string; readonly body: string; readonly why: string };

export interface Restoration {
  readonly steps: readonly RestoreStep[];
  /** What somebody changed since, in sentences. */
  readonly changed: readonly string[];
}

/** What to look at: paths for sha256sum, paths of texts, keys. */
export function restoreQuestions(
  entries: readonly LedgerEntry[],
  copyPath: (index: number) => string,
): {
  readonly sums: readonly string[];
  readonly texts: readonly string[];
  readonly sysctls: readonly string[];
} {
  return {
    sums: entries.flatMap((entry, n) => (entry.kind === 'file' ? [entry.path, copyPath(n)] : [])),
    texts: [
      places.packageList,
      ...entries.flatMap((entry) => (entry.kind === 'file' && entry.edit !== undefined ? [entry.path] : [])),
    ],
    sysctls: entries.flatMap((entry) => (entry.kind === 'sysctl' ? [entry.key] : [])),
  };
}

/** The way back, last change first; services that ran before come up when all their files are there. */
export function planRestore(view: RestoreView, isForced: boolean): Restoration {
  const parts = view.entries.map((entry, index) => partOf(view, entry, index, isForced)).toReversed();
  const isUnitTouched = view.entries.some(({ kind }, n) => kind === 'unit' || isUnitFile(view.entries[n]));
  const reload = isUnitTouched
    ? [command(sh`systemctl daemon-reload && systemctl reset-failed 2>/dev/null; true`, 'reload the systemd units')]
    : [];
  const hasTold = view.entries.some((entry) => entry.kind === 'file' && entry.path === places.networkManager);
  const networkManager = hasTold
    ? [
        optional(
          sh`! systemctl is-active -q NetworkManager || systemctl reload NetworkManager`,
          'reload NetworkManager',
        ),
      ]
    : [];
  return {
    steps: [...parts.flatMap(({ steps }) => steps), ...reload, ...networkManager, ...view.entries.flatMap(comeBack)],
    changed: parts.flatMap(({ changed }) => changed),
  };
}

function isUnitFile(entry: LedgerEntry | undefined): boolean {
  return entry?.kind === 'file' && entry.path.startsWith('/etc/systemd/');
}

function command(text: Shell, why: string, shown?: Shell): RestoreStep {
  return { kind: 'command', command: text, why, ...(shown !== undefined && { shown: shown.text }) };
}

function does(...steps: readonly RestoreStep[]): Restoration {
  return { steps, changed: [] };
}

function partOf(view: RestoreView, entry: LedgerEntry, index: number, isForced: boolean): Restoration {
  switch (entry.kind) {
    case 'file':
      return fileBack(view, entry, index, isForced);
    case 'folder':
      return does(
        command(
          sh`[ ! -d ${entry.path} ] || rmdir --ignore-fail-on-non-empty -- ${entry.path}`,
          `remove ${entry.path} if it is empty`,
        ),
      );
    case 'sysctl':
      return sysctlBack(view, entry, isForced);
    case 'module':
      return does(
        optional(sh`[ ! -d ${`/sys/module/${entry.name}`} ] || modprobe -r ${entry.name}`, `unload ${entry.name}`),
      );
    case 'swap':
      return does(
        optional(
          sh`set -- ${entry.devices}; ${on}`,
          `turn swap on (${entry.devices.join(', ')})`,
          sh`swapon -- ${entry.devices}`,
        ),
      );
    case 'unit':
      return unitAway(entry);
    case 'firewall':
      return does(
        optional(
          firewallRemoval(entry),
          `take ${entry.rules.join(', ')} out of the firewall zone ${entry.zone}`,
          shownRemoval(entry),
        ),
      );
    case 'packages':
      return packagesAway(view, entry);
    case 'hold':
      return does(
        optional(sh`apt-mark unhold ${entry.packages} >/dev/null`, `let ${entry.packages.join(', ')} be upgraded`),
      );
    default:
      return entry satisfies never;
  }
}

function packagesAway({ texts }: RestoreView, { manager }: LedgerEntry & { readonly kind: 'packages' }): Restoration {
  const names = (texts.get(places.packageList) ?? '').split('\n').filter((name) => name !== '');
  if (names.length === 0) return does();
  return does({
    kind: 'command',
    command: packageRemoval(manager, names),
    why: `remove ${names.join(', ')}`,
    shown: manager === 'dpkg' ? sh`dpkg --purge ${names}`.text : sh`rpm -e ${names}`.text,
    seconds: 600,
  });
}

function optional(text: Shell, why: string, shown?: Shell): RestoreStep {
  return { kind: 'command', command: text, why, isOptional: true, ...(shown !== undefined && { shown: shown.text }) };
}

// What is on already is no failure.
const on = script`
bad=0
for device do
  grep -q -F -- "$device " /proc/swaps || swapon -- "$device" || bad=1
done
exit $bad
`;

// Beside it, then renamed, as every file is written; SELinux's label came with the copy, the policy has the last word.
const putBack = script`
new=$(dirname "$2")/.$(basename "$2").kbinit
cp -a -- "$1" "$new" || exit 1
dd if=/dev/null of="$new" conv=notrunc,fsync oflag=append 2>/dev/null || exit 1
mv -f -T -- "$new" "$2" || exit 1
if [ -d /sys/fs/selinux/class ] && command -v restorecon >/dev/null; then restorecon -- "$2"; fi
`;

function fileBack(view: RestoreView, entry: FileEntry, index: number, isForced: boolean): Restoration {
  const { path, existed, after, edit } = entry;
  const copy = view.copyPath(index);
  const [now, kept] = [view.sums.get(path), view.sums.get(copy)];
  if (now === (existed ? kept : undefined)) {
    return existed && kept === undefined ? { steps: [], changed: [`${path}: its copy ${copy} is gone`] } : does();
  }
  const isOurs = now === after || now === undefined;
  if (edit !== undefined && (entry.isMixed === true || !isOurs) && now !== undefined) {
    const text = view.texts.get(path) ?? '';
    const body = edit === 'hosts' ? withoutHostsEntries(text) : withSwap(text);
    return body === text ? does() : does({ kind: 'write', path, body, why: `take kbinit's lines out of ${path}` });
  }
  if (existed && kept === undefined) return { steps: [], changed: [`${path}: its copy ${copy} is gone`] };
  const back = existed
    ? command(sh`set -- ${copy} ${path}; ${putBack}`, `put ${path} back`, sh`cp -a -- ${copy} ${path}`)
    : command(sh`rm -f -- ${path}`, `remove ${path}`);
  if (isOurs || isForced) return does(back);
  return { steps: [back], changed: [`${path} was edited after kbinit wrote it`] };
}

function sysctlBack(
  view: RestoreView,
  entry: LedgerEntry & { readonly kind: 'sysctl' },
  isForced: boolean,
): Restoration {
  const now = view.sysctls.get(entry.key);
  if (entry.before === undefined || now === undefined || now === entry.before) return does();
  const back = command(setSysctl(entry.key, entry.before), `set ${entry.key} = ${entry.before}`);
  if (now === entry.after || isForced) return does(back);
  return { steps: [back], changed: [`${entry.key} is ${now}; kbinit set ${entry.after}`] };
}

/** Only where systemd knows the unit: what was to bring it may have failed. */
function where(unit: string, work: Shell): Shell {
  return sh`! systemctl cat ${unit} >/dev/null 2>&1 || ${work}`;
}

type UnitEntry = LedgerEntry & { readonly kind: 'unit' };

/** A service that was not there, or slept, goes before its files do. */
function unitAway({ unit, enabled, wasActive }: UnitEntry): Restoration {
  return does(
    ...(wasActive ? [] : [optional(where(unit, sh`systemctl stop ${unit}`), `stop ${unit}`)]),
    ...(isAtBoot(enabled)
      ? []
      : [optional(where(unit, sh`systemctl -q disable ${unit} 2>&1`), `keep ${unit} from starting at boot`)]),
  );
}

/** A service that ran before runs with its own files again. */
function comeBack(entry: LedgerEntry): readonly RestoreStep[] {
  if (entry.kind !== 'unit') return [];
  const { unit, enabled, wasActive } = entry;
  return [
    ...(isAtBoot(enabled) ? [optional(sh`systemctl -q enable ${unit}`, `start ${unit} at boot`)] : []),
    ...(enabled === 'masked' ? [optional(sh`systemctl -q mask ${unit}`, `mask ${unit}`)] : []),
    ...(wasActive ? [optional(sh`systemctl restart ${unit}`, `restart ${unit}`)] : []),
  ];
}

function isAtBoot(enabled: string): boolean {
  return enabled === 'enabled';
}
