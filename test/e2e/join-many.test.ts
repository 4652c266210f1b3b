// Workers that join beside each other with one command, one of which cannot be reached.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Lab } from '../lab/lab.ts';
import {
  clusterConfig,
  eventually,
  joinArguments,
  joinFlags,
  kbinit,
  over,
  testLab,
  type KbinitResult,
} from './support.ts';

let lab: Lab;
let wanted: ReturnType<typeof joinArguments>;

beforeAll(async () => {
  lab = await testLab('together', 78);
  await lab.up(['master1', 'node1', 'node2']);
  await lab.recreate(['master1', 'node1', 'node2']);
  const init = await kbinit(['init', ...over(lab, 'master1'), '--config', await clusterConfig(), '--cni', 'flannel']);
  expect(init.code, init.stderr).toBe(0);
  wanted = joinArguments(init.stdout);
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

/** An address of the lab's network that nobody has. */
const dead = (): string => lab.host('node1').address.replace(/\d+$/, '250');

function joinAll(addresses: readonly string[]): Promise<KbinitResult> {
  const [, , ...ssh] = over(lab, 'node1');
  const hosts = addresses.flatMap((address) => ['--host', `root@${address}`]);
  return kbinit([...joinFlags(wanted), ...hosts, '--ssh-timeout', '5', ...ssh], { stdin: wanted.token });
}

test('two of three join; the third is named with the command for it, and the exit code is 1', async () => {
  const [first, second] = [lab.host('node1').address, lab.host('node2').address];
  const result = await joinAll([first, dead(), second]);
  expect(result.code, result.stderr).toBe(1);
  expect(result.stdout.trim().split('\n').toSorted()).toEqual(
    [first, second].map((name) => `${name} has joined the cluster`).toSorted(),
  );
  expect(result.stderr).toContain('KB_SSH_UNREACHABLE');
  expect(result.stderr).toMatch(/KB_PARTIAL +1 of 3 hosts failed/);
  expect(result.stderr).toContain(`done: ${first}, ${second}; failed: ${dead()}`);
  const command = /go on with: (.*)/.exec(result.stderr)?.[1] ?? '';
  expect(command).toContain(`--host root@${dead()} `);
  expect(command).not.toContain(first);
  await eventually('three Ready nodes', 120, async () => {
    const { stdout } = await lab.kubectl(['get', 'nodes', '--no-headers']);
    return stdout.split('\n').filter((line) => /\sReady\s/.test(line)).length === 3;
  });
});

test('both again: nothing to do, and nobody is told of the third', async () => {
  const result = await joinAll([lab.host('node1').address, lab.host('node2').address]);
  expect(result.code, result.stderr).toBe(0);
  expect(result.stderr).not.toContain('KB_');
});

test('what is one host’s own is refused for several', async () => {
  const result = await kbinit([...joinFlags(wanted), '--host', 'root@a', '--host', 'root@b', '--node-name', 'one'], {
    stdin: wanted.token,
  });
  expect(result.code).toBe(1);
  expect(result.stderr).toContain('a node name is given, and more than one --host is named');
});
