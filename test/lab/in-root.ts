/** Owns running a script in one of the cache's roots: with folders bound in, and with nothing left running or written there. */
import { mustRun } from './run.ts';

// The mounts are this namespace's own and end with it, as does every process: gpg leaves an agent behind.
const enterRoot = `set -e
root=$1 script=$2; shift 2
mount -t tmpfs tmpfs "$root/tmp"
mount -t proc proc "$root/proc"
while [ $# -gt 0 ]; do mkdir -p "$root/tmp/$1"; mount --bind "$2" "$root/tmp/$1"; shift 2; done
exec chroot "$root" /usr/bin/env -i HOME=/tmp PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C sh -ec "$script"`;

/** Runs a shell script in a root; `folders` are bound into its /tmp by name. Answers with its standard output. */
export function inRoot(root: string, script: string, folders: Readonly<Record<string, string>>): Promise<string> {
  const apart = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];
  const binds = Object.entries(folders).flat();
  return mustRun('unshare', [...apart, 'sh', '-c', enterRoot, 'sh', root, script, ...binds]);
}
