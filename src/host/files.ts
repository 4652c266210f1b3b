// Files on a host: the scripts that read and write many of them in one round trip, and their answers.
import { KbError } from '../errors.ts';
import { shortened } from './failures.ts';
import { folderOf, hiddenBeside, isLink, isPlainPath, notPlain, notWritten } from './file-target.ts';
import type { Artifact, Change, Directory, ExecResult, TextEncoding } from './host.ts';
import { script, sh, type Shell } from './shell.ts';
import { stageFunctions } from './stage.ts';
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
export function readAnswer(
  host: string,
  paths: readonly string[],
  result: ExecResult,
  encoding: TextEncoding = 'utf8',
): ReadonlyMap<string, string> {
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
    if (path !== undefined) bodies.set(path, Buffer.from(base64, 'base64').toString(encoding));
  }
  return bodies;
}

// ------------------------------------------------------------------------------------------------------- write

/*
 * The bodies come as a tar on stdin, named 0, 1, …, into a root-only folder in memory. Then three passes, so that a
 * full disk stops the batch before any file has changed:
 *   compare  a file that differs gets a temporary beside it: made anew (O_EXCL) as 0600, chmod, content, fsync; the
 *            copies run side by side, because a disk that flushes many files at once needs hardly longer than for one.
 *            A link is refused only where something would have to change. A file that is kept is not compared: only the
 *            mode of a secret that others can read is closed, and not through a link, whose target is its maker's;
 *   place    rename the temporary over the target;
 *   settle   fsync the folder.
 * Words on stdout: `created|updated|unchanged|open N`, or one of `failed|symlink|folder WHICH` and a non-zero exit.
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
  make_stage || failed stage
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
  if [ -d "$3" ] && [ ! -L "$3" ]; then echo "folder $1"; exit 1; fi
  same=
  ! cmp -s -- "$stage/$1" "$3" 2> /dev/null || same=$(stat -L -c '%a %u:%g' -- "$3")
  if [ "$same" = "$2 $owner" ]; then echo "unchanged $1"; return; fi
  if [ -L "$3" ]; then echo "symlink $1"; exit 1; fi
  if [ -e "$3" ]; then
    outcome=updated
    if [ -n "$same" ]; then
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
keep() {
  found=$(stat -L -c '%a %u' -- "$3" 2> /dev/null) || { echo "unchanged $1"; return; }
  case $found in *00' 0' | '0 0') echo "unchanged $1"; return ;; esac
  if [ -L "$3" ]; then
    case $found in *00' '* | '0 '*) echo "unchanged $1" ;; *) echo "open $1" ;; esac
    return
  fi
  { chown 0:0 -- "$3" && chmod "$2" -- "$3"; } || failed "$1"
  echo "updated $1"
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

/** A command that makes folders and writes files. @throws KbError KB_WRITE for a path that is no plain absolute one */
export function writeBatch(artifacts: readonly Artifact[], directories: readonly Directory[], host?: string): Batch {
  const odd = [...artifacts, ...directories].find(({ path }) => path.endsWith('/') || !isPlainPath(path));
  if (odd !== undefined) throw notPlain('KB_WRITE', host, odd.path);
  if (new Set(artifacts.map(({ path }) => path)).size < artifacts.length) throw new TypeError('a path is given twice');
  const folders = directories.map(
    ({ path, mode }, index) =>
      sh`[ -d ${path} ] || mkdir -p -m ${octal(mode)} -- ${path} || failed ${`directory-${index}`}`,
  );
  const numbered = artifacts.map((artifact, index) => ({ ...artifact, index }));
  const written = numbered.filter(({ isKept }) => isKept !== true);
  const compares = numbered.map(({ path, mode, index, isKept, secret }) => {
    if (isKept !== true) return sh`compare ${index} ${octal(mode)} ${path} ${folderOf(path)} ${temporaryOf(path)}`;
    // What is no secret may be as open as its maker wants it.
    return secret === true ? sh`keep ${index} ${octal(mode)} ${path}` : sh`echo ${`unchanged ${index}`}`;
  });
  const places = written.map(({ path, index }) => sh`place ${index} ${path} ${temporaryOf(path)}`);
  const settles = [...new Set(written.map(({ path }) => folderOf(path)))].map((folder) => sh`settle ${folder}`);
  const forget = sh`forget() { rm -f -- ${written.map(({ path }) => temporaryOf(path))}; }`;
  const files =
    artifacts.length === 0 ? [] : [forget, sh`open_stage`, ...compares, sh`await_copies`, ...places, ...settles];
  const bodies = written.map(({ body, encoding, index }) => ({ name: `${index}`, body: Buffer.from(body, encoding) }));
  return {
    command: sh`${stageFunctions}${writerFunctions}${inSequence([...folders, ...files])}`,
    stdin: artifacts.length === 0 ? Buffer.alloc(0) : ustar(bodies),
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
  const words = new Map(
    [...result.stdout.matchAll(/^(created|updated|unchanged|open) (\d+)$/gm)].map(
      ([, word, index]) => [Number(index), word] as const,
    ),
  );
  return artifacts.map(({ path }, index): Change => {
    const word = words.get(index);
    if (word === 'created' || word === 'updated' || word === 'unchanged') return { path, outcome: word };
    if (word === 'open') return { path, outcome: 'unchanged', isOpen: true };
    throw writeFailure(host, artifacts, directories, { ...result, stdout: `failed ${index}` });
  });
}
