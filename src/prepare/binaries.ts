// Programs of this machine that go to hosts: judged against their lock here, and again on the host before first use.
import { KbError, type Problem } from '../errors.ts';
import { script, sh } from '../host/shell.ts';
import { formatRelease, formatVersion } from '../kube/version.ts';
import { mebibytes, nothing, staged, type Plan } from './action.ts';
import { runsNoPods } from './kernel.ts';
import { places } from './places.ts';
import type { Binary, LocalFile, PrepareSpec } from './spec.ts';
import type { HostState } from './state.ts';

/** Without these no Pod starts. */
const required: readonly string[] = ['kubelet', 'containerd', 'containerd-shim-runc-v2', 'runc'];
const known: readonly string[] = [...required, 'kubectl', 'crictl', 'ctr'];

/** Where a file of the folder goes; undefined for one that kbinit does not know. */
export function destination(name: string): string | undefined {
  if (known.includes(name)) return `${places.binaries}/${name}`;
  return /^cni\/[a-z0-9][a-z0-9_-]*$/.test(name) ? `${places.cniBinaries}/${name.slice(4)}` : undefined;
}

/** SHA256SUMS as sha256sum(1) writes it: name to hexadecimal hash. @throws KbError KB_BINARY */
export function readLock(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, hash, name] = /^([0-9a-f]{64}) [ *](?:\.\/)?(\S+)\s*$/.exec(line) ?? [];
      if (hash === undefined || name === undefined) {
        throw new KbError(broken(`SHA256SUMS has the line ${JSON.stringify(line.slice(0, 100))}`));
      }
      return [name, hash];
    }),
  );
}

/** What reading a program told; its architecture in `uname -m`'s word. */
export interface FoundProgram extends LocalFile {
  readonly architecture: string | undefined;
}

/** What the folder's files are, when all of them are as their lock says. @throws KbError KB_BINARY with every problem */
export function readBinaries(
  lock: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, FoundProgram>,
): readonly Binary[] {
  const problems: Problem[] = required
    .filter((name) => !lock.has(name))
    .map((name) => broken(`SHA256SUMS does not name ${name}`));
  const binaries = [...lock].flatMap(([name, hash]): readonly Binary[] => {
    const path = destination(name);
    if (path === undefined) return [];
    const program = found.get(name);
    const architecture = program?.architecture;
    if (program === undefined) problems.push(broken(`${name} is in SHA256SUMS and not in the folder`));
    else if (program.sha256 !== hash) problems.push(broken(otherHash(name, program.sha256, hash)));
    else if (architecture === undefined) problems.push(broken(`${name} is not a Linux x86_64/aarch64 executable`));
    else return [{ name, path, source: program.source, sha256: hash, architecture }];
    return [];
  });
  if (problems.length > 0) throw new KbError(problems);
  return binaries;
}

/** A bare hash would be masked wherever it is shown: it looks like a key. */
function otherHash(name: string, found: string, wanted: string): string {
  return `${name} is sha256:${found}, SHA256SUMS has sha256:${wanted}`;
}

function broken(detail: string): Problem {
  return {
    code: 'KB_BINARY',
    summary: 'a program to upload does not match its SHA256SUMS',
    detail,
    fix: 'download the files again, and create SHA256SUMS from the published checksums: `sha256sum kubelet … >SHA256SUMS`',
  };
}

/*
 * Beside its place, in a folder that only root writes: nothing runs from /tmp (R26). Judged, then made executable, asked
 * for its version, then renamed: a running program keeps the file it was started from. The policy gives the place's label
 * (bin_t) where SELinux is on.
 */
