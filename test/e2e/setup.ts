// What every end-to-end file needs of the machine, whoever starts it: packages, the lab's programs, the built program.
import { existsSync } from 'node:fs';
import { ensurePackages } from '../lab/apt.ts';
import { ensureCache } from '../lab/build.ts';
import { mustRun } from '../lab/run.ts';
import { timedReport } from '../lab/progress.ts';
import { program } from './support.ts';

/** Runs once, before the first file. */
export default async function setup(): Promise<void> {
  const report = timedReport((line) => console.error(line));
  await ensurePackages(['e2e'], report);
  await ensureCache(report, 'tests');
  // What is there is not built again: `npm test` has just done so.
  if (existsSync(program)) return;
  await mustRun('npm', ['run', '--silent', 'build'], { cwd: new URL('../..', import.meta.url).pathname });
}
