// Control planes that join: one after the other, at once, cut at every step, over a flapping API, and with an etcd that
// never comes up (R35, R37, R41, R45, R57).
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { joinPhases } from '../../src/phases/index.ts';
import type { Lab } from '../lab/lab.ts';
import { managedFiles, output } from './observe.ts';
import { etcdMembers, killedAt, loopIn, watchWrites } from './support/control-planes.ts';
import {
  clusterConfig,
  eventually,
  joinArguments,
  kbinit,
  over,
  scratch,
  testLab,
  type KbinitResult,
} from './support.ts';
import { unplug } from './support/host.ts';

let lab: Lab;
let endpoint: string;
let wanted: ReturnType<typeof joinArguments>;
let certificateKey: string;

const others = ['master2', 'master3'] as const;

beforeAll(async () => {
  lab = await testLab('ha', 53);
  await lab.up(['master1', ...others]);
  await lab.recreate(['master1', ...others]);
  endpoint = `${lab.host('master1').address}:6443`;
  const config = await clusterConfig({ cluster: `controlPlaneEndpoint: ${endpoint}\n` });
  const init = await kbinit([
    'init',
    ...over(lab, 'master1'),
    '--config',
    config,
    '--cni',
    'flannel',
    '--upload-certs',
  ]);
  expect(init.code, init.stderr).toBe(0);
  wanted = joinArguments(init.stdout);
  certificateKey = /--certificate-key ([0-9a-f]{64})/.exec(init.stdout)?.[1] ?? '';
  expect(init.stdout).toContain('--control-plane --certificate-key');
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

/** With flags, as init printed them. */
const joinCommand = (
  host: string,
  keys: readonly string[] = ['--certificate-key', certificateKey],
): readonly string[] => [
  'join',
  wanted.endpoint,
  '--token',
  wanted.token,
  '--discovery-token-ca-cert-hash',
  wanted.hash,
  '--control-plane',
  ...keys,
  ...over(lab, host),
  '-v',
  '1',
];

/** With a file: a short patience for etcd, and what else the test wants. */
async function joinConfig(more = ''): Promise<string> {
  const path = join(await scratch(), 'join.yaml');
  await writeFile(
    path,
    `apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  bootstrapToken:
    apiServerEndpoint: ${wanted.endpoint}
    token: ${wanted.token}
    caCertHashes: ["${wanted.hash}"]
controlPlane:
  certificateKey: ${certificateKey}
timeouts:
  etcdAPICall: 15s
${more}`,
  );
  return path;
}

/** The cluster's members by host; `learner` where one does not vote. */
async function voters(): Promise<readonly string[]> {
  return (await etcdMembers(lab)).map(({ name, isLearner }) => (isLearner ? `${name} (learner)` : name));
}

async function expectJoined(host: string, result: KbinitResult): Promise<void> {
  expect(result.code, result.stderr).toBe(0);
  expect(result.stdout).toContain('a new control plane instance was created');
  expect(await voters()).toContain(host);
  const { stdout } = await lab.kubectl(['get', 'node', host, '-o', 'jsonpath={.metadata.labels} {.spec.taints}']);
  expect(stdout).toContain('node-role.kubernetes.io/control-plane');
  expect(stdout).toContain('NoSchedule');
  // Its own API server and etcd answer on its own.
  expect(
    (await lab.kubectl(['get', '--raw', '/readyz', `--server=https://${lab.host(host).address}:6443`])).stdout,
  ).toBe('ok');
}

async function expectReady(names: readonly string[]): Promise<void> {
  await eventually(`${names.join(', ')} to be Ready`, 90, async () => {
    const { stdout } = await lab.kubectl(['get', 'nodes', '--no-headers']);
    return names.every((name) => new RegExp(`^${name} +Ready `, 'm').test(stdout));
  });
}

describe('a second control plane for a cluster of one', () => {
  test('killed after every phase and between the steps of etcd, the same command ends with it; the cluster stays writable', async () => {
    const writes = await watchWrites(lab);
    const phases = joinPhases.map(({ name }) => name).filter((name) => name !== 'wait-control-plane');
    expect(phases).toContain('etcd-join');
    const points = phases.flatMap((name) =>
      name === 'etcd-join'
        ? [/is a learner of the etcd cluster/, /etcd is being started/, /etcd has started/, /etcd votes/]
        : [new RegExp(`^\\S+ +${name} +(?:done|unchanged|\\d)`, 'm')],
    );
    for (const point of points) {
      const killed = await killedAt(joinCommand('master2'), point);
      expect([137, 0], `${point.source}: ${killed.stderr}`).toContain(killed.code);
      const members = await etcdMembers(lab);
      expect(members.length, point.source).toBeLessThanOrEqual(2);
    }
    await expectJoined('master2', await kbinit(joinCommand('master2')));
    const { longestGap } = await writes.stop();
    expect(await voters()).toEqual(['master1', 'master2']);
    // etcd has no leader for a moment when its second member begins to vote.
    expect(longestGap).toBeLessThan(5);
    // Nothing of the interrupted runs is left.
    expect(await output(lab, 'master2', 'ls -d /var/lib/etcd.left-* 2>/dev/null; true')).toBe('');
    expect(await output(lab, 'master2', 'ls /etc/kubernetes')).not.toContain('bootstrap-kubelet.conf');
    await expectReady(['master1', 'master2']);
  });

  test('a second run of the same join changes nothing and says so', async () => {
    const files = await managedFiles(lab, 'master2');
    const again = await kbinit(joinCommand('master2'));
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr.trimEnd().split('\n').at(-1)).toMatch(/^no changes/);
    expect(await managedFiles(lab, 'master2')).toBe(files);
    expect(await voters()).toEqual(['master1', 'master2']);
  });

  test('the files have the modes of the first one, and no key that a joining node must not have', async () => {
    const list = `cd /etc/kubernetes && find . -type f -printf '%p %m\\n' | sort`;
    const [first, second] = [await output(lab, 'master1', list), await output(lab, 'master2', list)];
    const own = (text: string): readonly string[] => text.split('\n').filter((line) => !line.includes('super-admin'));
    expect(own(second)).toEqual(own(first));
    expect(second).not.toContain('super-admin');
  });
});

describe('etcd that does not come up on a third one', () => {
  let before: readonly string[];

  beforeEach(async () => {
    before = await voters();
  });

  /** Member list, host and API are as they were, and the data is kept. */
  async function expectGivenBack(result: KbinitResult, longestGap: number): Promise<void> {
    expect(result.code, result.stderr).toBe(1);
    expect(result.stderr).toContain('KB_ETCD_LEARNER');
    expect(result.stderr).toContain('learner removed from the etcd cluster');
    // etcdAPICall of 15 s, and 30 s more (R37).
    expect(result.seconds).toBeLessThan(50);
    expect(await voters()).toEqual(before);
    expect(longestGap).toBeLessThan(5);
    expect(await output(lab, 'master3', 'ls /etc/kubernetes/manifests')).not.toContain('etcd.yaml');
    expect(await output(lab, 'master3', 'ls -d /var/lib/etcd.left-*/etcd.yaml')).toContain('etcd.yaml');
    expect(await output(lab, 'master3', 'ls /var/lib/etcd')).toBe('');
  }

  test('an image that does not exist: the learner is taken back and the cause is named (R45)', async () => {
    await output(
      lab,
      'master3',
      `mkdir -p /root/patches && echo '{"spec":{"containers":[{"name":"etcd","image":"registry.k8s.io/etcd:0.0.0-none"}]}}' >/root/patches/etcd+strategic.json`,
    );
    const config = await joinConfig('patches:\n  directory: /root/patches\n');
    const writes = await watchWrites(lab);
    const result = await kbinit(['join', '--config', config, ...over(lab, 'master3')]);
    await expectGivenBack(result, (await writes.stop()).longestGap);
    expect(result.stderr).toMatch(/an image (?:could not be pulled|is not there)/);
  });

  test('port 2380 blocked between the control planes: the same, and the port is named (R37)', async () => {
    const from = lab.host('master3').address;
    const rule = (verb: string): string => `iptables ${verb} INPUT -s ${from} -p tcp --dport 2380 -j DROP`;
    await Promise.all(['master1', 'master2'].map((host) => output(lab, host, rule('-I'))));
    try {
      const writes = await watchWrites(lab);
      const result = await kbinit(['join', '--config', await joinConfig(), ...over(lab, 'master3')]);
      await expectGivenBack(result, (await writes.stop()).longestGap);
      expect(result.stderr).toContain('2380');
    } finally {
      await Promise.all(['master1', 'master2'].map((host) => output(lab, host, rule('-D'))));
    }
  });

  test('after that, over an API server that is down every other second, the join ends as any other (R35)', async () => {
    const rule = (verb: string): string =>
      `iptables ${verb} INPUT -p tcp --dport 6443 -s ${lab.host('master3').address} -j REJECT --reject-with tcp-reset`;
    const stop = loopIn(lab, 'master1', `${rule('-I')}; sleep 1; ${rule('-D')}; sleep 1`, 'true');
    const result = await kbinit(joinCommand('master3'));
    await stop();
    await expectJoined('master3', result);
    expect(await voters()).toEqual(['master1', 'master2', 'master3']);
    await expectReady(['master1', 'master2', 'master3']);
  });
});

describe('two control planes at once', () => {
  /** As they were before they joined. */
  async function leave(host: string): Promise<void> {
    const reset = await kbinit(['reset', ...over(lab, host), '--force']);
    expect(reset.code, reset.stderr).toBe(0);
    await unplug(lab, host);
    await lab.kubectl(['delete', 'node', host]);
  }

  test('a living join of another machine is waited for, a dead one is succeeded (R57)', async () => {
    await leave('master3');
    await leave('master2');
    expect(await voters()).toEqual(['master1']);
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'kbinit-control-plane-join', namespace: 'kube-system' },
      spec: { holderIdentity: 'ann@elsewhere pid 7 [0badcafe] for master9', leaseDurationSeconds: 5 },
    };
    // It is renewed for a while, then its holder dies.
    const renewed = loopIn(
      lab,
      'master1',
      `kubectl --kubeconfig /etc/kubernetes/admin.conf -n kube-system annotate lease ${lease.metadata.name} at=$(date +%s%N) --overwrite >/dev/null 2>&1; sleep 1`,
      'true',
    );
    await lab.kubectl(['apply', '--force', '-f', '-'], { stdin: JSON.stringify(lease) });
    let told = false;
    const joining = kbinit(joinCommand('master2'), {
      onProgress: (text) => (told ||= text.includes('waiting for ann@elsewhere pid 7')),
    });
    try {
      await eventually('the join to tell whom it waits for', 120, async () => told);
      // Longer than the Lease would last without its renewals.
      await new Promise((resolve) => setTimeout(resolve, 8000));
      expect(await voters()).toEqual(['master1']);
    } finally {
      await renewed();
    }
    await expectJoined('master2', await joining);
    expect(await voters()).toEqual(['master1', 'master2']);
  });

  test('both end, one member is added at a time, with keys uploaded and copied over SSH', async () => {
    await leave('master2');
    const learners: number[] = [];
    const done = new AbortController();
    const looking = (async () => {
      while (!done.signal.aborted) {
        const members = await etcdMembers(lab).catch(() => []);
        learners.push(members.filter(({ isLearner }) => isLearner).length);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();
    const source = `root@${lab.host('master1').address}`;
    const results = await Promise.all([
      kbinit(joinCommand('master2')),
      kbinit(joinCommand('master3', ['--copy-certs-from', source])),
    ]);
    done.abort();
    await looking;
    for (const [index, result] of results.entries()) await expectJoined(others[index] ?? '', result);
    expect(await voters()).toEqual(['master1', 'master2', 'master3']);
    expect(Math.max(...learners)).toBe(1);
    await expectReady(['master1', 'master2', 'master3']);
    await eventually('all Pods to run', 90, async () => {
      const { stdout } = await lab.kubectl(['get', 'pods', '-A', '--no-headers']);
      const lines = stdout.trim().split('\n');
      return lines.length >= 20 && lines.every((line) => /\s(\d+)\/\1\s+Running\s/.test(line));
    });
  });

  test('keys copied over SSH are on no disk of the machine that runs kbinit and in no log', async () => {
    const key = await output(lab, 'master1', 'sed -n 2p /etc/kubernetes/pki/ca.key');
    expect(await output(lab, 'master3', 'cat /etc/kubernetes/pki/ca.key')).toContain(key.trim());
    expect(await output(lab, 'master3', 'stat -c %a /etc/kubernetes/pki/ca.key')).toBe('600\n');
  });
});

describe('a join that cannot be', () => {
  test('when the uploaded keys have expired, says how to upload them again', async () => {
    await lab.kubectl(['-n', 'kube-system', 'delete', 'secret', 'kubeadm-certs']);
    const reset = await kbinit(['reset', ...over(lab, 'master3'), '--force']);
    expect(reset.code, reset.stderr).toBe(0);
    await unplug(lab, 'master3');
    await lab.kubectl(['delete', 'node', 'master3']);
    const result = await kbinit(joinCommand('master3'));
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('KB_CERTS_EXPIRED');
    expect(result.stderr).toContain('kbinit init phase upload-certs --upload-certs');
    expect(await voters()).toEqual(['master1', 'master2']);
  });

  test('without any keys is refused by preflight', async () => {
    const result = await kbinit(joinCommand('master3', []));
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('KB_CERTS_MISSING');
    expect(result.stderr).toContain('--copy-certs-from');
  });

  test('of a host that is the control plane of another cluster is refused, and touches nothing', async () => {
    const init = await kbinit(['init', ...over(lab, 'master3'), '--config', await clusterConfig()]);
    expect(init.code, init.stderr).toBe(0);
    const files = await managedFiles(lab, 'master3');
    const source = `root@${lab.host('master1').address}`;
    const result = await kbinit(joinCommand('master3', ['--copy-certs-from', source]));
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('FileAvailable--etc-kubernetes-kubelet.conf');
    expect(await managedFiles(lab, 'master3')).toBe(files);
    expect(await voters()).toEqual(['master1', 'master2']);
  });
});