const place = script`
umask 022
mkdir -p -- "$(dirname "$1")" || exit 1
new=$(dirname "$1")/.$(basename "$1").kbinit
trap 'rm -f -- "$new" "$6"; rmdir --ignore-fail-on-non-empty -- "$(dirname "$6")" 2>/dev/null' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
hash() { sha256sum <"$1" | cut -d ' ' -f 1; }
# A second time, because the answer of the first was lost: it is in its place.
if [ -e "$6" ] || [ ! -f "$1" ] || [ "$(hash "$1")" != "$2" ]; then
  rm -f -- "$new"
  (umask 077; set -C; cat <"$6" >"$new") || exit 1
  [ "$(hash "$new")" = "$2" ] || { echo 'what arrived has another checksum' >&2; exit 3; }
  chmod 0755 "$new"
  if [ -d /sys/fs/selinux/class ] && command -v restorecon >/dev/null; then chcon --reference=/bin/true "$new" 2>/dev/null; fi
  if [ -n "$3" ]; then
    said=$("$new" $3 2>&1) || { printf '%s\n' "$said" | head -n 3 >&2; echo 'it does not run here' >&2; exit 4; }
    case $said in *"$4"*) ;; *) echo "it says $(printf %s "$said" | head -n 1), $4 is asked for" >&2; exit 5 ;; esac
  fi
  dd if=/dev/null of="$new" conv=notrunc,fsync oflag=append 2>/dev/null
  mv -f -T -- "$new" "$1" || exit 1
  if [ -d /sys/fs/selinux/class ] && command -v restorecon >/dev/null; then restorecon -- "$1"; fi
fi
umask 077
mkdir -p -m 0700 -- "$(dirname "$5")"
{ grep -v -e " $1\$" -- "$5" 2>/dev/null; echo "$2 $(stat -c '%s %Y' -- "$1") $1"; } >"$5.new" && mv -f -- "$5.new" "$5"
`;

/** Upload what is not there. @throws KbError KB_BINARY for another architecture */
export function planBinaries(state: HostState, spec: PrepareSpec): Plan {
  if (spec.source.kind !== 'binaries' || runsNoPods(spec)) return nothing;
  const wrong = spec.source.binaries.find(({ architecture }) => architecture !== state.architecture);
  if (wrong !== undefined) {
    throw new KbError(broken(`${wrong.name} is for ${wrong.architecture}, the host is ${state.architecture}`));
  }
  const missing = spec.source.binaries.filter((binary) => !isThere(state, binary));
  // A bundle is of one version; a folder of programs of one minor.
  const wanted =
    spec.source.offline === undefined
      ? formatRelease(spec.version).replace(/\d+(?:-.*)?$/, '')
      : formatVersion(spec.version);
  const isNewRuntime = missing.some(({ name }) => name === 'containerd');
  const folders = missing.some(({ path }) => path.startsWith(places.cniBinaries))
    ? ['/opt/cni', places.cniBinaries].filter((folder) => state.missingFolders.has(folder))
    : [];
  return {
    actions: [
      ...missing.map((binary, index) => ({
        kind: 'command' as const,
        command: sh`set -- ${binary.path} ${binary.sha256} ${question(binary.name)} ${isKubernetes(binary) ? wanted : ''} ${places.uploads} ${stagedPath(binary)}; ${place}`,
        why: `upload ${binary.path} (${mebibytes([binary])}, sha256 ${binary.sha256.slice(0, 12)}…)`,
        before: [
          ...(index === 0 ? folders.map((path) => ({ kind: 'folder' as const, path })) : []),
          { kind: 'file' as const, path: binary.path, existed: state.files.has(binary.path), after: binary.sha256 },
        ],
        io: {
          timeoutSeconds: 600,
          idempotent: true,
          shown: sh`install -m 0755 ${stagedPath(binary)} ${binary.path}`.text,
        },
        uploads: [staged(stagedName(binary), binary)],
        code: 'KB_BINARY' as const,
      })),
      ...(isNewRuntime && state.units.get('containerd.service')?.isActive === true
        ? [
            {
              kind: 'command' as const,
              command: sh`systemctl try-restart containerd`,
              why: 'restart containerd with its new program (containers go on)',
              before: [],
            },
          ]
        : []),
    ],
  };
}

/** As it was uploaded, by what was written down then: reading all programs each time would take longer than all else. */
function isThere(state: HostState, { path, sha256: hash }: Binary): boolean {
  const found = state.files.get(path);
  const stamps = (state.texts.get(places.uploads) ?? '').split('\n');
  if (found === undefined || found.mode !== 0o755 || !found.isRoots) return false;
  return stamps.includes(`${hash} ${found.size} ${found.modified} ${path}`);
}

/** How a program tells its version; a CNI plugin is asked by its runtime only. */
function question(name: string): string {
  if (name.startsWith('cni/')) return '';
  if (name === 'kubectl') return 'version --client';
  return name === 'containerd-shim-runc-v2' ? '-v' : '--version';
}

/** What it has to say of itself is known of these alone. */
function isKubernetes({ name }: Binary): boolean {
  return name === 'kubelet' || name === 'kubectl';
}

function stagedName({ name }: Binary): string {
  return name.replace('/', '-');
}

function stagedPath(binary: Binary): string {
  return `${places.staging}/${stagedName(binary)}`;
}
