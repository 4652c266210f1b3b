/**
 * Owns a machine without what the project installs: an overlay of this machine's root in namespaces of its own.
 *
 * Each command enters it anew: the overlay's upper layer, the clone and podman's storage stay between commands, every
 * process and mount ends with its command, and also when this process is killed.
 */
import { spawn } from 'node:child_process';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Where everything of a rehearsal lies: on a real disk, because neither a host's layers nor podman can lie on an overlay. */
export interface BareMachine {
  readonly dir: string;
  /** The project's folder on this machine, which the bare machine does not see. */
  readonly project: string;
  /** Caches of this machine, at the same path in the bare one. */
  readonly caches: readonly string[];
  /** Where the lab keeps its cache in the bare machine. */
  readonly labCache: string;
}

/** Where the clone lies in the bare machine. */
export const clonePath = '/srv/kbinit';

/** What a command of the bare machine came to. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
}

// $1 is the folder, $2 the script, then pairs of a folder outside and its path inside. podman keeps locks in /dev/shm
// and the state of what runs in /run: both are the bare machine's own. The shell stays the first process, which reaps.
const enter = `set -e
dir=$1 script=$2 project=$3; shift 3
root=$dir/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir "$root/run/lock"
names=$(readlink -f /etc/resolv.conf)
case $names in /run/*) mkdir -p "$root\${names%/*}"; cp "$names" "$root$names" ;; esac
mount -t tmpfs tmpfs "$root$project"
while [ $# -gt 0 ]; do mkdir -p "$1" "$root$2"; mount --bind "$1" "$root$2"; shift 2; done
cd "$root"
pivot_root . mnt
umount -l /mnt
cd /
sh -c "$script"`;

/** Makes the folders of a bare machine that is entered for the first time. */
export async function makeFolders({ dir }: BareMachine): Promise<void> {
  for (const name of ['root', 'upper', 'work', 'tmp', 'containers', 'lab']) {
    await mkdir(join(dir, name), { recursive: true });
  }
  // apt checks signatures as another user, who needs room there.
  await chmod(join(dir, 'tmp'), 0o1777);
}

/** Runs a shell script in the bare machine; what it prints is passed on as it comes, to standard error. */
export function inBareMachine(
  machine: BareMachine,
  script: string,
  { env, signal }: { readonly env: Readonly<Record<string, string>>; readonly signal?: AbortSignal },
): Promise<Ended> {
  const { dir, project, caches, labCache } = machine;
  const binds = [
    [join(dir, 'tmp'), '/tmp'],
    [join(dir, 'containers'), '/var/lib/containers'],
    [join(dir, 'clone'), clonePath],
    ...caches.map((path) => [path, path]),
    [join(dir, 'lab'), labCache],
  ];
  const apart = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];
  const command = ['unshare', ...apart, 'sh', '-c', enter, 'sh', dir, script, project, ...binds.flat()];
  return new Promise((resolve, reject) => {
    const child = spawn('/usr/bin/setpriv', ['--pdeathsig', 'KILL', ...command], {
      cwd: '/',
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
      // Ctrl-C is for us: what runs in there ends at once, with its first process.
      detached: true,
    });
    const stop = (): void => void child.kill('SIGKILL');
    if (signal?.aborted === true) stop();
    signal?.addEventListener('abort', stop);
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      process.stderr.write(text);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      signal?.removeEventListener('abort', stop);
      resolve({ code: code ?? 137, stdout });
    });
  });
}

/** This process's environment without what only its own run has: npm's and our variables, and node_modules in the PATH. */
export function bareEnvironment(): Record<string, string> {
  const isOwn = (name: string): boolean => /^(KBINIT_|npm_|VITEST|NODE_OPTIONS$|NODE_PATH$|INIT_CWD$|CI$)/.test(name);
  const kept = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined || isOwn(name) ? [] : [[name, value] as const],
  );
  const path = (process.env['PATH'] ?? '').split(':').filter((folder) => !folder.includes('node_modules'));
  return { ...Object.fromEntries(kept), PATH: path.join(':') };
}
