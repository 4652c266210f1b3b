// The cluster of seven hosts, by kbinit alone: a load balancer, three control planes, three workers, a Pod network; then
// a control plane is lost, taken out of the cluster, and replaced.
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

const masters = ['master1', 'master2', 'master3'] as const;
const workers = ['node1', 'node2', 'node3'] as const;
const nodes = [...masters, ...workers];

let lab: Lab;

beforeAll(async () => {
  lab = await testLab('seven', 51);
  await lab.up([...nodes, 'lb']);
  await lab.recreate([...nodes, 'lb']);
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

/** kbinit on a host; it has to end well. */
async function on(host: string, args: readonly string[], stdin = ''): Promise<KbinitResult> {
  const result = await kbinit([...args, ...over(lab, host)], { stdin });
  expect(result.code, `${host}: ${args.join(' ')}\n${result.stderr}`).toBe(0);
  return result;
}

async function allReady(names: readonly string[], host: string, seconds = 120): Promise<void> {
  await eventually(`${names.length} Ready nodes and every Pod Running`, seconds, async () => {
    const { stdout } = await lab.kubectl(['get', 'nodes', '--no-headers'], { host });
    const ready = stdout.split('\n').flatMap((line) => (/^(\S+)\s+Ready\s/.exec(line) ?? []).slice(1));
    const pods = await lab.kubectl(['get', 'pods', '-A', '--no-headers'], { host });
    const areRunning = pods.stdout
      .trim()
      .split('\n')
      .every((line) => /\s(\d+)\/\1\s+Running\s/.test(line));
    return areRunning && ready.toSorted().join(' ') === names.toSorted().join(' ');
  });
}

/** Names of etcd's voting members, as kbinit shows them. */
async function voters(host: string): Promise<readonly string[]> {
  const { stdout } = await on(host, ['etcd', 'members', '-o', 'json']);
  const members: readonly { name: string; isLearner?: boolean }[] = JSON.parse(stdout).members;
  return members.flatMap(({ name, isLearner }) => (isLearner === true ? [] : [name])).toSorted();
}

let wanted: ReturnType<typeof joinArguments>;
let certificateKey: string;

function controlPlaneFlags(key: string): readonly string[] {
  return [...joinFlags(wanted), '--control-plane', '--certificate-key', key];
}

test('a load balancer and the first control plane come up', async () => {
  const backends = masters.flatMap((name) => ['--backend', `${name}=${lab.host(name).address}`]);
  await on('lb', ['lb', 'apply', ...backends]);
  const config = await clusterConfig({ cluster: `controlPlaneEndpoint: ${lab.host('lb').address}:6443` });
  const init = await on('master1', ['init', '--config', config, '--upload-certs', '--cni', 'flannel']);
  wanted = joinArguments(init.stdout);
  certificateKey = /--certificate-key ([0-9a-f]{64})/.exec(init.stdout)?.[1] ?? '';
  expect(wanted.endpoint).toBe(`${lab.host('lb').address}:6443`);
});

test('two control planes and three workers join at once', async () => {
  await Promise.all([
    ...masters.slice(1).map((name) => on(name, controlPlaneFlags(certificateKey), wanted.token)),
    ...workers.map((name) => on(name, joinFlags(wanted), wanted.token)),
  ]);
  await allReady(nodes, 'master1');
  expect(await voters('master2')).toEqual([...masters]);
});

test('with the first control plane switched off, the API is writable through the load balancer within 30 s', async () => {
  await lab.stop('master1', 'power cut');
  const since = performance.now();
  await eventually('a write through the load balancer', 60, async () => {
    const write = 'kubectl --request-timeout 3s create configmap written-without-master1';
    const { code } = await lab.exec('master2', `KUBECONFIG=/etc/kubernetes/admin.conf ${write}`);
    return code === 0;
  });
  expect((performance.now() - since) / 1000).toBeLessThan(30);
});

test('the lost control plane is removed, and a fresh one joins in its place', async () => {
  await on('master2', ['node', 'remove', 'master1', '--yes']);
  expect(await voters('master2')).toEqual(masters.slice(1));
  await lab.start('master1');
  await lab.recreate('master1');
  const { stdout } = await on('master2', ['init', 'phase', 'upload-certs', '--upload-certs']);
  certificateKey = /^[0-9a-f]{64}$/m.exec(stdout)?.[0] ?? '';
  await on('master1', controlPlaneFlags(certificateKey), wanted.token);
  expect(await voters('master1')).toEqual([...masters]);
  await allReady(nodes, 'master1');
});

test('after a power cut of all hosts at once, every node and Pod is back within five minutes (R52)', async () => {
  const hosts = [...nodes, 'lb'];
  await Promise.all(hosts.map((name) => lab.stop(name, 'power cut')));
  const cut = new Date().toISOString();
  await Promise.all(hosts.map((name) => lab.start(name)));
  await eventually(
    'a ready API server',
    60,
    async () => (await lab.kubectl(['get', '--raw', '/readyz'])).stdout === 'ok',
  );
  // What the API says of nodes and Pods is of before the cut, until each kubelet has renewed its Lease.
  await eventually('a heartbeat of every kubelet', 240, async () => {
    const times = '{range .items[*]}{.spec.renewTime}{"\\n"}{end}';
    const { stdout } = await lab.kubectl(['--namespace=kube-node-lease', 'get', 'leases', '-o', `jsonpath=${times}`]);
    const renewed = stdout.trim().split('\n');
    return renewed.length === nodes.length && renewed.every((time) => time > cut);
  });
  await allReady(nodes, 'master1', 240);
  expect(await voters('master3')).toEqual([...masters]);
  const { code, stderr } = await lab.kubectl(['create', 'configmap', 'written-after-the-power-cut']);
  expect(code, stderr).toBe(0);
});
