/** Owns the order of the work: every step of the cache, as much at once as the machine bears, and what is done already skipped. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePackages } from './apt.ts';
import { buildStep, exists, labCacheDir, prune, removeTree, stepDir, type Step } from './cache.ts';
import { kubeadmTests, olderKubeadm } from './go-build.ts';
import { allKindSteps, stepsOf } from './kinds.ts';
import { withLock } from './lock.ts';
import { seconds, table, type Report } from './progress.ts';
import { mustRun, run } from './run.ts';

/** What ready hosts are made of, and what only tests need beside hosts. */
const readySteps = stepsOf('ready', true);
const testSteps = [kubeadmTests, olderKubeadm];

/** Makes the cache complete for ready hosts alone, or for the tests too; returns at once when it is. */
export function ensureCache(report: Report, scope: 'hosts' | 'tests'): Promise<void> {
  return ensureSteps(report, scope === 'hosts' ? readySteps : [...readySteps, ...testSteps]);
}

/** Makes these steps and all they need, where they are missing. */
export async function ensureSteps(report: Report, wanted: readonly Step[]): Promise<void> {
  const steps = allSteps(wanted);
  await ensurePackages(['lab'], report);
  if ((await missing(steps)).length === 0) return;
  await mkdir(labCacheDir(), { recursive: true });
  const waiting = (): void => report('another process builds the cache: waiting for it');
  await withLock(join(labCacheDir(), 'build.lock'), () => buildMissing(steps, report), waiting);
}

/** Puts what there is of ready hosts' steps into another cache, as hard links: that one's labs and builds are its own. */
export async function linkReadySteps(cacheDir: string): Promise<void> {
  const folders = allSteps(readySteps).map((step) => stepDir(step));
  for (const folder of folders) if (await exists(folder)) await mustRun('cp', ['-al', folder, cacheDir]);
}

async function buildMissing(steps: readonly Step[], report: Report): Promise<void> {
  const todo = await missing(steps);
  if (todo.length === 0) return;
  if (todo.some(({ lane }) => lane === 'go')) await needGo();
  await removeTree(join(labCacheDir(), 'building'));
  report(`cache: making ${todo.map(({ name }) => name).join(', ')} in ${labCacheDir()}`);
  const startedAt = performance.now();
  const rows: string[][] = [];
  const lanes = new Map<Step['lane'], Promise<void>>();
  const done = new Map<Step, Promise<void>>();
  for (const step of todo) {
    const needs = step.needs.map((need) => done.get(need));
    const lane = step.lane === 'go' ? lanes.get('go') : undefined;
    const work = Promise.all([...needs, lane]).then(async () => {
      const from = performance.now();
      report(`${step.name} …`);
      await buildStep(step);
      const now = performance.now();
      rows.push([
        step.name,
        seconds(now - from),
        `from ${seconds(from - startedAt)}`,
        `to ${seconds(now - startedAt)}`,
      ]);
      report(`${step.name} done in ${seconds(now - from)}`);
    });
    lanes.set(step.lane, work);
    done.set(step, work);
  }
  // Let all end before the first failure is told: nothing may go on working in the cache behind our back.
  const results = await Promise.allSettled(done.values());
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  await prune(allSteps([...allKindSteps(), ...testSteps]));
  table([['step', 'took', '', ''], ...rows]).forEach((line) => report(line));
}

/** @throws Error where Go is missing: no Debian package is new enough */
async function needGo(): Promise<void> {
  const { code } = await run('go', ['version']);
  if (code !== 0) throw new Error('Go is missing: install it (https://go.dev/dl) and put it on the PATH');
}

async function missing(steps: readonly Step[]): Promise<Step[]> {
  const there = await Promise.all(steps.map((step) => exists(stepDir(step))));
  return steps.filter((_, i) => !there[i]);
}

/** Every step, each after those it needs. */
function allSteps(wanted: readonly Step[]): Step[] {
  const ordered = new Set<Step>();
  const visit = (step: Step): void => {
    step.needs.forEach(visit);
    ordered.add(step);
  };
  wanted.forEach(visit);
  return [...ordered];
}
