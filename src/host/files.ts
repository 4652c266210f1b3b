// Files on a host: the scripts that read, write and remove many of them in one round trip, and their answers.
import { KbError } from '../errors.ts';
import { shortened } from './failures.ts';
import { folderOf, hiddenBeside, isLink, notWritten } from './file-target.ts';
import type { Artifact, Change, Directory, ExecResult } from './host.ts';
import { script, sh, type Shell } from './shell.ts';
import { ustar } from './tar.ts';

// -------------------------------------------------------------------------------------------------------- read

const reader = script`
i=0
for p do
  if [ -e "$p" ]; then
    printf '%s ' "$i"
    base64 -w0 < "$p" || { echo "bad $i"; exit 1; }
    echo
  fi
  i=$((i + 1))
done
`;

/** A command that prints each file that exists: its number and its content in base64. */
export function readCommand(paths: readonly string[]): Shell {
  return sh`set -- ${paths}; ${reader}`;
}

/** What readCommand printed. @throws KbError KB_READ */
export function readAnswer(host: string, paths: readonly string[], result: ExecResult): ReadonlyMap<string, string> {
  const lines = result.stdout.split('\n').filter((line) => line !== '');
  if (result.code !== 0) {
    const index = Number(/bad (\d+)/.exec(lines.at(-1) ?? '')?.[1] ?? 0);
    throw new KbError({
      code: 'KB_READ',
      summary: 'a file cannot be read',
      detail: `${paths[index] ?? ''}: ${shortened(result.stderr)}`,
      fix: 'make it a plain file that root can read',
      host,
    });
  }
  const bodies = new Map<string, string>();
  for (const line of lines) {
    const [index, base64 = ''] = line.split(' ');
    const path = paths[Number(index)];
    if (path !== undefined) bodies.set(path, Buffer.from(base64, 'base64').toString('utf8'));
  }
  return bodies;
}

// ------------------------------------------------------------------------------------------------------- write

/*
 * The bodies come as a tar on stdin, named 0, 1, …, into a root-only folder in memory. Then three passes, so that a
 * full disk stops the batch before any file has changed:
 *   compare  a file that differs gets a temporary beside it: made anew (O_EXCL) as 0600, chmod, content, fsync; the
 *            copies run side by side, because a disk that flushes many files at once needs hardly longer than for one;
 *   place    rename the temporary over the target;
 *   settle   fsync the folder.
 * Words on stdout: `created|updated|unchanged N`, or one of `failed|symlink|folder WHICH` and a non-zero exit.
 */
const writerFunctions = script`
changed=' '
copies=
failed() {
  echo "failed $1"
  exit 1
}
leave() {
  rc=$?
  trap - EXIT
  rm -rf -- "$stage"
  [ "$rc" = 0 ] || forget
  exit "$rc"
}
open_stage() {
  umask 077
  stage=$(mktemp -d /run/kbinit.XXXXXXXXXX) || failed stage
  trap leave EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  tar -x -f - --no-same-owner -C "$stage" || failed stage
  owner=$(stat -c %u:%g "$stage") || failed stage
}
copy() {
  set -C
  exec > "$3"
  set +C
  if [ -g "$4" ]; then chown "$owner" "$3" || exit 1; fi
  chmod "$2" "$3" || exit 1
  dd if="$1" bs=65536 conv=fsync
}
await_copies() {
  bad=
  set -- $copies
  while [ $# -gt 0 ]; do
    wait "$2" || [ -n "$bad" ] || bad=$1
    shift 2
  done
  [ -n "$bad" ] || return 0
  cat "$stage/words.$bad" >&2
  failed "$bad"
}
compare() {
  outcome=created
  if [ -L "$3" ]; then echo "symlink $1"; exit 1; fi
  if [ -d "$3" ]; then echo "folder $1"; exit 1; fi
  if [ -e "$3" ]; then
    outcome=updated
    if cmp -s -- "$stage/$1" "$3"; then
      if [ "$(stat -c '%a %u:%g' -- "$3")" = "$2 $owner" ]; then echo "unchanged $1"; return; fi
      { chown "$owner" "$3" && chmod "$2" "$3"; } || failed "$1"
      echo "updated $1"
      return
    fi
  elif [ ! -d "$4" ]; then
    (umask 022; mkdir -p -- "$4") || failed "$1"
  fi
  rm -f -- "$5" || failed "$1"
  (copy "$stage/$1" "$2" "$5" "$4") 2> "$stage/words.$1" &
  copies="$copies $1 $!"
  changed="$changed$1:$outcome "
}
place() {
  case $changed in
    *" $1:created "*) outcome=created ;;
    *" $1:updated "*) outcome=updated ;;
    *) return 0 ;;
  esac
  mv -f -T -- "$3" "$2" || failed "$1"
  if [ -d /sys/fs/selinux/class ] && command -v restorecon > /dev/null; then restorecon -- "$2"; fi
  echo "$outcome $1"
}
settle() {
  [ "$changed" = ' ' ] || dd if=/dev/null conv=fsync 2> /dev/null 1< "$1" || :
}
`;

