// Control planes and workers that leave: by reset, by `node remove`, with their hosts gone, and not when etcd would lose
// its quorum (R46). One of the members was joined by the real kubeadm.
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
let certificateKey: string;

const masters = ['master1', 'master2', 'master3'] as const;
const pki = '/etc/kubernetes/pki/etcd';
const etcdctl = `/usr/local/lib/lab/etcdctl --endpoints=https://127.0.0.1:2379 --cacert=${pki}/ca.crt --cert=${pki}/server.crt --key=${pki}/server.key`;

const reset = (host: string, ...flags: readonly string[]): Promise<KbinitResult> =>
  kbinit(['reset', ...over(lab, host), '--force', ...flags]);
const remove = (node: string, through: string, ...flags: readonly string[]): Promise<KbinitResult> =>
  kbinit(['node', 'remove', node, ...over(lab, through), ...flags]);

/** Names and ids as the etcd of a host lists them. */
async function members(host = 'master1'): Promise<ReadonlyMap<string, string>> {
  const jsonpath = `-o=jsonpath={range .members[*]}{.name}={.id}{"\\n"}{end}`;
  const { code, stdout, stderr } = await kbinit(['etcd', 'members', ...over(lab, host), jsonpath]);
  expect(code, stderr).toBe(0);
  const rows = stdout.trim().split('\n');
  return new Map(rows.map((row): [string, string] => [row.split('=')[0] ?? '', row.split('=')[1] ?? '']));
}

async function nodeNames(): Promise<readonly string[]> {
  const { stdout } = await lab.kubectl(['get', 'nodes', '-o', 'name']);
  return stdout.trim().replaceAll('node/', '').split('\n');
}

/** Write through the load balancer. */
async function expectWritable(): Promise<void> {
  await eventually('the API to be written through the load balancer', 40, async () => {
    const server = `--server=https://${lab.host('lb').address}:6443`;
    const { code } = await lab.kubectl(['annotate', 'ns', 'default', `at=${Date.now()}`, '--overwrite', server]);
    return code === 0;
  });
}

/** The same file, and not a new one in its place. */
const dataOf = (host: string): Promise<string> => output(lab, host, 'stat -c "%i %W" /var/lib/etcd/member/snap/db');

async function joinControlPlane(host: string): Promise<void> {
  const flags = ['--control-plane', '--certificate-key', certificateKey, ...over(lab, host)];
  const joined = await kbinit([...joinFlags(wanted), ...flags], { stdin: wanted.token });
  expect(joined.code, joined.stderr).toBe(0);
}

