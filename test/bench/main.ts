// The benches (npm run bench): kbinit beside its peers in one run on twin lab hosts; ratios of medians.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensurePackages } from '../lab/apt.ts';
import { ensureCache } from '../lab/build.ts';
import { openLab, type Lab } from '../lab/lab.ts';
import { connectSsh } from '../../src/host/ssh/pool.ts';
import { sh } from '../../src/host/shell.ts';
import { fleetRows } from './fleet.ts';
import { haRows } from './ha.ts';
import { median, timed, watchMemory, type Row } from './measure.ts';
import { kubeadmInit, kubeadmJoin } from './kubeadm.ts';
import { pkiRows } from './pki.ts';
import { clusterConfig, joinArguments, joinFlags, kbinit, over, program } from '../e2e/support.ts';

const rounds = Number(process.env['KBINIT_BENCH_ROUNDS'] ?? 5);

const rows: Row[] = [];

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** kbinit's join ends when the node is registered, kubeadm's does not: this is how much longer its node takes. */
async function untilRegistered(lab: Lab, host: string): Promise<number> {
  return timed(() =>
    lab.exec(host, `until kubectl --kubeconfig /etc/kubernetes/kubelet.conf get node ${host}; do :; done 2>/dev/null`, {
      timeoutSeconds: 60,
    }),
  );
}

