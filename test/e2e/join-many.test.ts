// Workers that join beside each other with one command, one of which cannot be reached; and one whose name is taken.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../lab/lab.ts';
import { output } from './observe.ts';
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
import { unplug } from './support/host.ts';

let lab: Lab;
let wanted: ReturnType<typeof joinArguments>;
/** Seconds from the command to Ready nodes: of two beside each other. */
let together: number;

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

function joinAll(
  addresses: readonly string[],
  more: readonly string[] = ['--ssh-timeout', '5'],
): Promise<KbinitResult> {
  const [, , ...ssh] = over(lab, 'node1');
  const hosts = addresses.flatMap((address) => ['--host', `root@${address}`]);
  return kbinit([...joinFlags(wanted), ...hosts, ...more, ...ssh], { stdin: wanted.token });
}

test('two of three join; the third is named with the command for it, and the exit code is 1 (R56)', async () => {
  const [first, second] = [lab.host('node1').address, lab.host('node2').address];
  const start = performance.now();
  const result = await joinAll([first, dead(), second]);
  expect(result.code, result.stderr).toBe(1);
  expect(result.stdout.trim().split('\n').toSorted()).toEqual(
    [first, second].map((name) => `${name} has joined the cluster`).toSorted(),
  );
  expect(result.stderr).toContain('KB_SSH_UNREACHABLE');
  expect(result.stderr).toMatch(/KB_PARTIAL +1 of 3 hosts failed/);
  expect(result.stderr).toContain(`done: ${first}, ${second}; failed: ${dead()}`);
  const command = /continue with: (.*)/.exec(result.stderr)?.[1] ?? '';
  expect(command).toContain(`--host root@${dead()} `);
  expect(command).not.toContain(first);
  await eventually('three Ready nodes', 120, async () => {
    const { stdout } = await lab.kubectl(['get', 'nodes', '--no-headers']);
    return stdout.split('\n').filter((line) => /\sReady\s/.test(line)).length === 3;
  });
  together = (performance.now() - start) / 1000;
});

test('both again: nothing to do, and nobody is told of the third', async () => {
  const result = await joinAll([lab.host('node1').address, lab.host('node2').address]);
  expect(result.code, result.stderr).toBe(0);
  expect(result.stderr).not.toContain('KB_');
});

test('one that is silent holds the others no longer than the limit of the run: it is named, and they are done (R31)', async () => {
  const [first, second] = [lab.host('node1').address, lab.host('node2').address];
  const rule = `INPUT -s ${second.replace(/\d+$/, '1')} -p tcp --dport 22 -j DROP`;
  await output(lab, 'node2', `iptables -w -I ${rule}`);
  try {
    const result = await joinAll([first, second], ['--deadline', '8s', '--ssh-timeout', '60']);
    expect(result.code, result.stderr).toBe(1);
    expect(result.seconds).toBeGreaterThan(7);
    // The limit counts from when the program has started.
    expect(result.seconds).toBeLessThan(14);
    expect(result.stderr).toContain('KB_DEADLINE');
    expect(result.stderr).toContain(`done: ${first}; failed: ${second}`);
  } finally {
    await output(lab, 'node2', `iptables -w -D ${rule}`);
  }
});

test('what is one host’s own is refused for several', async () => {
  const result = await kbinit([...joinFlags(wanted), '--host', 'root@a', '--host', 'root@b', '--node-name', 'one'], {
    stdin: wanted.token,
  });
  expect(result.code).toBe(1);
  expect(result.stderr).toContain('a node name is given, and more than one --host is named');
});

describe('a host with the name of a node that there is (R15)', () => {
  const name = 'node2';
  const join = (...more: readonly string[]): Promise<KbinitResult> =>
    kbinit([...joinFlags(wanted), ...over(lab, 'node2'), ...more], { stdin: wanted.token });
  const uid = async (): Promise<string> =>
    (await lab.kubectl(['get', 'node', name, '-o', 'jsonpath={.metadata.uid}'])).stdout;
  const admin = (): readonly string[] => ['--admin-host', `root@${lab.host('master1').address}`];

  /** A node that nobody reports for, as the machine that is gone leaves it; its role is a label. */
  async function deadNode(labels: Readonly<Record<string, string>>): Promise<void> {
    await lab.kubectl(['delete', 'node', name, '--ignore-not-found']);
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { ...labels, old: 'yes' } } };
    const made = await lab.kubectl(['create', '-f', '-'], { stdin: JSON.stringify(node) });
    expect(made.code, made.stderr).toBe(0);
  }

  const untouched = async (): Promise<void> => {
    const files = 'find /etc/kubernetes /var/lib/kbinit -type f 2>/dev/null; true';
    expect(await output(lab, 'node2', files)).toBe('');
  };

  beforeAll(() => lab.recreate('node2'));

  test('is refused where that node is Ready, whatever is asked for, and nothing is written', async () => {
    for (const more of [[], ['--replace', ...admin()]]) {
      const refused = await join('--node-name', 'node1', ...more);
      expect(refused.code, refused.stderr).toBe(1);
      expect(refused.stderr).toMatch(/KB_NODE_NAME_TAKEN +a node named node1 is in the cluster already, and Ready/);
    }
    await untouched();
  });

  test('is refused where that node is a control plane, and its removal is named', async () => {
    await deadNode({ 'node-role.kubernetes.io/control-plane': '' });
    const old = await uid();
    const refused = await join('--replace', ...admin());
    expect(refused.code, refused.stderr).toBe(1);
    expect(refused.stderr).toMatch(/KB_NODE_NAME_TAKEN[\s\S]*kbinit node remove node2/);
    expect(await uid()).toBe(old);
    await untouched();
  });

  test('is refused where that node is not Ready, until --replace deletes it; alone it joins not much faster than in company (R56)', async () => {
    await deadNode({});
    const old = await uid();
    const refused = await join();
    expect(refused.code, refused.stderr).toBe(1);
    expect(refused.stderr).toMatch(/KB_NODE_NAME_TAKEN +a node named node2 is in the cluster already, and not Ready/);
    expect(refused.stderr).toContain('--replace');
    const token = await join('--replace');
    expect(token.stderr).toMatch(/KB_NODE_REPLACE[\s\S]*--admin-host/);
    await untouched();
    expect(await uid()).toBe(old);
    const plan = await join('--replace', ...admin(), '--dry-run');
    expect(plan.code, plan.stderr).toBe(0);
    expect(plan.stdout).toContain('remove Node node2');
    expect(await uid()).toBe(old);
    const start = performance.now();
    const done = await join('--replace', ...admin());
    expect(done.code, done.stderr).toBe(0);
    expect(await uid()).not.toBe(old);
    await eventually('node2 to be Ready', 60, async () =>
      / Ready /.test((await lab.kubectl(['get', 'node', name, '--no-headers'])).stdout),
    );
    expect((await lab.kubectl(['get', 'node', name, '--show-labels'])).stdout).not.toContain('old=yes');
    const alone = (performance.now() - start) / 1000;
    expect(together, `alone ${alone} s`).toBeLessThan(1.5 * alone + 60);
  });

  test('is its own again after a reset, without a word', async () => {
    const reset = await kbinit(['reset', '--force', ...over(lab, 'node2')]);
    expect(reset.code, reset.stderr).toBe(0);
    await unplug(lab, 'node2');
    await eventually('node2 not to be Ready', 90, async () =>
      / NotReady /.test((await lab.kubectl(['get', 'node', name, '--no-headers'])).stdout),
    );
    const again = await join();
    expect(again.code, again.stderr).toBe(0);
  });
});
