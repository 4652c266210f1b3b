// The Pod network that init installs, and a node that joins with the real kubeadm: traffic between hosts, DNS, Services.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
import { askPod, netcheck, readyPods, serviceAddress } from './support/netcheck.ts';

const realKubeadm = '/usr/local/lib/lab/kubeadm';
const nodes = ['master1', 'node1'] as const;

let lab: Lab;
let init: KbinitResult;
let wanted: ReturnType<typeof joinArguments>;

beforeAll(async () => {
  lab = await testLab('network', 31);
  await lab.up([...nodes, 'node2']);
  const config = await clusterConfig();
  init = await kbinit(['init', ...over(lab, 'master1'), '--config', config, '--cni', 'flannel']);
  expect(init.code, init.stderr).toBe(0);
  wanted = joinArguments(init.stdout);
  const join = await kbinit([...joinFlags(wanted), ...over(lab, 'node1')], { stdin: wanted.token });
  expect(join.code, join.stderr).toBe(0);
  const applied = await lab.kubectl(['apply', '-f', '-'], { stdin: netcheck });
  expect(applied.code, applied.stderr).toBe(0);
  await eventually('two netcheck Pods and two of CoreDNS', 90, async () => {
    const ready = async (selector: string): Promise<boolean> => (await readyPods(lab, selector)).length === 2;
    return (await ready('app=netcheck')) && (await ready('k8s-app=kube-dns'));
  });
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

/** What netcheck on a node says to a question of its own. */
async function ask(node: string, ...words: readonly string[]): Promise<string> {
  const pod = (await readyPods(lab, 'app=netcheck')).find((one) => one.node === node);
  if (pod === undefined) throw new Error(`no netcheck Pod on ${node}`);
  return askPod(lab, pod, ...words);
}

describe('a cluster made with --cni flannel', () => {
  test('lets Pods reach each other across hosts, both ways', async () => {
    const all = await readyPods(lab, 'app=netcheck');
    expect(all.map(({ node }) => node).toSorted()).toEqual([...nodes]);
    for (const from of nodes) {
      for (const { name, address } of all) {
        expect(await ask(from, 'get', `http://${address}:8080/`), `${from} to ${name}`).toBe(name);
      }
    }
  });

  test.each(nodes)('resolves a Service by its cluster DNS name on %s', async (node) => {
    const address = await serviceAddress(lab, 'default', 'netcheck');
    expect(await ask(node, 'resolve', 'netcheck.default.svc.cluster.local')).toBe(address);
    expect(await ask(node, 'resolve', 'netcheck')).toBe(address);
    expect(await ask(node, 'resolve', 'kubernetes.default')).toBe(await serviceAddress(lab, 'default', 'kubernetes'));
  });

  test.each(nodes)('carries a Service address to Pods of both hosts from %s', async (node) => {
    const names = (await readyPods(lab, 'app=netcheck')).map(({ name }) => name);
    const address = await serviceAddress(lab, 'default', 'netcheck');
    const seen = new Set<string>();
    for (let tries = 0; tries < 40 && seen.size < names.length; tries++) {
      seen.add(await ask(node, 'get', `http://${address}/`));
    }
    expect([...seen].toSorted()).toEqual(names.toSorted());
  });

  test('is left alone by a second `addon apply flannel`', async () => {
    const versions = [
      'get',
      'daemonset,configmap,serviceaccount',
      '-n',
      'kube-flannel',
      '-o',
      'jsonpath={.items[*].metadata.resourceVersion}',
    ];
    const before = (await lab.kubectl(versions)).stdout;
    const again = await kbinit(['addon', 'apply', 'flannel', ...over(lab, 'master1')]);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toMatch(/addon flannel\s+unchanged/);
    expect(again.stderr.trimEnd().split('\n').at(-1)).toMatch(/^no changes/);
    expect((await lab.kubectl(versions)).stdout).toBe(before);
  });
});

describe('the real kubeadm', () => {
  test('joins a node to the cluster, which becomes Ready', async () => {
    const { endpoint, token, hash } = wanted;
    const flags = `--token ${token} --discovery-token-ca-cert-hash ${hash}`;
    const command = `${realKubeadm} join ${endpoint} ${flags} --ignore-preflight-errors=SystemVerification`;
    const { code, stdout, stderr } = await lab.exec('node2', command, { timeoutSeconds: 120 });
    expect(code, `${stdout}${stderr}`).toBe(0);
    expect(stdout).toContain('This node has joined the cluster');
    await eventually('node2 to be Ready', 60, async () =>
      / Ready /.test((await lab.kubectl(['get', 'node', 'node2', '--no-headers'])).stdout),
    );
  });

  test('finds every certificate that kbinit made, none of them external or missing', async () => {
    const { code, stdout, stderr } = await lab.exec('master1', `${realKubeadm} certs check-expiration`);
    expect(code, stderr).toBe(0);
    expect(stdout + stderr).not.toMatch(/MISSING|falling back/i);
    const rows = stdout.split('\n').filter((line) => / \d+[dy] /.test(line));
    expect(rows.map((row) => row.split(' ')[0])).toEqual(
      `admin.conf apiserver apiserver-etcd-client apiserver-kubelet-client controller-manager.conf
      etcd-healthcheck-client etcd-peer etcd-server front-proxy-client scheduler.conf super-admin.conf
      ca etcd-ca front-proxy-ca`.split(/\s+/),
    );
  });

  test('lists the token that kbinit made with the uses and the group of its own', async () => {
    const { code, stdout, stderr } = await lab.exec(
      'master1',
      `${realKubeadm} token list --kubeconfig /etc/kubernetes/admin.conf`,
    );
    expect(code, stderr).toBe(0);
    const row = stdout.split('\n').find((line) => line.startsWith(wanted.token));
    expect(row).toMatch(/23h .*authentication,signing .*system:bootstrappers:kubeadm:default-node-token/);
  });
});
