/** Owns the cache folder: steps that each fill one folder, named by a hash of all that went into it, whole or not there. */
import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from './run.ts';

/** One thing the cache holds, made of its inputs and of other steps. */
export interface Step {
  readonly name: string;
  /** What its content depends on besides other steps, as text that changes when it does. */
  readonly inputs: readonly string[];
  readonly needs: readonly Step[];
  /** Steps of one lane run one after the other: a Go build takes every core there is. */
  readonly lane: 'go' | 'disk';
  /** Fills an empty folder. */
  readonly build: (dir: string) => Promise<void>;
}

/** Where the lab keeps all it makes: `KBINIT_LAB`, or a folder in the user's cache. */
export function labCacheDir(): string {
  const own = process.env['KBINIT_LAB'];
  return own ? resolve(own) : join(homedir(), '.cache', 'kbinit-lab');
}

/** A hash of a step's inputs and of all it needs. */
function stepKey(step: Step): string {
  const hash = createHash('sha256').update(step.name);
  for (const text of [...step.inputs, ...step.needs.map(stepKey)]) hash.update('\0').update(text);
  return hash.digest('hex').slice(0, 12);
}

/** The folder a step fills. */
export function stepDir(step: Step): string {
  return join(labCacheDir(), `${step.name}-${stepKey(step)}`);
}

/** Whether a path is there. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Builds a step in a folder of its own and puts it in place with one rename: a kill leaves nothing that looks done. */
export async function buildStep(step: Step): Promise<void> {
  // What a killed build may still be writing is not what we write.
  const work = join(labCacheDir(), 'building', `${step.name}-${process.pid}`);
  await mkdir(work, { recursive: true });
  await step.build(work);
  await rename(work, stepDir(step));
}

/** Removes what earlier versions and killed builds left; what a host is still mounted on stays. */
export async function prune(steps: readonly Step[]): Promise<void> {
  const current = new Set(steps.map((step) => stepDir(step)));
  const names = new Set(steps.map((step) => step.name));
  const mounts = await allMounts();
  for (const entry of await readdir(labCacheDir())) {
    const dir = join(labCacheDir(), entry);
    const isOld = names.has(entry.replace(/-[0-9a-f]{12}$/, '')) && /-[0-9a-f]{12}$/.test(entry);
    if (isOld && !current.has(dir) && !mounts.includes(entry)) await removeTree(dir);
  }
  await removeTree(join(labCacheDir(), 'building'));
}

/** What is mounted where, also in the namespaces of hosts: a folder that a host sees is not one of ours. */
async function allMounts(): Promise<string> {
  const processes = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const texts = processes.map((pid) => readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => ''));
  return [...new Set(await Promise.all(texts))].join('');
}

/** Removes a folder and what is mounted in it, and never leaves the file system it is on. */
export async function removeTree(dir: string): Promise<void> {
  if (!(await exists(dir))) return;
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  const inside = mounts.split('\n').flatMap((line) => line.split(' ')[4] ?? []);
  const mounted = inside.filter((path) => path.startsWith(`${dir}/`)).toReversed();
  if (mounted.length > 0) await run('umount', ['-l', ...mounted]);
  const { code, stderr } = await run('rm', ['-rf', '--one-file-system', dir]);
  if (code !== 0) throw new Error(`cannot remove ${dir}: ${stderr.trim()}`);
}
