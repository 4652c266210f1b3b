// An older Kubernetes on real hosts (issue 4): looked at, made, grown with kbinit and with stock kubeadm of its version, and
// undone. Only with KBINIT_LAB_KUBERNETES (`npm test -- --older 1.35.4`); otherwise this file is no part of the suite.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { versions, type Lab } from '../lab/lab.ts';
import { changedPaths, everyFile, output } from './observe.ts';
import { etcdMembers } from './support/control-planes.ts';
import { clusterConfig, eventually, joinArguments, joinFlags, kbinit, over, testLab } from './support.ts';
import { unplug } from './support/host.ts';

/** What joins whom: a control plane and a worker by kbinit, a worker by kubeadm. */
const everyHost = ['master1', 'master2', 'node1', 'node2'];
const version = `v${versions.kubernetes}`;
const kubeadm = '/usr/local/lib/lab/kubeadm';
/** What kubeadm says on a host with cgroup v1, and the configuration of the lab's clusters allows. */
const ignored = '--ignore-preflight-errors=SystemVerification';

let lab: Lab;
let config: string;
let made = '';

beforeAll(async () => {
  lab = await testLab('older', 58);
  await lab.up(everyHost);
  await lab.recreate(everyHost);
  config = await clusterConfig({ cluster: `controlPlaneEndpoint: ${lab.host('master1').address}:6443\n` });
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

/** It has to end well; what it printed. */
async function succeed(host: string, args: readonly string[], stdin = ''): Promise<string> {
  const { code, stdout, stderr } = await kbinit([...args, ...over(lab, host)], { stdin });
  expect(code, `${host}: kbinit ${args.join(' ')}\n${stderr.slice(-4000)}`).toBe(0);
  return stdout;
}

async function allReady(names: readonly string[]): Promise<void> {
  await eventually(`Ready nodes ${names.join(', ')} and every Pod Running`, 150, async () => {
    const nodes = await lab.kubectl(['get', 'nodes', '--no-headers']);
    const ready = nodes.stdout.split('\n').flatMap((line) => (/^(\S+)\s+Ready\s/.exec(line) ?? []).slice(1));
    const pods = await lab.kubectl(['get', 'pods', '-A', '--no-headers']);
    const areRunning = pods.stdout
      .trim()
      .split('\n')
      .every((line) => /\s(\d+)\/\1\s+Running\s/.test(line));
    return areRunning && ready.toSorted().join() === names.toSorted().join();
  });
}

describe(`a cluster of Kubernetes ${version}`, () => {
  test('is told by a dry run that changes nothing', async () => {
    // Without a configuration the kubelet restarts for ever; at rest it shows whoever touches it.
    await output(lab, 'master1', 'systemctl stop kubelet');
    const before = await everyFile(lab, 'master1');
    const flags = [
      'init',
      '--config',
      config,
      '--cni',
      'flannel',
      '--upload-certs',
      '--dry-run',
      ...over(lab, 'master1'),
    ];
    const { code, stdout, stderr } = await kbinit(flags);
    expect(code, stderr.slice(-4000)).toBe(0);
    expect(stdout).toContain(`registry.k8s.io/kube-apiserver:${version}`);
    expect(changedPaths(before, await everyFile(lab, 'master1'))).toEqual([]);
  });

  test('is made by init, with the control plane and the kubelet of that version', async () => {
    made = await succeed('master1', ['init', '--config', config, '--cni', 'flannel', '--upload-certs']);
    await allReady(['master1']);
    expect((await lab.kubectl(['get', '--raw', '/version'])).stdout).toContain(`"gitVersion": "${version}"`);
    const kubelet = await lab.kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].status.nodeInfo.kubeletVersion}']);
    expect(kubelet.stdout).toBe(version);
  });

  test('takes a worker, a control plane, and a worker that stock kubeadm joins', async () => {
    const wanted = joinArguments(made);
    const key = /--certificate-key ([0-9a-f]{64})/.exec(made)?.[1] ?? '';
    await succeed('node1', joinFlags(wanted), wanted.token);
    await succeed('master2', [...joinFlags(wanted), '--control-plane', '--certificate-key', key], wanted.token);
    const words = `${wanted.endpoint} --token ${wanted.token} --discovery-token-ca-cert-hash ${wanted.hash} ${ignored}`;
    await output(lab, 'node2', `${kubeadm} join ${words} 2>&1`, 180);
    await allReady(everyHost);
    expect((await etcdMembers(lab)).map(({ name, isLearner }) => [name, isLearner])).toEqual([
      ['master1', false],
      ['master2', false],
    ]);
  });

  test('is in order for kubeadm of its version', async () => {
    const asked = `export KUBECONFIG=/etc/kubernetes/admin.conf; ${kubeadm}`;
    const certificates = await output(lab, 'master1', `${asked} certs check-expiration`);
    expect(certificates).not.toMatch(/invalid|MISSING/i);
    expect(certificates.match(/^\S+ +\w+ \d+, \d+ .* no *$/gm)?.length).toBe(11 + 3);
    // kubeadm judges kubeadm-config, the component configs and the nodes before it plans anything.
    const plan = await output(
      lab,
      'master1',
      `${asked} upgrade plan ${version.replace(/\d+$/, '99')} ${ignored} 2>&1`,
      120,
    );
    expect(plan).toMatch(new RegExp(`kube-apiserver\\s+master1\\s+${version.replaceAll('.', String.raw`\.`)}\\s`));
  });

  test('is left as it is by a second init and a second join', async () => {
    const wanted = joinArguments(made);
    const again = [
      await kbinit(['init', '--config', config, '--cni', 'flannel', '--upload-certs', ...over(lab, 'master1')]),
      await kbinit([...joinFlags(wanted), '--control-plane', ...over(lab, 'master2')], { stdin: wanted.token }),
      await kbinit([...joinFlags(wanted), ...over(lab, 'node1')], { stdin: wanted.token }),
    ];
    for (const { code, stderr } of again) {
      expect(code, stderr).toBe(0);
      expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^no changes/);
    }
  });

  test('is undone by reset, host by host, and its etcd is left in order', async () => {
    await succeed('node1', ['reset', '--force']);
    await succeed('master2', ['reset', '--force']);
    expect((await etcdMembers(lab)).map(({ name }) => name)).toEqual(['master1']);
    await succeed('master1', ['reset', '--force']);
    const left = `find /etc/kubernetes /var/lib/kubelet /var/lib/etcd /var/lib/kbinit -mindepth 1 ! -type d 2>/dev/null; crictl pods -q`;
    for (const host of ['master1', 'master2', 'node1']) expect(await output(lab, host, left), host).toBe('');
  });

  test('is made again on the host that was reset', async () => {
    await unplug(lab, 'master1');
    await succeed('master1', ['init', '--config', config, '--cni', 'flannel']);
    await allReady(['master1']);
  });
});