/** A Deployment that can run everywhere, of which one Pod must stay up. */
const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      tolerations: [{key: node-role.kubernetes.io/control-plane, effect: NoSchedule}]
      affinity:
        nodeAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 100
              preference: {matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node1]}]}
      terminationGracePeriodSeconds: 1
      containers: [{name: pause, image: "registry.k8s.io/pause:3.10.2"}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
`;

beforeAll(async () => {
  lab = await testLab('rm', 55);
  await lab.up([...masters, 'node1', 'lb']);
  await lab.recreate([...masters, 'node1', 'lb']);
  const endpoint = `${lab.host('lb').address}:6443`;
  const backends = masters.flatMap((name) => ['--backend', `${name}=${lab.host(name).address}`]);
  const balanced = await kbinit(['lb', 'apply', ...over(lab, 'lb'), ...backends]);
  expect(balanced.code, balanced.stderr).toBe(0);
  const config = await clusterConfig({ cluster: `controlPlaneEndpoint: ${endpoint}\n` });
  const flags = ['--config', config, '--cni', 'flannel', '--upload-certs'];
  const init = await kbinit(['init', ...over(lab, 'master1'), ...flags]);
  expect(init.code, init.stderr).toBe(0);
  wanted = joinArguments(init.stdout);
  certificateKey = /--certificate-key ([0-9a-f]{64})/.exec(init.stdout)?.[1] ?? '';
  await output(
    lab,
    'master2',
    `/usr/local/lib/lab/kubeadm join ${endpoint} --token ${wanted.token} --discovery-token-ca-cert-hash ${wanted.hash} \
      --control-plane --certificate-key ${certificateKey} --ignore-preflight-errors=SystemVerification`,
    180,
  );
  await joinControlPlane('master3');
  const worker = await kbinit([...joinFlags(wanted), ...over(lab, 'node1')], { stdin: wanted.token });
  expect(worker.code, worker.stderr).toBe(0);
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

describe('etcd members and status', () => {
  test("print the members as etcdctl does, also through kubeadm's control plane", async () => {
    const theirs = await output(lab, 'master1', `${etcdctl} member list -w table`);
    for (const host of ['master1', 'master2']) {
      const ours = await kbinit(['etcd', 'members', ...over(lab, host), '-o', 'table']);
      expect(ours.stdout).toBe(theirs);
    }
  });

  test('say that all are well', async () => {
    const { code, stdout, stderr } = await kbinit(['etcd', 'status', ...over(lab, 'master3')]);
    expect(code, stderr).toBe(0);
    expect(stdout.match(/:2379 \|/g)).toHaveLength(3);
    expect(stdout).toContain('| IS LEADER | IS LEARNER |');
  });

  test('say on a worker that there is nothing to see', async () => {
    const { code, stderr } = await kbinit(['etcd', 'status', ...over(lab, 'node1')]);
    expect(code).toBe(1);
    expect(stderr).toContain('KB_ETCD_NOT_HERE');
  });
});

/** On master3, where nobody will be left to end it. */
const pinned = `
apiVersion: v1
kind: Pod
metadata: {name: pinned}
spec:
  nodeName: master3
  tolerations: [{operator: Exists}]
  containers: [{name: pause, image: "registry.k8s.io/pause:3.10.2"}]
`;

describe('node remove of a worker', () => {
  beforeAll(async () => {
    const { code, stderr } = await lab.kubectl(['apply', '-f', '-'], { stdin: web });
    expect(code, stderr).toBe(0);
    await eventually('both Pods of web to run on node1', 60, async () => {
      const { stdout } = await lab.kubectl(['get', 'pods', '-l', 'app=web', '-o', 'wide', '--no-headers']);
      return stdout.match(/ Running .* node1 /g)?.length === 2;
    });
  });

  test('in a dry run says what it would do and does nothing', async () => {
    const planned = await remove('node1', 'master1', '--dry-run');
    expect(planned.code, planned.stderr).toBe(0);
    expect(planned.stdout.match(/evict Pod default\/web-/g)).toHaveLength(2);
    expect(planned.stdout).toContain('remove Node node1');
    const { stdout } = await lab.kubectl(['get', 'node', 'node1', '-o', 'jsonpath={.spec.unschedulable}']);
    expect(stdout).toBe('');
  });

  test('of a name that nothing has fails with the names there are', async () => {
    const removed = await remove('nosuch', 'master1', '--yes');
    expect(removed.code).toBe(1);
    expect(removed.stderr).toMatch(/KB_NODE_UNKNOWN[\s\S]*nodes: .*node1/);
  });

  test('without a yes changes nothing', async () => {
    const asked = await kbinit(['node', 'remove', 'node1', ...over(lab, 'master1')], { stdin: 'n\n' });
    expect(asked.code).toBe(1);
    expect(asked.stderr).toContain('KB_NOT_CONFIRMED');
    expect(await nodeNames()).toContain('node1');
  });

  test('moves its Pods as their budget allows, and deletes the Node', async () => {
    const gone = await remove('node1', 'master2', '--yes', '--timeout', '90s');
    expect(gone.code, gone.stderr).toBe(0);
    expect(await nodeNames()).not.toContain('node1');
    expect(gone.stdout).toContain(`kbinit reset --host root@${lab.host('node1').address}`);
    await eventually('web to run elsewhere', 60, async () => {
      const { stdout } = await lab.kubectl(['get', 'deployment', 'web', '-o', 'jsonpath={.status.readyReplicas}']);
      return stdout === '2';
    });
  });

  afterAll(async () => {
    // A Pod of it on a host that is reset would only be given up a minute later.
    await lab.kubectl(['delete', 'deployment,pdb', 'web', '--wait=false']);
  });

  test('run again says that there is no such node any more, and changes nothing', async () => {
    const again = await remove('node1', 'master1', '--yes');
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/KB_NODE_UNKNOWN[\s\S]*nodes: master1/);
  });

  test('leaves a host that reset can clean', async () => {
    expect((await reset('node1')).code).toBe(0);
  });
});

describe('reset of one of three control planes', () => {
  test('takes its member out of etcd, and the cluster can be written all the same', async () => {
    const left = await reset('master3');
    expect(left.code, left.stderr).toBe(0);
    expect([...(await members()).keys()].toSorted()).toEqual(['master1', 'master2']);
    expect(await output(lab, 'master3', 'find /var/lib/etcd -type f')).toBe('');
    await expectWritable();
    expect(left.stdout).toContain('kbinit node remove master3');
  });

  test('leaves a Node object that node remove deletes, and a host that can join again', async () => {
    expect(await nodeNames()).toContain('master3');
    const gone = await remove('master3', 'master1', '--yes', '--timeout', '90s');
    expect(gone.code, gone.stderr).toBe(0);
    expect(await nodeNames()).not.toContain('master3');
    await unplug(lab, 'master3');
    await joinControlPlane('master3');
    expect((await members()).size).toBe(3);
  });
});

describe('with one of three hosts gone', () => {
  beforeAll(async () => {
    const { code, stderr } = await lab.kubectl(['apply', '-f', '-'], { stdin: pinned });
    expect(code, stderr).toBe(0);
    await eventually('the Pod on master3 to run', 60, async () => {
      const { stdout } = await lab.kubectl(['get', 'pod', 'pinned', '--no-headers']);
      return stdout.includes(' Running ');
    });
    await lab.stop('master3', 'power cut');
  });

  test('etcd status names it and fails', async () => {
    const { code, stdout, stderr } = await kbinit(['etcd', 'status', ...over(lab, 'master1')]);
    expect(code).toBe(1);
    expect(stderr).toContain('KB_ETCD_UNHEALTHY');
    expect(stderr).toMatch(/master3: https:.*3 voting members, 2 of them healthy, 2 needed/);
    expect(stdout).toContain(`https://${lab.host('master3').address}:2379`);
  });

  test('another control plane is neither reset nor removed: etcd would lose its quorum', async () => {
    const before = await dataOf('master2');
    for (const refused of [await reset('master2'), await remove('master2', 'master1', '--force')]) {
      expect(refused.code, refused.stderr).toBe(1);
      expect(refused.stderr).toContain('KB_ETCD_QUORUM');
      expect(refused.stderr).toContain('without master2 2 voting members, 1 of them healthy, 2 needed');
    }
    expect(await dataOf('master2')).toBe(before);
    expect(await nodeNames()).toContain('master2');
    await expectWritable();
  });

  test('a control plane is not removed through itself', async () => {
    const refused = await remove('master1', 'master1', '--force');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('KB_NODE_OWN');
  });
});

