// The demo's second half, once packages and program are there: two hosts, a cluster of them, and where the time went.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusterConfig, eventually, joinArguments, joinFlags, kbinit, over } from '../e2e/support.ts';
import { openLab, type Lab } from '../lab/lab.ts';
import { seconds, table } from '../lab/progress.ts';

const prefix = process.env['KBINIT_DEMO_PREFIX'] ?? 'demo';
/** Neither the default lab's network nor one of the tests'. */
const subnet = process.env['KBINIT_DEMO_SUBNET'] ?? '10.62.0.0/24';
const names = ['master1', 'node1'];

/** A row of the last table: what took how many seconds. */
type Row = readonly [what: string, took: number];

async function demo(): Promise<void> {
  const rows: Row[] = [...earlierSteps()];
  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    const result = await work();
    rows.push([what, (performance.now() - start) / 1000]);
    return result;
  };
  const logs = await mkdtemp(join(tmpdir(), 'kbinit-demo-'));
  const start = performance.now();

  say('The lab: Kubernetes compiled from its Go modules, a Debian host, containers to be hosts (the first time: long)');
  const lab = await timed('lab: build what is missing', () => openLab({ prefix, subnet, onProgress: tell }));
  await timed('lab: boot two hosts', () => bootAnew(lab));

  say('kbinit init: a control plane on master1, over SSH');
  const config = await clusterConfig();
  const init = await runKbinit(['init', ...over(lab, 'master1'), '--config', config, '--cni', 'flannel'], logs);
  console.log(init.stdout);
  rows.push(...(await phaseRows('init', logs)), ['init, start to exit', init.seconds]);

  say('kbinit join: node1, over SSH; the token goes over standard input');
  const wanted = joinArguments(init.stdout);
  const joined = await runKbinit([...joinFlags(wanted), ...over(lab, 'node1')], logs, wanted.token);
  rows.push(...(await phaseRows('join', logs)), ['join, start to exit', joined.seconds]);

  say('Until both nodes are Ready and CoreDNS runs');
  await timed('nodes Ready, CoreDNS Running', () => ready(lab));
  await show(lab, ['get', 'nodes', '-o', 'wide']);
  await show(lab, ['get', 'pods', '-A', '-o', 'wide']);

  rows.push(['all of it', totalOf(earlierSteps()) + (performance.now() - start) / 1000]);
  say('Where the time went');
  for (const line of table(rows.map(([what, took]) => [what, seconds(took * 1000).padStart(9)]))) console.log(line);
  await rm(logs, { recursive: true, force: true });
  console.log(`
Go on:
  npm run lab -- --prefix ${prefix} kubectl get pods -A
  npm run lab -- --prefix ${prefix} ssh master1
  node dist/kbinit.mjs reset --force ${over(lab, 'node1').join(' ')}
  npm run lab -- --prefix ${prefix} down`);
}

/** Hosts as on their first day, whatever an earlier demo left. */
async function bootAnew(lab: Lab): Promise<void> {
  const there = new Set(lab.hosts().map(({ name }) => name));
  if (names.every((name) => there.has(name))) return lab.recreate(names);
  await lab.down();
  return lab.up(names);
}

/** Run kbinit with its progress on the screen. @throws Error when it fails */
async function runKbinit(args: readonly string[], logs: string, stdin?: string): ReturnType<typeof kbinit> {
  console.log(`$ kbinit ${args.join(' ')}`);
  const result = await kbinit(args, {
    environment: { KBINIT_LOG_DIR: logs },
    onProgress: (text) => process.stderr.write(text),
    ...(stdin === undefined ? {} : { stdin }),
  });
  if (result.code !== 0) {
    throw new Error(`kbinit ${args[0] ?? ''} ended with exit code ${result.code}; its log is in ${logs}`);
  }
  return result;
}

/** The time of each phase, from the log that the last run of a command wrote. */
async function phaseRows(command: string, logs: string): Promise<readonly Row[]> {
  const newest = (await readdir(logs)).toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
  if (newest === undefined) return [];
  const text = await readFile(join(logs, newest), 'utf8');
  return text.split('\n').flatMap((line) => phaseEnd(command, line));
}

function phaseEnd(command: string, line: string): readonly Row[] {
  if (line === '') return [];
  const event: unknown = JSON.parse(line);
  if (typeof event !== 'object' || event === null || !('kind' in event) || event.kind !== 'phase-end') return [];
  if (!('phase' in event) || !('seconds' in event) || typeof event.seconds !== 'number') return [];
  const outcome = 'outcome' in event && event.outcome === 'skipped' ? ' (skipped)' : '';
  return [[`  ${command} ${String(event.phase)}${outcome}`, event.seconds]];
}

async function ready(lab: Lab): Promise<void> {
  await eventually('both nodes to be Ready', 120, async () => {
    const { stdout } = await lab.kubectl(['get', 'nodes', '--no-headers']);
    return stdout.match(/\sReady\s/g)?.length === names.length;
  });
  await eventually('CoreDNS to run', 120, async () => {
    const { stdout } = await lab.kubectl([
      '-n',
      'kube-system',
      'get',
      'pods',
      '-l',
      'k8s-app=kube-dns',
      '--no-headers',
    ]);
    const lines = stdout.trim().split('\n');
    return lines.every((line) => /\s1\/1\s+Running\s/.test(line));
  });
}

async function show(lab: Lab, args: readonly string[]): Promise<void> {
  const { stdout } = await lab.kubectl(args);
  console.log(`$ kubectl ${args.join(' ')}\n${stdout}`);
}

/** What demo.mjs did before. */
function earlierSteps(): readonly Row[] {
  const value: unknown = JSON.parse(process.env['KBINIT_DEMO_STEPS'] ?? '[]');
  if (!Array.isArray(value)) return [];
  return value.flatMap((row: unknown): readonly Row[] => {
    const [what, took]: readonly unknown[] = Array.isArray(row) ? row : [];
    return typeof what === 'string' && typeof took === 'number' ? [[what, took]] : [];
  });
}

function totalOf(rows: readonly Row[]): number {
  return rows.reduce((sum, [, took]) => sum + took, 0);
}

function say(text: string): void {
  console.log(`\n== ${text}`);
}

function tell(line: string): void {
  console.error(line);
}

try {
  await demo();
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
