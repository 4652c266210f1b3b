// `npm run rehearse`: the README on a bare machine. An overlay of this machine without what the project installs, a
// fresh clone of HEAD in it, the demo, a bench, the unit tests with nothing skipped. The last line is `N passed, N failed`.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { linkReadySteps } from '../lab/build.ts';
import { labCacheDir, removeTree } from '../lab/cache.ts';
import { withLock } from '../lab/lock.ts';
import { seconds, table } from '../lab/progress.ts';
import { mustRun } from '../lab/run.ts';
import {
  bareEnvironment,
  clonePath,
  inBareMachine,
  makeFolders,
  type BareMachine,
  type Ended,
} from './bare-machine.ts';
import { purgeScript } from './purge.ts';

const project = new URL('../..', import.meta.url).pathname.replace(/\/$/, '');
const dir = join(labCacheDir(), 'rehearsal');

/** A lab beside those of this machine: the bare machine has their network, and a podman that does not know them. */
const prefix = 'rehearse';
const subnet = '10.62.5.0/24';

const env: Readonly<Record<string, string>> = {
  ...bareEnvironment(),
  KBINIT_DEMO_PREFIX: prefix,
  KBINIT_DEMO_SUBNET: subnet,
};

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

const stop = new AbortController();

async function bareMachine(): Promise<BareMachine> {
  const found = [
    await mustRun('npm', ['config', 'get', 'cache']),
    await mustRun('go', ['env', 'GOCACHE']),
    await mustRun('go', ['env', 'GOMODCACHE']),
  ];
  const archives = '/var/cache/apt/archives';
  return { dir, project, caches: [...found.map((path) => path.trim()), archives], labCache: labCacheDir() };
}

async function rehearse(): Promise<number> {
  const machine = await bareMachine();
  // What a killed rehearsal left, if its own clean-up was killed too.
  await cleanUp(machine);
  const watcher = cleanUpAfterUs();
  try {
    await makeFolders(machine);
    await linkReadySteps(join(dir, 'lab'));
    const isDirty = (await mustRun('git', ['status', '--porcelain'], { cwd: project })) !== '';
    if (isDirty) say('HEAD is rehearsed: what is not committed is left out');
    await mustRun('git', ['clone', '-q', '--no-hardlinks', project, join(dir, 'clone')]);
    return await steps(machine);
  } finally {
    await cleanUp(machine);
    watcher.stdin.end();
  }
}

async function steps(machine: BareMachine): Promise<number> {
  const rows: string[][] = [];
  const total = { passed: 0, failed: 0 };
  const step = async (name: string, script: string, countsOf: (ended: Ended) => Counts = oneStep): Promise<boolean> => {
    say(`\n== ${name}`);
    const start = performance.now();
    const ended = await inBareMachine(machine, script, { env, signal: stop.signal });
    const { passed, failed } = countsOf(ended);
    total.passed += passed;
    total.failed += failed;
    rows.push([name, seconds(performance.now() - start).padStart(9), `${passed} passed, ${failed} failed`]);
    return failed === 0;
  };
  const inClone = `cd ${clonePath}`;
  const down = `npm run --silent lab -- --prefix ${prefix} down`;
  // Also after a demo that failed: the unit tests need nothing of it, and install what they need.
  if (await step('purge', purgeScript)) {
    await step('npm run demo', `${inClone}; npm run demo; code=$?; ${down} || code=1; exit $code`);
    await step('npm run bench -- start', `${inClone}; npm run bench -- start`);
    await step('npm test -- --unit', `${inClone}; CI=true npm test --silent -- --unit`, countsOfTests);
  }
  process.stdout.write(`\n${table(rows).join('\n')}\n\n${total.passed} passed, ${total.failed} failed\n`);
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

function oneStep({ code }: Ended): Counts {
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** What `npm test` says of itself; a skipped test is a failure here. */
function countsOfTests({ code, stdout }: Ended): Counts {
  const [, passed, failed, skipped] = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/m.exec(stdout) ?? [];
  const bad = Number(failed ?? 1) + Number(skipped ?? 0);
  return { passed: Number(passed ?? 0), failed: bad === 0 && code !== 0 ? 1 : bad };
}

/** Removes everything of a rehearsal, with the network and the rule that the lab of a killed one left. */
async function cleanUp(machine: BareMachine): Promise<void> {
  if (!existsSync(dir)) return;
  // With the tools that the bare machine has by then: this one may lack them, and gets no packages from us.
  const networks = '/etc/containers/networks';
  const script = `cd ${clonePath} 2>/dev/null && [ -e ${networks} ] || exit 0
    bridges=$(sed -n 's/.*"network_interface": "\\(.*\\)".*/\\1/p' ${networks}/kbinit-${prefix}.json 2>/dev/null | sort -u)
    npm run --silent lab -- --prefix ${prefix} down
    for bridge in $bridges; do ip link delete "$bridge" 2>/dev/null || :; done`;
  if (existsSync(join(dir, 'clone/node_modules'))) await inBareMachine(machine, script, { env });
  await removeTree(dir);
}

/** A process that cleans up when this one has gone, however it went: it reads a pipe that ends with us. */
function cleanUpAfterUs(): { readonly stdin: { end(): void } } {
  const words = ['--import', 'tsx', join(project, 'test/rehearse/main.ts'), '--clean-up'];
  const watcher = spawn(process.execPath, words, { cwd: project, stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  watcher.unref();
  return watcher;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** What it cannot do without. */
function machineProblem(): string | undefined {
  if (process.platform !== 'linux' || !existsSync('/usr/bin/dpkg')) return 'a rehearsal needs Debian 12';
  if (process.getuid?.() !== 0) return 'a rehearsal needs root: it mounts an overlay of this machine';
  return undefined;
}

async function main(words: readonly string[]): Promise<number> {
  if (words[0] === '--clean-up') {
    await new Promise((resolve) => process.stdin.resume().once('end', resolve));
    await withLock(`${dir}.lock`, async () => cleanUp(await bareMachine()));
    return 0;
  }
  const problem = machineProblem();
  if (problem !== undefined) throw new Error(problem);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
  await mkdir(labCacheDir(), { recursive: true });
  return withLock(`${dir}.lock`, rehearse, () => say('another rehearsal is at work: waiting for it'));
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  say(`rehearse: ${error instanceof Error ? error.message : String(error)}`);
  process.stdout.write('\n0 passed, 1 failed\n');
  process.exitCode = 1;
}