describe('with two of three hosts gone', () => {
  let id: string | undefined;
  beforeAll(async () => {
    id = (await members()).get('master1');
    await lab.stop('master2', 'power cut');
  });
  afterAll(() => lab.start('master2'));

  test('reset stops, the data untouched, the member and the line for etcdctl told', async () => {
    const before = await dataOf('master1');
    const files = await output(lab, 'master1', 'find /etc/kubernetes -type f | sort | xargs sha256sum');
    const refused = await reset('master1');
    expect(refused.code, refused.stderr).toBe(1);
    expect(id).toMatch(/^[0-9a-f]{14,16}$/);
    expect(refused.stderr).toContain(`member remove ${id}`);
    expect(refused.stderr).toContain('it has no quorum');
    expect(await dataOf('master1')).toBe(before);
    expect(await output(lab, 'master1', 'find /etc/kubernetes -type f | sort | xargs sha256sum')).toBe(files);
  });

  test('reset is not forced by the name of another host', async () => {
    const before = await dataOf('master1');
    const refused = await reset('master1', '--force-wipe-etcd', 'master2');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('KB_NOT_CONFIRMED');
    expect(await dataOf('master1')).toBe(before);
  });
});

describe('node remove of a control plane whose host is gone', () => {
  test('takes it out of etcd and of the cluster, which stays writable', async () => {
    await expectWritable();
    const gone = await remove('master3', 'master1', '--force', '--timeout', '90s');
    expect(gone.code, gone.stderr).toBe(0);
    expect(gone.stderr).toContain('master3 is not Ready');
    expect((await lab.kubectl(['get', 'pod', 'pinned'])).stderr).toContain('not found');
    expect([...(await members()).keys()].toSorted()).toEqual(['master1', 'master2']);
    expect(await nodeNames()).not.toContain('master3');
    await expectWritable();
  });

  test('leaves a host that reset can clean when it comes back', async () => {
    await lab.start('master3');
    const cleaned = await reset('master3');
    expect(cleaned.code, cleaned.stderr).toBe(0);
    expect(await output(lab, 'master3', 'find /var/lib/etcd /etc/kubernetes -type f')).toBe('');
  });
});

describe('a member that cannot ask to leave', () => {
  test('because its certificate has expired keeps its data; with the name of its host it goes all the same', async () => {
    await output(
      lab,
      'master2',
      `cd ${pki} && openssl req -new -key healthcheck-client.key -subj /O=system:masters/CN=kube-etcd-healthcheck-client -out /tmp/csr 2>/dev/null &&
       openssl x509 -req -in /tmp/csr -CA ca.crt -CAkey ca.key -CAcreateserial -CAserial /tmp/serial -days -1 -out healthcheck-client.crt 2>/dev/null`,
    );
    const before = await dataOf('master2');
    const refused = await reset('master2');
    expect(refused.code, refused.stderr).toBe(1);
    expect(refused.stderr).toContain('KB_ETCD_UNREACHABLE');
    expect(refused.stderr).toContain('kbinit certs renew etcd-healthcheck-client');
    expect(await dataOf('master2')).toBe(before);
    const forced = await reset('master2', '--force-wipe-etcd', 'master2');
    expect(forced.code, forced.stderr).toBe(0);
    expect(await output(lab, 'master2', 'find /var/lib/etcd -type f')).toBe('');
  });

  test('leaves a cluster of two without a quorum, which says so', async () => {
    const { code, stderr } = await kbinit(['etcd', 'status', ...over(lab, 'master1')]);
    expect(code).toBe(1);
    expect(stderr).toContain('the cluster is read-only without a quorum');
  });
});