/** The same each time, so that what a killed run left is removed by the next one. */
function temporaryOf(path: string): string {
  return `${hiddenBeside(path)}.kbinit`;
}

function octal(mode: number): string {
  return mode.toString(8);
}

function inSequence(commands: readonly Shell[]): Shell {
  return commands.reduce((all, command) => sh`${all}${command}\n`, sh``);
}

/** The batch as one command and its standard input. */
export interface Batch {
  readonly command: Shell;
  readonly stdin: Uint8Array;
}

/** A command that makes folders and writes files. @throws TypeError for a path that is relative or given twice */
export function writeBatch(artifacts: readonly Artifact[], directories: readonly Directory[]): Batch {
  const paths = [...artifacts, ...directories].map(({ path }) => path);
  const odd = paths.find((path) => !/^\/.*[^/]$/s.test(path) || /(^|\/)\.\.?(\/|$)/.test(path));
  if (odd !== undefined) throw new TypeError(`${odd} is not an absolute path`);
  if (new Set(artifacts.map(({ path }) => path)).size < artifacts.length) throw new TypeError('a path is given twice');
  const folders = directories.map(
    ({ path, mode }, index) =>
      sh`[ -d ${path} ] || mkdir -p -m ${octal(mode)} -- ${path} || failed ${`directory-${index}`}`,
  );
  const compares = artifacts.map(
    ({ path, mode }, index) => sh`compare ${index} ${octal(mode)} ${path} ${folderOf(path)} ${temporaryOf(path)}`,
  );
  const places = artifacts.map(({ path }, index) => sh`place ${index} ${path} ${temporaryOf(path)}`);
  const settles = [...new Set(artifacts.map(({ path }) => folderOf(path)))].map((folder) => sh`settle ${folder}`);
  const forget = sh`forget() { rm -f -- ${artifacts.map(({ path }) => temporaryOf(path))}; }`;
  const files =
    artifacts.length === 0 ? [] : [forget, sh`open_stage`, ...compares, sh`await_copies`, ...places, ...settles];
  return {
    command: sh`${writerFunctions}${inSequence([...folders, ...files])}`,
    stdin: artifacts.length === 0 ? Buffer.alloc(0) : ustar(artifacts.map(({ body }, n) => ({ name: `${n}`, body }))),
  };
}

function writeFailure(
  host: string,
  artifacts: readonly Artifact[],
  directories: readonly Directory[],
  result: ExecResult,
): KbError {
  const [, word = 'failed', which = ''] = /^(failed|symlink|folder) (\S+)$/m.exec(result.stdout) ?? [];
  const directory = /^directory-(\d+)$/.exec(which)?.[1];
  const path =
    which === 'stage'
      ? '/run'
      : ((directory === undefined ? artifacts[Number(which)] : directories[Number(directory)])?.path ?? 'a file');
  if (word === 'symlink') return isLink(host, path);
  const said = word === 'folder' ? 'it is a folder' : shortened(result.stderr) || `exit code ${result.code}`;
  return notWritten(host, path, said);
}

