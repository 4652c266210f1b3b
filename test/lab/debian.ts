/** Owns what every root made of Debian packages shares: how it is bootstrapped, and what a lab host's root is finished with. */
import { chmod, link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { debianMirror } from './apt.ts';
import { stepDir, type Step } from './cache.ts';
import { builtInModules } from './kernel.ts';
import { mustRun } from './run.ts';
import { versions } from './versions.ts';

/** A file of the lab that goes into a root, by its name in `files` and its path on a host. */
export type PlacedFile = readonly [name: string, path: string];

/** Where a package puts its units. */
export const unitFolder = 'usr/lib/systemd/system';

/** What each lab host has whatever it is: its default route, and an sshd that takes root's key. */
export const commonFiles: readonly PlacedFile[] = [
  ['lab-network.service', `${unitFolder}/lab-network.service`],
  ['sshd-lab.conf', 'etc/ssh/sshd_config.d/lab.conf'],
];

// Nothing of these belongs on a host that lives for minutes.
const leftovers = (
  'usr/sbin/policy-rc.d var/cache/apt/archives var/lib/apt/lists usr/share/doc usr/share/man usr/share/locale ' +
  'var/log/bootstrap.log var/log/dpkg.log'
).split(' ');

/** Timers that only wake a host which lives for minutes. */
export const idleTimers: readonly string[] = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'fstrim.timer',
];

/** What a container has no use for, or what would speak to a network that is not there. */
export const maskedUnits: readonly string[] = [
  'getty@tty1.service',
  'console-getty.service',
  'systemd-timesyncd.service',
  'systemd-resolved.service',
];

/** What systemd is to start and what not, by the names of units. */
export interface Units {
  readonly enabled: readonly string[];
  readonly disabled: readonly string[];
}

/** A step that bootstraps Debian with these packages. */
export function debootstrapStep(name: string, packages: readonly string[]): Step {
  const build = async (dir: string): Promise<void> => {
    const include = `--include=${packages.join(',')}`;
    const mirror = await debianMirror();
    const where = [versions.debian, dir, ...(mirror === undefined ? [] : [mirror])];
    await mustRun('debootstrap', ['--variant=minbase', include, ...where]);
    // What only an installation needs; the host keys and the machine id must be each host's own.
    for (const path of leftovers) await rm(join(dir, path), { recursive: true, force: true });
    const sshFiles = await readdir(join(dir, 'etc/ssh')).catch(() => []);
    const hostKeys = sshFiles.filter((file) => file.startsWith('ssh_host_'));
    for (const file of hostKeys) await rm(join(dir, 'etc/ssh', file));
    await mkdir(join(dir, 'var/lib/apt/lists'), { recursive: true });
    await mkdir(join(dir, 'var/cache/apt/archives'), { recursive: true });
    await chmod(dir, 0o755);
  };
  return { name, inputs: [versions.debian, ...packages], needs: [], lane: 'disk', build };
}

/** Fills a folder with another step's tree as hard links; from here on a file is replaced, never written in place. */
export async function linkTree(from: Step, dir: string): Promise<void> {
  await mustRun('cp', ['-al', `${stepDir(from)}/.`, dir]);
}

/** The texts of files of the lab. */
export function labFiles(files: readonly PlacedFile[]): Promise<string[]> {
  return Promise.all(files.map(([name]) => readFile(join(import.meta.dirname, 'files', name), 'utf8')));
}

/** Puts files of the lab into a root. */
export async function placeFiles(dir: string, files: readonly PlacedFile[], texts: readonly string[]): Promise<void> {
  for (const [i, [, path]] of files.entries()) await replaceFile(join(dir, path), texts[i] ?? '');
}

/** Does what every root needs last: the kernel's modules, no machine id, and the units as they start. */
export async function finishRoot(dir: string, { enabled, disabled }: Units): Promise<void> {
  await installModuleList(dir);
  // An empty file: each host brings its own, and no first boot is declared.
  await replaceFile(join(dir, 'etc/machine-id'), '');
  await mustRun('chroot', [dir, 'systemctl', '-q', 'enable', ...enabled]);
  await mustRun('chroot', [dir, 'systemctl', '-q', 'disable', ...disabled]);
  await mustRun('chroot', [dir, 'systemctl', '-q', 'mask', ...maskedUnits]);
}

/** Lets `modprobe overlay` succeed where the driver is part of the kernel, as it does on a host with its modules folder. */
async function installModuleList(dir: string): Promise<void> {
  const folder = join(dir, 'usr/lib/modules', release());
  await replaceFile(join(folder, 'modules.builtin'), (await builtInModules()).join('\n') + '\n');
  await replaceFile(join(folder, 'modules.order'), '');
  await mustRun('chroot', [dir, 'depmod', release()]);
}

/** Puts a step's programs into a folder, as hard links. */
export async function placePrograms(step: Step, names: readonly string[], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of names) {
    await rm(join(folder, name), { force: true });
    await link(join(stepDir(step), name), join(folder, name));
  }
}

/** Writes a file anew, without touching what another root's name for it holds. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  await writeFile(path, text, { mode: 0o644 });
}
