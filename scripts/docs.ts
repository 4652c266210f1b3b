// The pages that are made from the code, so that they cannot say anything else than it: docs/phases.md.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { initPhases, joinPhases, resetPhases } from '../src/phases/index.ts';
import { preparePhases } from '../src/phases/prepare/index.ts';
import type { Phase } from '../src/workflow/phase.ts';

/** What every phase has, whatever it works on. */
type AnyPhase = Pick<Phase<never>, 'name' | 'aliases' | 'summary' | 'needs' | 'flags' | 'phases' | 'isPart'>;

/** Where the page of the phases is. */
export const phasesPath: string = fileURLToPath(new URL('../docs/phases.md', import.meta.url));

const intro = `<!-- Made by \`npm run docs\` from src/phases/index.ts: change the phases, not this page. -->

# Phases

\`kbinit init\` runs fourteen phases in this order, for every Kubernetes version. Each one can be run alone
(\`kbinit init phase NAME\`), and left out (\`--skip-phases=NAME\`); a part of a phase is \`init phase NAME PART\` and
\`--skip-phases=NAME/PART\`. A phase that finds everything as it should be says \`unchanged\` and has changed nothing.
`;

/** docs/phases.md as it should be. */
export async function phasesPage(): Promise<string> {
  const page = [
    intro,
    section('init', 'Sets up the first control plane of a cluster.', initPhases),
    section(
      'join',
      'Makes a host a node of a cluster: a worker or, with `--control-plane`, a control plane.',
      joinPhases,
    ),
    section('reset', 'Undoes what init or join did to a host.', resetPhases),
    section('host prepare', 'Makes a host ready for Kubernetes ([host-prepare.md](host-prepare.md)).', preparePhases),
  ].join('\n');
  const config = await resolveConfig(phasesPath);
  return format(page, { ...config, parser: 'markdown' });
}

function section(command: string, sentence: string, phases: readonly AnyPhase[]): string {
  return [
    `## ${command}`,
    '',
    sentence,
    '',
    '| # | phase | what it does | runs only with |',
    '| --- | --- | --- | --- |',
    ...phases.map((phase, index) => row(index + 1, phase)),
    '',
    ...phases.map(details),
    '',
  ].join('\n');
}

function row(number: number, { name, aliases = [], summary, needs = [], isPart }: AnyPhase): string {
  const whose = isPart === undefined ? '' : ' (control planes only)';
  return `| ${number} | ${[name, ...aliases].map(code).join(', ')} | ${summary}${whose} | ${needs.map(code).join(', ')} |`;
}

/** Parts and flags of one phase: too long for a table. */
function details({ name, phases = [], flags = [] }: AnyPhase): string {
  const own = flags.length === 0 ? 'no flags of its own' : `flags ${flags.map((flag) => code(`--${flag}`)).join(' ')}`;
  const parts = phases.length === 0 ? '' : `parts ${phases.map((part) => code(part.name)).join(' ')}; `;
  return `- ${code(name)}: ${parts}${own}`;
}

function code(text: string): string {
  return `\`${text}\``;
}

/** Write the pages; says which were stale. */
async function main(): Promise<void> {
  const [wanted, found] = [await phasesPage(), await readFile(phasesPath, 'utf8').catch(() => '')];
  if (wanted !== found) await writeFile(phasesPath, wanted);
  console.log(`docs/phases.md ${wanted === found ? 'is as it should be' : 'written'}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