/** What became of each file, in the order given. @throws KbError KB_WRITE, KB_DISK_FULL, KB_SYMLINK */
export function writeAnswer(
  host: string,
  artifacts: readonly Artifact[],
  directories: readonly Directory[],
  result: ExecResult,
): readonly Change[] {
  if (result.code !== 0) throw writeFailure(host, artifacts, directories, result);
  const outcomes = new Map<number, Change['outcome']>();
  for (const [, word, index] of result.stdout.matchAll(/^(created|updated|unchanged) (\d+)$/gm)) {
    if (word === 'created' || word === 'updated' || word === 'unchanged') outcomes.set(Number(index), word);
  }
  return artifacts.map(({ path }, index) => {
    const outcome = outcomes.get(index);
    if (outcome !== undefined) return { path, outcome };
    throw writeFailure(host, artifacts, directories, { ...result, stdout: `failed ${index}` });
  });
}

// ------------------------------------------------------------------------------------------------------ remove

const removerFunctions = script`
gone() {
  if [ -e "$2" ] || [ -L "$2" ]; then
    rm -f -- "$2" || { echo "failed $1"; exit 1; }
    echo "removed $1"
  fi
}
empty() {
  [ -d "$2" ] || return 0
  real=$(cd -P -- "$2" && pwd -P) || { echo "failed $1"; exit 1; }
  while read -r _ point _; do
    case $point in "$real"/?*) echo "mounted $1 $point"; exit 1 ;; esac
  done < /proc/self/mounts
  if [ -n "$(ls -A -- "$real")" ]; then
    find "$real" -mindepth 1 -xdev -delete || { echo "failed $1"; exit 1; }
    echo "removed $1"
  fi
}
`;

/** Folders that no path given by a user may empty. */
const kept = new Set(
  ['', '/bin', '/boot', '/dev', '/etc', '/home', '/lib', '/lib64', '/media', '/mnt', '/opt', '/proc', '/root'].concat(
    ['/run', '/sbin', '/srv', '/sys', '/tmp', '/usr', '/usr/bin', '/usr/lib', '/usr/local', '/usr/sbin', '/var'],
    ['/var/lib', '/var/log', '/var/run'],
  ),
);

function removeProblem(host: string, detail: string, fix: string): KbError {
  return new KbError({ code: 'KB_REMOVE', summary: 'something cannot be removed', detail, fix, host });
}

/** A command that removes files and empties folders (paths that end in `/`). @throws KbError KB_REMOVE for a system folder */
export function removeCommand(host: string, paths: readonly string[]): Shell {
  const commands = paths.map((path, index) => {
    if (!path.startsWith('/') || /(^|\/)\.\.?(\/|$)/.test(path)) throw new TypeError(`${path} is not an absolute path`);
    const isFolder = path.endsWith('/');
    const bare = path.replace(/\/+$/, '');
    if (isFolder && kept.has(bare)) {
      throw removeProblem(host, `${path} belongs to the system`, 'give a folder of its own in the config');
    }
    return isFolder ? sh`empty ${index} ${bare}` : sh`gone ${index} ${bare}`;
  });
  return sh`${removerFunctions}${inSequence(commands)}`;
}

/** The paths that were there and are gone now. @throws KbError KB_REMOVE */
export function removeAnswer(host: string, paths: readonly string[], result: ExecResult): readonly string[] {
  if (result.code === 0) {
    const numbers = [...result.stdout.matchAll(/^removed (\d+)$/gm)].map((match) => Number(match[1]));
    return numbers.flatMap((index) => paths[index] ?? []);
  }
  const mounted = /^mounted (\d+) (.*)$/m.exec(result.stdout);
  const path = paths[Number(mounted?.[1] ?? /^failed (\d+)$/m.exec(result.stdout)?.[1])] ?? 'a path';
  throw mounted === null
    ? removeProblem(host, `${path}: ${shortened(result.stderr)}`, 'remove it by hand, then run again')
    : removeProblem(
        host,
        `${mounted[2]} is mounted below ${path}`,
        `unmount it (umount ${mounted[2]}), then run again`,
      );
}
