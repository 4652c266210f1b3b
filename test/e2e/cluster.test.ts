// A cluster of two hosts over SSH: made, looked at, made again without a change, and judged by kubeadm's own suite.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { binaries, versions, type Lab } from '../lab/lab.ts';
import {
  addTotals,
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
let config: string;
let init: KbinitResult;
let signedByInit: string;
let join: KbinitResult;

/** Files whose change would be a change of the host: everything but what runs by itself. */
const hashFiles = `cd / && find etc var/lib/kbinit var/lib/kubelet/config.yaml var/lib/kubelet/*.env var/lib/kubelet/instance-config.yaml \
  -xdev -type f -printf '%p %m %i %T@ ' -exec sha256sum {} \\; 2>/dev/null | sort`;

/** Names and versions of every object that init manages. */
const managed = [
  'get',
  'configmaps,secrets,roles,rolebindings,serviceaccounts,services,deployments,daemonsets',
  '--all-namespaces',
  '-o',
  'jsonpath={range .items[*]}{.kind}/{.metadata.name}={.metadata.generation}/{.metadata.uid}{"\\n"}{end}',
];

beforeAll(async () => {
  lab = await testLab('cluster', 11);
  await lab.up(['master1', 'node1']);
  await lab.recreate(['master1', 'node1']);
  config = await clusterConfig();
  init = await kbinit(['init', ...over(lab, 'master1'), '--config', config, '--cni', 'flannel', '--upload-certs']);
  expect(init.stderr + init.stdout).toContain('initialized successfully');
  signedByInit = await clusterInfo();
  const wanted = joinArguments(init.stdout);
  join = await kbinit([...joinFlags(wanted), ...over(lab, 'node1')], { stdin: wanted.token });
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

/** What a node with a token reads: the cluster's kubeconfig and its signatures. */
async function clusterInfo(): Promise<string> {
  return (await lab.kubectl(['--namespace=kube-public', 'get', 'cm', 'cluster-info', '-o', 'jsonpath={.data}'])).stdout;
}

describe('init and join over SSH', () => {
  test('init ends with exit code 0', () => expect(init.code).toBe(0));

  test('join ends with exit code 0', () => expect(join.code, join.stderr).toBe(0));

  test('both nodes become Ready', async () => {
    await eventually('two Ready nodes', 60, async () => {
      const { stdout } = await lab.kubectl(['get', 'nodes', '--no-headers']);
      return stdout.match(/ Ready /g)?.length === 2;
    });
  });

  test('init has signed cluster-info as the controller manager does', async () => {
    expect(signedByInit).toContain('jws-kubeconfig-');
    // By now the controller manager has looked at it.
    expect(await clusterInfo()).toBe(signedByInit);
  });

  test(`the API server and the kubelets are those of ${versions.kubernetes}`, async () => {
    const server = await lab.kubectl(['get', '--raw', '/version']);
    expect(server.stdout).toContain(`"gitVersion": "v${versions.kubernetes}"`);
    const kubelets = await lab.kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].status.nodeInfo.kubeletVersion}']);
    expect(kubelets.stdout).toBe(`v${versions.kubernetes} v${versions.kubernetes}`);
  });

  test('every Pod of the system runs', async () => {
    await eventually('all Pods Running', 90, async () => {
      const { stdout } = await lab.kubectl(['get', 'pods', '--all-namespaces', '--no-headers']);
      const lines = stdout.trim().split('\n');
      return lines.length >= 9 && lines.every((line) => /\s(\d+)\/\1\s+Running\s/.test(line));
    });
  });

  test("kubeadm's own suite for a live cluster passes", async () => {
    await lab.copyTo('master1', binaries.e2eKubeadm, '/usr/local/bin/e2e_kubeadm.test', 0o755);
    const { stdout, stderr } = await lab.exec(
      'master1',
      'cd /tmp && /usr/local/bin/e2e_kubeadm.test --kubeconfig=/etc/kubernetes/admin.conf --ginkgo.no-color 2>&1',
      { timeoutSeconds: 120 },
    );
    const totals = /(\d+) Passed \| (\d+) Failed \| (\d+) Pending \| (\d+) Skipped/.exec(stdout);
    const [passed, failed, , skipped] = (totals ?? []).slice(1).map(Number);
    await addTotals({
      name: 'e2e_kubeadm',
      passed: passed ?? 0,
      failed: failed ?? 1,
      skipped: skipped ?? 0,
      reason: "the suite's own: it skips its check of kube-proxy's networking for dual stack",
    });
    expect({ passed, failed, skipped }, stdout.slice(-4000) + stderr).toEqual({ passed: 35, failed: 0, skipped: 1 });
  });

  test('a second init changes nothing and says so', async () => {
    const before = await lab.exec('master1', hashFiles);
    const objects = await lab.kubectl(managed);
    const again = await kbinit([
      'init',
      ...over(lab, 'master1'),
      '--config',
      config,
      '--cni',
      'flannel',
      '--upload-certs',
    ]);
    expect(again.code, again.stderr).toBe(0);
    expect((await lab.exec('master1', hashFiles)).stdout).toBe(before.stdout);
    expect((await lab.kubectl(managed)).stdout).toBe(objects.stdout);
    expect(joinArguments(again.stdout)).toEqual(joinArguments(init.stdout));
    expect(again.stderr).toContain('unchanged');
  });

  test('a further init keeps what an administrator edited, and puts back what is missing (R58)', async () => {
    const corefile = '.:53 {\n    forward . 192.0.2.53\n    # of the administrator\n}\n';
    const edits: readonly (readonly string[])[] = [
      ['patch', 'configmap', 'coredns', '--patch', JSON.stringify({ data: { Corefile: corefile } })],
      ['scale', 'deployment', 'coredns', '--replicas=3'],
      ['delete', 'configmap', 'kube-proxy'],
    ];
    for (const edit of edits) {
      const { code, stderr } = await lab.kubectl(['--namespace=kube-system', ...edit]);
      expect(code, stderr).toBe(0);
    }
    const again = await kbinit(['init', ...over(lab, 'master1'), '--config', config, '--cni', 'flannel']);
    expect(again.code, again.stderr).toBe(0);
    const read = async (what: readonly string[], path: string): Promise<string> =>
      (await lab.kubectl(['--namespace=kube-system', 'get', ...what, '-o', `jsonpath=${path}`])).stdout;
    expect(await read(['configmap', 'coredns'], '{.data.Corefile}')).toBe(corefile);
    expect(await read(['deployment', 'coredns'], '{.spec.replicas}')).toBe('3');
    expect(await read(['configmap', 'kube-proxy'], '{.data.config\\.conf}')).toContain('kind: KubeProxyConfiguration');
  });
});

describe('a cluster that runs is closed (R70)', () => {
  /** What a worker is answered: an HTTP status, 000 where no connection or no handshake came about. */
  const answerTo = async (url: string): Promise<string> =>
    (await lab.exec('node1', `curl -sk -m 5 -o /dev/null -w '%{http_code}' ${url}; true`)).stdout;
  const asNode1 = (words: string): Promise<{ readonly code: number; readonly stderr: string }> =>
    lab.exec('node1', `kubectl --kubeconfig /etc/kubernetes/kubelet.conf ${words}`);

  test('a kubelet answers nobody without credentials, and has no open read-only port', async () => {
    for (const host of ['master1', 'node1']) {
      const { address } = lab.host(host);
      expect(await answerTo(`https://${address}:10250/pods`), host).toBe('401');
      expect(await answerTo(`http://${address}:10255/pods`), host).toBe('000');
    }
  });

  test('etcd refuses who has no certificate; scheduler and controller manager listen on loopback alone', async () => {
    const { address } = lab.host('master1');
    expect(await answerTo(`https://${address}:2379/health`)).toBe('000');
    expect(await answerTo(`https://${address}:10257/healthz`)).toBe('000');
    expect(await answerTo(`https://${address}:10259/healthz`)).toBe('000');
  });

  test('the API server tells nobody without credentials about Secrets', async () => {
    const { address } = lab.host('master1');
    expect(await answerTo(`https://${address}:6443/api/v1/secrets`)).toBe('403');
  });

  test('a worker changes no other node, and reads no Secret that is not of its Pods', async () => {
    expect((await asNode1('label node node1 kbinit.io/test=own')).stderr).not.toContain('forbidden');
    const label = await asNode1('label node master1 kbinit.io/test=foreign');
    expect({ code: label.code, isForbidden: label.stderr.includes('forbidden') }).toEqual({
      code: 1,
      isForbidden: true,
    });
    const secret = await asNode1('--namespace kube-system get secret kubeadm-certs');
    expect({ code: secret.code, isForbidden: secret.stderr.includes('orbidden') }).toEqual({
      code: 1,
      isForbidden: true,
    });
  });
});