/** Twin clusters, one by each tool, made in turn so that neither has the machine warmer than the other. */
async function clusters(): Promise<void> {
  const lab = await openLab({ prefix: 'bench', subnet: '10.62.1.0/24', onProgress: () => undefined });
  const config = await clusterConfig();
  const times = {
    init: [] as number[],
    peerInit: [] as number[],
    join: [] as number[],
    peerJoin: [] as number[],
    late: [] as number[],
    peerLate: [] as number[],
    peerRegistered: [] as number[],
  };
  let memory = 0;
  const names = ['master1', 'node1', 'node2'];
  try {
    await lab.up(names);
    for (let round = 1; round <= rounds; round++) {
      await lab.recreate(names);
      const watch = watchMemory();
      const made = await kbinit(['init', ...over(lab, 'master1'), '--config', config], { onStart: watch.onStart });
      if (made.code !== 0) throw new Error(`kbinit init failed:\n${made.stderr}`);
      memory = Math.max(memory, watch.peak());
      const wanted = joinArguments(made.stdout);
      const joined = await kbinit([...joinFlags(wanted), ...over(lab, 'node1')], { stdin: wanted.token });
      if (joined.code !== 0) throw new Error(`kbinit join failed:\n${joined.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 8000));
      const late = await kbinit([...joinFlags(wanted), ...over(lab, 'node2')], { stdin: wanted.token });
      if (late.code !== 0) throw new Error(`kbinit join failed:\n${late.stderr}`);
      times.init.push(made.seconds);
      times.join.push(joined.seconds);
      times.late.push(late.seconds);

      await lab.recreate(names);
      const peer = await kubeadmInit(lab, 'master1', config);
      times.peerInit.push(peer.seconds);
      times.peerJoin.push(await kubeadmJoin(lab, 'node1', peer.join));
      await new Promise((resolve) => setTimeout(resolve, 8000));
      const peerLate = await kubeadmJoin(lab, 'node2', peer.join);
      times.peerLate.push(peerLate);
      times.peerRegistered.push(peerLate + (await untilRegistered(lab, 'node2')));
      say(
        `round ${round}: ${Object.entries(times)
          .map(([name, list]) => `${name} ${list.at(-1)?.toFixed(2)}`)
          .join(', ')}`,
      );
    }
    await remoteCommands(lab);
  } finally {
    await lab.down();
  }
  rows.push(
    {
      what: 'init --host / kubeadm init',
      ours: median(times.init),
      peer: median(times.peerInit),
      bar: '≤ 0.8',
      unit: 's',
    },
    {
      what: 'join right after init / kubeadm join',
      ours: median(times.join),
      peer: median(times.peerJoin),
      bar: '≤ 0.3',
      unit: 's',
    },
    {
      what: 'join 8 s later / kubeadm join',
      ours: median(times.late),
      peer: median(times.peerLate),
      bar: '≤ 1.0',
      unit: 's',
    },
    {
      what: 'the same / kubeadm join until its node is there',
      ours: median(times.late),
      peer: median(times.peerRegistered),
      bar: '',
      unit: 's',
    },
    { what: 'peak memory of init', ours: memory, peer: undefined, bar: '≤ 150 MiB', unit: 'MiB' },
  );
}

/** One command on an open connection: kbinit's transport beside OpenSSH with a shared connection. */
async function remoteCommands(lab: Lab): Promise<void> {
  const { address } = lab.host('master1');
  const quiet = { emit: () => undefined };
  const transport = await connectSsh({
    host: address,
    port: 22,
    user: 'root',
    name: 'master1',
    identityFiles: [lab.identityFile],
    knownHostsFile: lab.knownHostsFile,
    acceptNewHostKeys: false,
    connectTimeoutSeconds: 15,
    reporter: quiet,
    signal: new AbortController().signal,
  });
  const ours: number[] = [];
  for (let i = 0; i < 60; i++) ours.push(await timed(() => transport.exec(sh`true`)));
  await transport.close();
  const folder = await mkdtemp(join(tmpdir(), 'kbinit-bench-'));
  const common = [
    '-i',
    lab.identityFile,
    '-o',
    `UserKnownHostsFile=${lab.knownHostsFile}`,
    '-o',
    `ControlPath=${folder}/c`,
    `root@${address}`,
  ];
  execFileSync('ssh', ['-o', 'ControlMaster=yes', '-o', 'ControlPersist=30', ...common, 'true']);
  const theirs: number[] = [];
  for (let i = 0; i < 60; i++) {
    theirs.push(
      await timed(
        () => new Promise((resolve) => spawn('ssh', [...common, 'true'], { stdio: 'ignore' }).once('close', resolve)),
      ),
    );
  }
  execFileSync('ssh', ['-O', 'exit', ...common], { stdio: 'ignore' });
  rows.push({
    what: 'one remote command / ssh on a shared connection',
    ours: median(ours.slice(10)) * 1000,
    peer: median(theirs.slice(10)) * 1000,
    bar: '≤ 1.2',
    unit: 'ms',
  });
}

/** Start-up, by hyperfine. */
async function startUp(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kbinit-bench-'));
  const report = join(folder, 'hyperfine.json');
  execFileSync(
    'hyperfine',
    ['--warmup', '5', '--runs', '30', '--export-json', report, '-N', 'node dist/kbinit.mjs version', 'node -e 0'],
    { stdio: 'ignore' },
  );
  const text = readFileSync(report, 'utf8');
  const [ours = 0, theirs = 0] = [...text.matchAll(/"median": ([0-9.e-]+)/g)].map(([, value]) => Number(value));
  rows.push({
    what: 'kbinit version / node -e 0',
    ours: ours * 1000,
    peer: theirs * 1000,
    bar: '≤ 1.5',
    unit: 'ms',
  });
}

/** By name: `npm run bench -- pki ha` runs these two, without a name all are run. */
const benches: Readonly<Record<string, () => Promise<unknown>>> = {
  start: startUp,
  pki: async () => {
    // Without hosts nothing else builds the kubeadm that it is compared with.
    await ensureCache(say, 'hosts');
    rows.push(...pkiRows(rounds * 3, program));
  },
  clusters,
  ha: async () => rows.push(...(await haRows(rounds, say))),
  fleet: async () => rows.push(...(await fleetRows(rounds, say))),
};

async function main(wanted: readonly string[]): Promise<void> {
  const unknown = wanted.filter((name) => !Object.hasOwn(benches, name));
  if (unknown.length > 0) {
    throw new Error(`no bench ${unknown.join(', ')}: there are ${Object.keys(benches).join(', ')}`);
  }
  await ensurePackages(['bench', 'lab'], say);
  for (const [name, bench] of Object.entries(benches)) if (wanted.length === 0 || wanted.includes(name)) await bench();
  const lines = rows.map(({ what, ours, peer, bar, unit }) => {
    const ratio = peer === undefined ? '' : (ours / peer).toFixed(2);
    const theirs = peer === undefined ? '' : `${peer.toFixed(2)} ${unit}`;
    return `| ${what} | ${ours.toFixed(2)} ${unit} | ${theirs} | ${ratio} | ${bar} |`;
  });
  const table = ['| what | kbinit | peer | ratio | bar |', '|---|---|---|---|---|', ...lines].join('\n');
  process.stdout.write(`medians of ${rounds} rounds\n\n${table}\n`);
  await writeFile('/tmp/kbinit-bench.md', `${table}\n`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  say(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
