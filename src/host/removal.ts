// Removing files and emptying folders on a host, in one round trip: all of it is judged there, by where it really is,
// before the first deletion.
import { KbError } from '../errors.ts';
import { shortened } from './failures.ts';
import { isPlainPath, notPlain } from './file-target.ts';
import type { ExecResult } from './host.ts';
import { quote, sh, type Shell } from './shell.ts';
import { stageFunctions } from './stage.ts';

/** Folders that no path given by a user may empty, whichever link or bind mount leads there. */
const systemFolders: readonly string[] = [
  '/ /bin /boot /dev /etc /home /lib /lib32 /lib64 /libx32 /media /mnt /opt /proc /root /run /sbin /srv /sys /tmp /usr',
  '/etc/default /etc/pki /etc/ssl /etc/sysconfig /opt/cni /opt/cni/bin /root/.ssh',
  '/usr/local /usr/local/bin /usr/local/lib /usr/local/sbin /usr/local/share /usr/src /var /var/cache /var/lib',
  '/var/lib/containerd /var/lib/docker /var/local /var/log /var/mail /var/opt /var/run /var/spool /var/tmp',
].flatMap((line) => line.split(' '));

/** Of these, whatever lies below belongs to the system too. */
const systemTrees: readonly string[] = [
  '/bin /boot /dev /lib /lib32 /lib64 /libx32 /proc /sbin /sys /etc/pam.d /etc/ssh /etc/systemd',
  '/usr/bin /usr/include /usr/lib /usr/lib32 /usr/lib64 /usr/libexec /usr/libx32 /usr/sbin /usr/share',
  '/var/lib/dpkg /var/lib/rpm /var/lib/systemd',
].flatMap((line) => line.split(' '));

/** `NAME PATH` is true where the path is one of these folders, by whatever name. */
function membership(name: string, folders: readonly string[]): Shell {
  return sh`${name}() {
  for one in ${folders}; do [ ! "$1" -ef "$one" ] || return 0; done
  return 1
}
`;
}

/*
 * The kernel's table of mounts has blank, tab, newline and backslash as octal numbers: the path that is compared with it
 * is written in the same way, so that no digit behind one can be taken for a part of it. A mount on the folder itself is
 * a disk of its own, and stays. Words on stdout: `removed N`, or `system N PATH`, `mounted N POINT`, `blind N`, `failed N`
 * and a non-zero exit.
 */
const removerFunctions = sh`
newline='
'
tab=$(printf '\\t')
said() {
  printf '%s\\n' "$1"
}
as_mounted() {
  left=$1 mangled=
  while [ -n "$left" ]; do
    rest=\${left#?}
    one=\${left%"$rest"}
    left=$rest
    case $one in
      ' ') one='\\040' ;;
      "$tab") one='\\011' ;;
      "$newline") one='\\012' ;;
      '\\') one='\\134' ;;
    esac
    mangled=$mangled$one
  done
}
judge() {
  [ -d "$2" ] || return 0
  real=$(cd -P -- "$2" && pwd -P && echo .) || { echo "failed $1"; exit 1; }
  real=\${real%"$newline."}
  above=$real
  while [ -n "$above" ]; do
    ! is_tree "$above" || { said "system $1 $real"; exit 1; }
    above=\${above%/*}
  done
  ! is_system "$real" || { said "system $1 $real"; exit 1; }
  case $real in
    /home/*/*) ;;
    /home/*) said "system $1 $real"; exit 1 ;;
  esac
  as_mounted "$real"
  [ -r /proc/self/mounts ] || { echo "blind $1"; exit 1; }
  while read -r _ point _; do
    case $point in "$mangled"/?*) said "mounted $1 $point"; exit 1 ;; esac
  done < /proc/self/mounts
}
gone() {
  if [ -e "$2" ] || [ -L "$2" ]; then
    rm -f -- "$2" || { echo "failed $1"; exit 1; }
    echo "removed $1"
  fi
}
empty() {
  judge "$1" "$2"
  [ -d "$2" ] || return 0
  if [ -n "$(ls -A -- "$real")" ]; then
    find "$real" -mindepth 1 -xdev -delete || { echo "failed $1"; exit 1; }
    echo "removed $1"
  fi
}
old_stages
`;

function removeProblem(host: string, detail: string, fix: string): KbError {
  return new KbError({ code: 'KB_REMOVE', summary: 'something cannot be removed', detail, fix, host });
}

function belongsToSystem(host: string, path: string, real: string): KbError {
  const found = real === path ? path : `${path} is ${real}, which`;
  return removeProblem(
    host,
    `${found} belongs to the system; nothing was deleted`,
    'give a folder of its own in the config',
  );
}

/** A command that removes files and empties folders (paths that end in `/`). @throws KbError KB_REMOVE for a system folder */
export function removeCommand(host: string, paths: readonly string[]): Shell {
  const system = new Set(systemFolders);
  const targets = paths.map((path, index) => {
    if (!isPlainPath(path)) throw notPlain('KB_REMOVE', host, path);
    const bare = path.replaceAll(/\/+/g, '/').replace(/(?<=.)\/$/, '');
    const isFolder = path.endsWith('/');
    if (isFolder && system.has(bare)) throw belongsToSystem(host, path, path);
    return { index, bare, isFolder };
  });
  const judged = targets.flatMap(({ index, bare, isFolder }) => (isFolder ? [sh`judge ${index} ${bare}\n`] : []));
  const removals = targets.map(({ index, bare, isFolder }) =>
    isFolder ? sh`empty ${index} ${bare}\n` : sh`gone ${index} ${bare}\n`,
  );
  const asking = sh`${membership('is_system', systemFolders)}${membership('is_tree', systemTrees)}`;
  return [...judged, ...removals].reduce(
    (all, one) => sh`${all}${one}`,
    sh`${stageFunctions}${asking}${removerFunctions}`,
  );
}

/** A path of the kernel's table of mounts, as it is. */
function unmangled(point: string): string {
  return point.replaceAll(/\\(040|011|012|134)/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** The paths that were there and are gone now. @throws KbError KB_REMOVE */
export function removeAnswer(host: string, paths: readonly string[], result: ExecResult): readonly string[] {
  if (result.code === 0) {
    const numbers = [...result.stdout.matchAll(/^removed (\d+)$/gm)].map((match) => Number(match[1]));
    return numbers.flatMap((index) => paths[index] ?? []);
  }
  const [, word, index, rest = ''] = /^(system|mounted|blind|failed) (\d+) ?(.*)$/m.exec(result.stdout) ?? [];
  const path = paths[Number(index)] ?? 'a path';
  if (word === 'system') throw belongsToSystem(host, path, rest);
  if (word === 'mounted') {
    const point = unmangled(rest);
    throw removeProblem(
      host,
      `${JSON.stringify(point)} is mounted below ${path}; nothing in ${path} was deleted`,
      `unmount it (\`umount ${quote(point)}\`), then run again`,
    );
  }
  if (word === 'blind') {
    const detail = `${path}: what is mounted below it cannot be seen, because /proc is not mounted`;
    throw removeProblem(host, detail, 'mount /proc in that root file system, then run again');
  }
  throw removeProblem(host, `${path}: ${shortened(result.stderr)}`, 'remove it by hand, then run again');
}
