import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { manners } from '../../../fakes/hostile-host.ts';
import { commandsWithHosts } from './commands.ts';
import type { Outcome } from './run.ts';

/**
 * `ssh scan` sends no command, a bundle needs the network before it needs the host, and the last two take neither a token
 * nor a configuration.
 */
const seesNoCommand = new Set(['ssh scan', 'bundle create', 'join phase check-etcd', 'join phase wait-control-plane']);
/** Every command in every manner takes half an hour; each run of the tests tries each command in a few. */
const share = process.env['KBINIT_HOSTILE'] === 'all' ? 1 : 16;
const processes = Math.max(2, Math.min(4, availableParallelism()));

function runShard(part: number): Promise<readonly Outcome[]> {
  const script = join(import.meta.dirname, 'run.ts');
  const words = ['--import', 'tsx', script, `${part}/${processes}`, String(share)];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once('close', (code) => {
      if (code !== 0) return reject(new Error(`the process ended with ${code}: ${err.slice(-2000)}`));
      const lines = out.split('\n').filter((line) => line !== '');
      return resolve(lines.map((line): Outcome => JSON.parse(line)));
    });
  });
}

const name = ({ manner, command }: Outcome): string => `${command}: ${manner}`;
/** Everything that a terminal obeys, and what turns text around. */
// oxlint-disable-next-line no-control-regex -- it is what is looked for
const obeyed = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/;

describe('a host that answers every command as no host does', () => {
  let outcomes: readonly Outcome[] = [];
  beforeAll(async () => {
    const parts = Array.from({ length: processes }, (_, part) => runShard(part));
    outcomes = (await Promise.all(parts)).flat();
  }, 3_600_000);

  test('gets to answer every command of the tree that talks to hosts, in every manner', () => {
    const asked = new Set(outcomes.filter((one) => one.asked > 0).map(({ command }) => command));
    const all = commandsWithHosts().map(({ path }) => path);
    expect(all.filter((path) => !asked.has(path) && !seesNoCommand.has(path))).toEqual([]);
    expect(new Set(outcomes.map(({ manner }) => manner))).toEqual(new Set(manners(1).keys()));
  });

  test('brings out no bug: each command ends with an error that says what to do, or well', () => {
    const bugs = outcomes.filter(({ code, shown }) => code === 70 || /KB_BUG|a bug in kbinit/.test(shown));
    expect(bugs.map((one) => `${name(one)}\n${one.shown.slice(-1500)}`)).toEqual([]);
    const silent = outcomes.filter(({ code, shown }) => code !== 0 && !/KB_[A-Z_]+/.test(shown));
    expect(silent.map(name)).toEqual([]);
  });

  test('moves nothing on the screen', () => {
    expect(outcomes.filter(({ shown }) => obeyed.test(shown)).map(name)).toEqual([]);
  });

  test('fills neither screen nor log nor memory, and holds nothing up', () => {
    expect(outcomes.filter(({ shown }) => shown.length > 60_000).map(name)).toEqual([]);
    expect(outcomes.filter(({ logBytes }) => logBytes > 2 ** 20).map(name)).toEqual([]);
    expect(outcomes.filter(({ rssMiB }) => rssMiB > 1000).map(name)).toEqual([]);
    expect(outcomes.filter(({ seconds }) => seconds > 30).map(name)).toEqual([]);
  });

  test('leaves no file on the machine that kbinit runs on where a command failed', () => {
    expect(outcomes.filter(({ code, files }) => code !== 0 && files.length > 0).map(name)).toEqual([]);
  });
});
