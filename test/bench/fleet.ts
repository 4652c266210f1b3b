// The benches of many hosts: preparing thirty again beside an Ansible playbook, and looking at a hundred beside plain ssh.
import { spawn } from 'node:child_process';
import { kbinit, type KbinitResult } from '../e2e/support.ts';
import { elReleases } from '../lab/el-releases.ts';
import { openLab, type Lab } from '../lab/lab.ts';
import { repositoryFolder, repositoryPaths } from '../lab/rpm-repositories.ts';
import { playAgain, setUpAnsible } from './ansible.ts';
import { median, timed, watchMemory, type Row } from './measure.ts';

type Say = (text: string) => void;

/** Both benches, one after the other: each has the machine for itself. */
export async function fleetRows(rounds: number, say: Say): Promise<readonly Row[]> {
  return [...(await prepareRows(rounds, say)), ...(await preflightRows(rounds, say))];
}

const repositories = [repositoryPaths.kubernetes, repositoryPaths.docker(elReleases['rocky-9'])].flatMap((path) => [
  '--repository',
  `file://${repositoryFolder}/${path}`,
]);

/** Thirty, unless a try is to end sooner: the first preparation of each installs 300 MB of packages. */
const prepared = Number(process.env['KBINIT_BENCH_HOSTS'] ?? 30);

/** Hosts on which nothing has to be changed any more, by each tool in turn. */
async function prepareRows(rounds: number, say: Say): Promise<readonly Row[]> {
  const lab = await openLab({ prefix: 'bench-fleet', subnet: '10.62.3.0/24', kind: 'rocky-9' });
  const times = { ours: [] as number[], peer: [] as number[] };
  const names = numbered('host', prepared);
  let memory = 0;
  try {
    await lab.up([...names, { name: 'control', kind: 'ansible' }]);
    const command = ['host', 'prepare', ...repositories, ...flagsTo(lab, names)];
    const first = await succeeded(command, kbinit(command));
    await setUpAnsible(lab, 'control', names);
    say(`host prepare of ${prepared}, the first: ${first.seconds.toFixed(1)} s`);
    for (let round = 1; round <= rounds; round++) {
      const watch = watchMemory();
      const again = await succeeded(command, kbinit(command, { onStart: watch.onStart }));
      if (!again.stderr.includes('no changes')) throw new Error(`host prepare changed something:\n${again.stderr}`);
      times.ours.push(again.seconds);
      memory = Math.max(memory, watch.peak());
      times.peer.push(await timed(() => playAgain(lab, 'control', names.length)));
      say(`prepare ${prepared} again, round ${round}: kbinit ${last(times.ours)}, ansible ${last(times.peer)}`);
    }
  } finally {
    await lab.down();
  }
  const what = `host prepare of ${prepared} hosts, nothing to change / ansible-playbook of 5 tasks`;
  return [
    { what, ours: median(times.ours), peer: median(times.peer), bar: '≤ 0.1', unit: 's' },
    { what: 'peak memory of it', ours: memory, peer: undefined, bar: '', unit: 'MiB' },
  ];
}

/** As many at once as kbinit looks at (src/cli/commands/preflight-run.ts). */
const atOnce = 32;

/** Hosts that are nothing but an sshd: what is measured is kbinit and the way there. */
async function preflightRows(rounds: number, say: Say): Promise<readonly Row[]> {
  const lab = await openLab({ prefix: 'bench-light', subnet: '10.62.4.0/24', kind: 'light' });
  const times = { ours: [] as number[], peer: [] as number[] };
  const names = numbered('light', 100);
  let memory = 0;
  try {
    await lab.up(names);
    const command = ['preflight', '-o', 'json', ...flagsTo(lab, names)];
    for (let round = 1; round <= rounds; round++) {
      const watch = watchMemory();
      const looked = await kbinit(command, { onStart: watch.onStart });
      assertAllLookedAt(lab, names, looked);
      times.ours.push(looked.seconds);
      memory = Math.max(memory, watch.peak());
      times.peer.push(await timed(() => sshToAll(lab, names)));
      say(`preflight of 100, round ${round}: kbinit ${last(times.ours)}, ssh ${last(times.peer)}`);
    }
  } finally {
    await lab.down();
  }
  const what = `preflight of 100 hosts / ssh HOST true to all, both ${atOnce} at once`;
  return [
    { what, ours: median(times.ours), peer: median(times.peer), bar: '≤ 1.0', unit: 's' },
    { what: 'peak memory of it', ours: memory, peer: undefined, bar: '≤ 300 MiB', unit: 'MiB' },
  ];
}

function numbered(word: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${word}${index + 1}`);
}

function last(values: readonly number[]): string {
  return `${values.at(-1)?.toFixed(2)} s`;
}

function flagsTo(lab: Lab, names: readonly string[]): readonly string[] {
  const hosts = names.flatMap((name) => ['--host', `root@${lab.host(name).address}`]);
  return [...hosts, '--identity-file', lab.identityFile, '--known-hosts', lab.knownHostsFile];
}

async function succeeded(command: readonly string[], running: Promise<KbinitResult>): Promise<KbinitResult> {
  const result = await running;
  if (result.code === 0) return result;
  throw new Error(`kbinit ${command.slice(0, 2).join(' ')} failed:\n${result.stderr.slice(-3000)}`);
}

/** A host without systemd fails checks; it must have been reached and asked all the same. */
function assertAllLookedAt(lab: Lab, names: readonly string[], { stdout, stderr }: KbinitResult): void {
  const missing = names.filter((name) => !stdout.includes(`"${lab.host(name).address}"`));
  if (missing.length === 0 && !stdout.includes('"KB_')) return;
  throw new Error(`kbinit preflight did not look at all hosts (${missing.join(' ')}):\n${stderr.slice(-3000)}`);
}

/** What it takes to log in everywhere and do nothing. */
async function sshToAll(lab: Lab, names: readonly string[]): Promise<void> {
  const left = names.map((name) => lab.host(name).address);
  const files = ['-i', lab.identityFile, '-o', `UserKnownHostsFile=${lab.knownHostsFile}`];
  const strict = ['-o', 'IdentitiesOnly=yes', '-o', 'StrictHostKeyChecking=yes', '-o', 'BatchMode=yes'];
  const logIn = async (): Promise<void> => {
    for (let address = left.shift(); address !== undefined; address = left.shift()) {
      const child = spawn('ssh', [...files, ...strict, `root@${address}`, 'true'], { stdio: 'ignore' });
      const code = await new Promise((resolve) => child.once('close', resolve));
      if (code !== 0) throw new Error(`ssh ${address} true ended with ${String(code)}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, logIn));
}
