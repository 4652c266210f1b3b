// `node scripts/start.mjs [--build] FILE WORDS…`: runs a TypeScript program of the project, on a bare clone too.
import { ensurePackages, nodeProblem, npmRun, root, run } from './steps.mjs';

async function main(words) {
  const problem = nodeProblem();
  if (problem !== undefined) return fail(problem);
  const install = await ensurePackages(() => process.stderr.write('npm ci …\n'));
  if (install.code !== 0) return fail(`${install.output}\nnpm ci failed`);
  const [file, ...own] = words[0] === '--build' ? words.slice(1) : words;
  if (words[0] === '--build') {
    const build = await npmRun('build', { show: false });
    if (build.code !== 0) return fail(`${build.output}\nnpm run build failed`);
  }
  const { code } = await run(process.execPath, ['--import', 'tsx', file, ...own]);
  return code;
}

function fail(why) {
  process.stderr.write(`${why}\n`);
  return 1;
}

process.chdir(root);
process.exitCode = await main(process.argv.slice(2));
