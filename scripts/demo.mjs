// `npm run demo`: from a bare clone to a Kubernetes cluster of two hosts on this machine, and where the time went.
import { ensurePackages, nodeProblem, npmRun, root, run, seconds, stopwatch } from './steps.mjs';

const steps = [];

async function step(name, work) {
  const time = stopwatch();
  const { code, output } = await work();
  if (code !== 0) {
    process.stderr.write(`${output}\n${name} failed (exit code ${code})\n`);
    return false;
  }
  steps.push([name, time()]);
  process.stderr.write(`${name} done in ${seconds(time())}\n`);
  return true;
}

/** What the demo cannot do without. */
function machineProblem() {
  if (process.platform !== 'linux') return 'the demo needs Linux (Debian 12)';
  if (process.getuid?.() !== 0) return 'the demo needs root: it installs Debian packages and runs hosts in podman';
  return nodeProblem();
}

async function main() {
  const problem = machineProblem();
  if (problem !== undefined) {
    process.stderr.write(`${problem}\n`);
    return 1;
  }
  const go = await run('go', ['version'], { show: false });
  if (go.code !== 0) {
    process.stderr.write('the demo needs Go: Kubernetes is compiled for it from its modules\n');
    return 1;
  }
  const note = () => process.stderr.write('npm ci …\n');
  if (!(await step('npm ci', () => ensurePackages(note)))) return 1;
  if (!(await step('npm run build', () => npmRun('build', { show: false })))) return 1;
  const { code } = await run(process.execPath, ['--import', 'tsx', 'test/demo/main.ts'], {
    environment: { KBINIT_DEMO_STEPS: JSON.stringify(steps) },
  });
  return code;
}

process.chdir(root);
process.exitCode = await main();
