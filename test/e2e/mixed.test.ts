// kbinit and kubeadm in one cluster, both ways round: nodes of one join what the other made, and kubeadm's own commands
// find a kbinit cluster in order.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../lab/lab.ts';
import { clusterConfig, eventually, joinArguments, joinFlags, kbinit, over, testLab } from './support.ts';

const kubeadm = '/usr/local/lib/lab/kubeadm';
/** What every kubeadm 1.36 says on a host with cgroup v1, and the configuration of the lab's clusters allows. */
const ignored = '--ignore-preflight-errors=SystemVerification';

/** Hosts of each cluster: the control plane that makes it, and what joins it with the other tool. */
const kbinitMade = { first: 'master1', controlPlane: 'master2', worker: 'node1' } as const;
const kubeadmMade = { first: 'master3', controlPlane: 'node2', worker: 'node3' } as const;
const everyHost = [kbinitMade, kubeadmMade].flatMap((cluster) => Object.values(cluster));

let lab: Lab;

beforeAll(async () => {
  lab = await testLab('mixed', 52);
  await lab.up(everyHost);
  await lab.recreate(everyHost);
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

/** kbinit over SSH; it has to end well. */
async function byKbinit(host: string, args: readonly string[], stdin = ''): Promise<string> {
  const { code, stdout, stderr } = await kbinit([...args, ...over(lab, host)], { stdin });
  expect(code, `${host}: kbinit ${args.join(' ')}\n${stderr}`).toBe(0);
  return stdout;
}

/** kubeadm on the host itself; it has to end well. */
async function byKubeadm(host: string, words: string): Promise<string> {
  const command = `KUBECONFIG=/etc/kubernetes/admin.conf ${kubeadm} ${words}`;
  const { code, stdout, stderr } = await lab.exec(host, command, { timeoutSeconds: 240 });
  expect(code, `${host}: kubeadm ${words}\n${stdout}\n${stderr}`).toBe(0);
  return stdout;
}

function configOf(host: string): Promise<string> {
  return clusterConfig({ cluster: `controlPlaneEndpoint: ${lab.host(host).address}:6443` });
}

function certificateKeyIn(output: string): string {
  return /--certificate-key ([0-9a-f]{64})/.exec(output)?.[1] ?? '';
}

async function allReady({ first, ...others }: typeof kbinitMade | typeof kubeadmMade): Promise<void> {
  await eventually('three Ready nodes and every Pod Running', 180, async () => {
    const nodes = await lab.kubectl(['get', 'nodes', '--no-headers'], { host: first });
    const ready = nodes.stdout.split('\n').flatMap((line) => (/^(\S+)\s+Ready\s/.exec(line) ?? []).slice(1));
    const pods = await lab.kubectl(['get', 'pods', '-A', '--no-headers'], { host: first });
    const areRunning = pods.stdout
      .trim()
      .split('\n')
      .every((line) => /\s(\d+)\/\1\s+Running\s/.test(line));
    return areRunning && ready.toSorted().join(' ') === [first, ...Object.values(others)].toSorted().join(' ');
  });
}

describe('a cluster that kbinit made', () => {
  const { first, controlPlane, worker } = kbinitMade;

  test('takes a control plane and a worker that stock kubeadm joins', async () => {
    const config = await configOf(first);
    const made = await byKbinit(first, ['init', '--config', config, '--upload-certs', '--cni', 'flannel']);
    const { endpoint, token, hash } = joinArguments(made);
    const join = `join ${endpoint} --token ${token} --discovery-token-ca-cert-hash ${hash} ${ignored}`;
    await byKubeadm(controlPlane, `${join} --control-plane --certificate-key ${certificateKeyIn(made)}`);
    await byKubeadm(worker, join);
    await allReady(kbinitMade);
  });

  test('is in order for kubeadm: tokens, certificates and the plan of an upgrade', async () => {
    expect(await byKubeadm(first, 'token list')).toContain('system:bootstrappers:kubeadm:default-node-token');
    const certificates = await byKubeadm(first, 'certs check-expiration');
    expect(certificates).not.toMatch(/invalid|MISSING/i);
    expect(certificates.match(/^\S+ +\w+ \d+, \d+ .* no *$/gm)?.length).toBe(11 + 3);
    const plan = await byKubeadm(first, `upgrade plan v1.36.9 ${ignored}`);
    expect(plan).toContain('kubeadm upgrade apply v1.36.9');
    expect(plan).toMatch(/kube-apiserver\s+master1\s+v1\.36\.3\s+v1\.36\.9/);
  });
});

describe('a cluster that kubeadm made', () => {
  const { first, controlPlane, worker } = kubeadmMade;

  test('takes a Pod network, a control plane and a worker by kbinit', async () => {
    await lab.copyTo(first, await configOf(first), '/root/config.yaml');
    const made = await byKubeadm(first, `init --config /root/config.yaml --upload-certs ${ignored}`);
    await byKbinit(first, ['addon', 'apply', 'flannel']);
    const wanted = joinArguments(made.replaceAll('kubeadm join', 'kbinit join'));
    const controlPlaneFlags = [...joinFlags(wanted), '--control-plane', '--certificate-key', certificateKeyIn(made)];
    await byKbinit(controlPlane, controlPlaneFlags, wanted.token);
    await byKbinit(worker, joinFlags(wanted), wanted.token);
    await allReady(kubeadmMade);
  });

  test('a second join of each changes nothing', async () => {
    const token = (await byKubeadm(first, 'token create')).trim();
    const { stdout } = await lab.exec(first, `${kubeadm} token create --print-join-command`);
    const wanted = {
      ...joinArguments(stdout.replace('kubeadm join', 'kbinit join').replace('--disc', '\\\n\t--disc')),
      token,
    };
    for (const [host, more] of [
      [controlPlane, ['--control-plane']],
      [worker, []],
    ] as const) {
      const result = await kbinit([...joinFlags(wanted), ...more, ...over(lab, host)], { stdin: token });
      expect(result.code, result.stderr).toBe(0);
      expect(result.stderr.trimEnd().split('\n').at(-1)).toMatch(/^no changes/);
    }
  });
});
