// Runs commands of kbinit against the hostile host, in a process of its own: a line of JSON for each on standard output.
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../../../../src/cli/main.ts';
import { manners, startHostileHost } from '../../../fakes/hostile-host.ts';
import { commandsWithHosts, wordsFor } from './commands.ts';

export interface Outcome {
  readonly manner: string;
  readonly command: string;
  readonly code: number;
  readonly asked: number;
  /** What was shown: both streams. */
  readonly shown: string;
  readonly logBytes: number;
  readonly seconds: number;
  readonly rssMiB: number;
  /** Files of the user that are there afterwards, without logs and known_hosts. */
  readonly files: readonly string[];
}

const [shard = '', share = '1', only = '', ...named] = process.argv.slice(2);
const [part = 0, parts = 1] = shard.split('/').map(Number);
const home = mkdtempSync(join(tmpdir(), 'kbinit-hostile-'));
process.env['HOME'] = home;
process.env['KBINIT_LOG_DIR'] = join(home, 'log');
process.setMaxListeners(0);
process.chdir(home);
writeFileSync(
  'old.yaml',
  'apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\nkubernetesVersion: v1.36.3\n---\napiVersion: kubeadm.k8s.io/v1beta3\nkind: InitConfiguration\n',
);
// A run whose limit is over ends the process; here the next command follows.
writeFileSync(
  'join.yaml',
  `apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  bootstrapToken: {apiServerEndpoint: "192.168.1.9:6443", token: abcdef.0123456789abcdef, unsafeSkipCAVerification: true}
controlPlane: {localAPIEndpoint: {advertiseAddress: 192.168.1.2}}
`,
);
const exit = process.exit.bind(process);
Reflect.set(process, 'exit', () => undefined);
const say = process.stdout.write.bind(process.stdout);
let shown = '';
const collect = (chunk: string | Uint8Array, ...rest: readonly unknown[]): boolean => {
  shown += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1');
  const done = rest.at(-1);
  if (typeof done === 'function') done();
  return true;
};
process.stdout.write = collect;
process.stderr.write = collect;

const host = await startHostileHost();
const commands = commandsWithHosts().filter((command) => new RegExp(only, 'u').test(command.path));
const mannerNames = named.length > 0 ? named : [...manners(1).keys()];
/** A whole command goes through more of the manners than one of its phases; each through one at least. */
const shareOf = ({ path }: (typeof commands)[number]): number => {
  const isPart = / phase |^certs renew /.test(path);
  return Math.min(Number(share) * (isPart ? 6 : 1), mannerNames.length);
};
let turn = 0;
for (const [index, manner] of mannerNames.entries()) {
  for (const [number, command] of commands.entries()) {
    if (share !== '1' && (index + number * 5) % shareOf(command) !== 0) continue;
    if (turn++ % parts !== part) continue;
    shown = '';
    host.behave(manner);
    host.asked();
    const argv = [...wordsFor(command, `root@127.0.0.1:${host.port}`, home)];
    const start = performance.now();
    const code = await main(argv);
    const folder = join(home, 'log');
    const logs = existsSync(folder) ? readdirSync(folder).map((name) => statSync(join(folder, name)).size) : [];
    const outcome: Outcome = {
      manner,
      command: command.path,
      code,
      asked: host.asked(),
      shown: shown.slice(0, 100_000),
      logBytes: Math.max(0, ...logs),
      seconds: (performance.now() - start) / 1000,
      rssMiB: process.memoryUsage.rss() / 2 ** 20,
      files: readdirSync(home).filter((name) => !['log', 'known_hosts', 'old.yaml', 'join.yaml'].includes(name)),
    };
    rmSync(join(home, 'log'), { recursive: true, force: true });
    say(`${JSON.stringify(outcome)}\n`);
  }
}
await host.stop();
rmSync(home, { recursive: true, force: true });
exit(0);
