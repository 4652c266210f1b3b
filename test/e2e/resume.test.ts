// What a killed, stopped or repeated run leaves, and that the same command goes on from there (R39, R40, R42 to R44).
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { initPhases } from '../../src/phases/index.ts';
import type { Lab } from '../lab/lab.ts';
import { kbinitProcesses, managedFiles, managedObjects, output, restarts } from './observe.ts';
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
let config: string;

beforeAll(async () => {
  lab = await testLab('killed', 35);
  await lab.up(['master1', 'node1']);
  config = await clusterConfig();
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

const initCommand = (file: string): readonly string[] => ['init', ...over(lab, 'master1'), '--config', file];

interface Stop {
  readonly signal: NodeJS.Signals;
  /** Send it when this phase has ended; at once when left out. */
  readonly after?: string;
  readonly delayMs?: number;
  /** Send it again so much later. */
  readonly againMs?: number;
  readonly stdin?: string;
}

/** Run kbinit and send it a signal. `took` is how long it lived after the last signal. */
async function stopped(args: readonly string[], stop: Stop): Promise<KbinitResult & { readonly took: number }> {
  let send: (signal: NodeJS.Signals) => void = () => undefined;
  let sentAt = 0;
  let isArmed = false;
  const arm = async (): Promise<void> => {
    if (isArmed) return;
    isArmed = true;
    await sleep(stop.delayMs ?? 0);
    send(stop.signal);
    if (stop.againMs !== undefined) {
      await sleep(stop.againMs);
      send(stop.signal);
    }
  };
  const result = await kbinit(args, {
    ...(stop.stdin === undefined ? {} : { stdin: stop.stdin }),
    onStart: (child) => {
      send = (signal) => {
        sentAt = performance.now();
        child.kill(signal);
      };
      if (stop.after === undefined) void arm();
    },
    onProgress: (text) => {
      if (stop.after !== undefined && new RegExp(`^\\S+  ${stop.after} `, 'm').test(text)) void arm();
    },
  });
  return { ...result, took: (performance.now() - sentAt) / 1000 };
}

/** A host as before its first init, faster than a new one. */
async function emptied(host: string): Promise<void> {
  const result = await kbinit(['reset', ...over(lab, host), '--force']);
  expect(result.code, result.stderr).toBe(0);
  await unplug(lab, host);
}

/** The cluster of a finished init: it answers, its node is marked, everything is installed and said. */
async function expectCluster(result: KbinitResult): Promise<void> {
  expect(result.code, result.stderr).toBe(0);
  expect(result.stdout).toContain('initialized successfully');
  expect((await lab.kubectl(['get', '--raw', '/readyz'])).stdout).toBe('ok');
  const labels = await lab.kubectl(['get', 'nodes', '--show-labels', '--no-headers']);
  expect(labels.stdout).toMatch(/^master1 .*node-role\.kubernetes\.io\/control-plane=/);
  const { stdout } = await lab.kubectl(['-n', 'kube-system', 'get', 'deployment,daemonset,configmap', '-o', 'name']);
  for (const name of ['deployment.apps/coredns', 'daemonset.apps/kube-proxy', 'configmap/kubeadm-config']) {
    expect(stdout).toContain(name);
  }
  // Nothing half-written is left, and no temporary.
  const odd = await output(
    lab,
    'master1',
    `find /etc/kubernetes /var/lib/kbinit /var/lib/kubelet/*.* -type f \\( -size 0 -o -name '*.kbinit' \\)`,
  );
  expect(odd).toBe('');
}

describe('init killed with kill -9', () => {
  test('after every phase in turn, it goes on each time and ends with a working cluster', async () => {
    await lab.recreate('master1');
    // Whoever is killed after the last phase has nothing left to do.
    const points = initPhases.map(({ name }) => name).filter((name) => name !== 'show-join');
    expect(points.length).toBeGreaterThanOrEqual(10);
    for (const after of points) {
      const killed = await stopped(initCommand(config), { signal: 'SIGKILL', after });
      expect(killed.code, `killed after ${after}: ${killed.stderr}`).toBe(137);
    }
    await expectCluster(await kbinit(initCommand(config)));
  });

  test.each([
    ['while certificates are written', { after: 'preflight', delayMs: 600 }],
    ['at a random time', { delayMs: 500 + Math.random() * 3000 }],
    ['at another random time', { delayMs: 2500 + Math.random() * 3000 }],
  ])('%s, the same command ends with a working cluster', async (_when, stop) => {
    await emptied('master1');
    const killed = await stopped(initCommand(config), { signal: 'SIGKILL', ...stop });
    expect(killed.code, killed.stderr).toBe(137);
    await expectCluster(await kbinit(initCommand(config)));
  });
});

describe('on a finished cluster', () => {
  let wanted: ReturnType<typeof joinArguments>;
  const joinCommand = (): readonly string[] => [...joinFlags(wanted), ...over(lab, 'node1')];

  beforeAll(async () => {
    await lab.recreate('master1');
    const init = await kbinit([...initCommand(config), '--cni', 'flannel']);
    expect(init.code, init.stderr).toBe(0);
    wanted = joinArguments(init.stdout);
  });

  /** A node like any other, one of its name, and nothing that somebody would have to approve. */
  const expectOneNode = async (again: KbinitResult): Promise<void> => {
    expect(again.code, again.stderr).toBe(0);
    expect(again.stdout).toContain('has joined the cluster');
    await eventually('node1 to be Ready', 60, async () =>
      / Ready /.test((await lab.kubectl(['get', 'node', 'node1', '--no-headers'])).stdout),
    );
    const { stdout } = await lab.kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}']);
    expect(stdout.split(' ').toSorted()).toEqual(['master1', 'node1']);
    expect((await lab.kubectl(['get', 'csr', '--no-headers'])).stdout).not.toContain('Pending');
    expect(await output(lab, 'node1', 'ls -A /etc/kubernetes')).not.toContain('bootstrap-kubelet.conf');
  };

  test('a join killed at five points, one after the other, is completed by the same command', async () => {
    await lab.recreate('node1');
    const points: Omit<Stop, 'signal'>[] = [
      { delayMs: 250 },
      { after: 'preflight' },
      { after: 'preflight', delayMs: 60 },
      { after: 'preflight', delayMs: 200 },
      { after: 'kubelet-start' },
    ];
    for (const point of points) {
      const killed = await stopped(joinCommand(), { signal: 'SIGKILL', stdin: wanted.token, ...point });
      expect(killed.code, `${JSON.stringify(point)}: ${killed.stderr}`).toBe(137);
    }
    await expectOneNode(await kbinit(joinCommand(), { stdin: wanted.token }));
  });

  test.each([
    ['while the kubelet starts', { after: 'preflight', delayMs: 250 }],
    ['while the kubelet bootstraps', { after: 'kubelet-start', delayMs: 300 }],
  ])('a join killed once, %s, is completed by the same command', async (_when, stop) => {
    await emptied('node1');
    await lab.kubectl(['delete', 'node', 'node1', '--ignore-not-found']);
    await lab.kubectl(['delete', 'csr', '--all']);
    const killed = await stopped(joinCommand(), { signal: 'SIGKILL', stdin: wanted.token, ...stop });
    expect(killed.code, killed.stderr).toBe(137);
    await expectOneNode(await kbinit(joinCommand(), { stdin: wanted.token }));
  });

  test('a second join changes nothing and says so', async () => {
    const files = await managedFiles(lab, 'node1');
    const again = await kbinit(joinCommand(), { stdin: wanted.token });
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr.trimEnd().split('\n').at(-1)).toMatch(/^no changes/);
    expect(await managedFiles(lab, 'node1')).toBe(files);
  });

  test('no key of the cluster is on a worker (R67)', async () => {
    // Not the key that the kubelet makes for its own server.
    const keys = `find /etc/kubernetes /var/lib/kbinit /var/lib/kubelet /run /root /tmp -name '*.key' -not -path '/var/lib/kubelet/pki/*'`;
    expect(await output(lab, 'node1', `ls /etc/kubernetes/pki; ${keys} 2>/dev/null || true`)).toBe('ca.crt\n');
  });

  test('a second init touches no file, no object and no Pod, says so, and takes less than 30 seconds', async () => {
    await eventually('all Pods to run', 90, async () => {
      const { stdout } = await lab.kubectl(['get', 'pods', '-A', '--no-headers']);
      return stdout
        .trim()
        .split('\n')
        .every((line) => /\s(\d+)\/\1\s+Running\s/.test(line));
    });
    const before = [await managedFiles(lab, 'master1'), await managedObjects(lab), await restarts(lab)];
    const again = await kbinit([...initCommand(config), '--cni', 'flannel']);
    expect(again.code, again.stderr).toBe(0);
    expect(again.seconds).toBeLessThan(30);
    expect(again.stderr.trimEnd().split('\n').at(-1)).toMatch(/^no changes/);
    expect(joinArguments(again.stdout)).toEqual(wanted);
    expect([await managedFiles(lab, 'master1'), await managedObjects(lab), await restarts(lab)]).toEqual(before);
  });

  test('an init with another configuration is refused with the differences, and touches nothing', async () => {
    const other = await clusterConfig({
      cluster: 'apiServer: {extraArgs: [{name: v, value: "4"}]}\ndns: {}\nclusterName: other\n',
    });
    const before = [await managedFiles(lab, 'master1'), await managedObjects(lab)];
    const result = await kbinit(initCommand(other));
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('KB_OTHER_SPEC');
    expect(result.stderr).toContain('clusterName: "kubernetes" (current) → "other" (requested)');
    expect(result.stderr).toContain('kbinit reset');
    expect([await managedFiles(lab, 'master1'), await managedObjects(lab)]).toEqual(before);
  });

  test('an init with another Service subnet is refused by that name', async () => {
    const other = await clusterConfig();
    const text = await readFile(other, 'utf8');
    await writeFile(other, text.replace('networking: {', 'networking: {serviceSubnet: 10.112.0.0/16, '));
    const result = await kbinit(initCommand(other));
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('KB_OTHER_SPEC');
    expect(result.stderr).toContain('networking.serviceSubnet: "10.96.0.0/12" (current) → "10.112.0.0/16" (requested)');
  });
});

describe('init told to stop', () => {
  beforeAll(() => lab.recreate('master1'));

  const expectNoOrphans = async (): Promise<void> => {
    await sleep(5000);
    expect(await kbinitProcesses(lab, 'master1')).toEqual([]);
  };

  // Each goes on where the one before it stopped.
  test.each([
    ['SIGINT', { after: 'preflight', delayMs: 300 }],
    ['SIGHUP', { after: 'certs', delayMs: 50 }],
    ['SIGTERM', { after: 'etcd', delayMs: 300 }],
  ] as const)('by %s, it ends the step, says how to go on and leaves no process', async (signal, stop) => {
    const result = await stopped(initCommand(config), { signal, ...stop });
    expect(result.code, result.stderr).toBe(130);
    expect(result.took).toBeLessThan(30);
    expect(result.stderr).toContain('KB_INTERRUPTED');
    expect(result.stderr).toMatch(/do {6}(run the same command again to continue|to continue: kbinit init)/);
    await expectNoOrphans();
  });

  test('twice, it ends within two seconds and leaves no process', async () => {
    const stop = { signal: 'SIGINT', after: 'preflight', delayMs: 100, againMs: 50 } as const;
    const result = await stopped(initCommand(config), stop);
    expect(result.code, result.stderr).toBe(130);
    expect(result.took).toBeLessThan(2);
    await expectNoOrphans();
  });

  test('four times, it ends with a working cluster when it is let', async () => {
    await expectCluster(await kbinit(initCommand(config)));
  });
});

describe('half a PKI', () => {
  const pki = '/etc/kubernetes/pki';
  const hashes = `cd ${pki} && find . -type f -exec sha256sum {} + | sort`;
  const certs = (): Promise<KbinitResult> =>
    kbinit(['init', 'phase', 'certs', 'all', ...over(lab, 'master1'), '--config', config]);

  /** What an init that was killed after its certificates leaves. */
  beforeAll(async () => {
    await emptied('master1');
    const killed = await stopped(initCommand(config), { signal: 'SIGKILL', after: 'certs' });
    expect(killed.code, killed.stderr).toBe(137);
    await output(
      lab,
      'master1',
      `rm -rf /root/pki && cp -a ${pki} /root/pki && cp -a /var/lib/kbinit/journal/init.json /root/`,
    );
  });

  beforeEach(() =>
    output(lab, 'master1', `rm -rf ${pki} && cp -a /root/pki ${pki} && cp -a /root/init.json /var/lib/kbinit/journal/`),
  );

  const halves = [
    ['an empty certificate', `: > ${pki}/apiserver.crt`],
    ['an empty key', `: > ${pki}/apiserver.key`],
    ['a PEM that is cut', `head -c 300 /root/pki/front-proxy-client.crt > ${pki}/front-proxy-client.crt`],
    ['a key without its certificate', `rm ${pki}/etcd/server.crt`],
    ['a certificate without its key', `rm ${pki}/etcd/peer.key`],
    ['a service-account key without its public half', `: > ${pki}/sa.pub`],
  ] as const;

  test.each(halves)('with the journal of the killed run: %s is made again', async (_what, damage) => {
    await output(lab, 'master1', damage);
    const result = await certs();
    expect(result.code, result.stderr).toBe(0);
    expect(await output(lab, 'master1', `find ${pki} -type f -size 0`)).toBe('');
    for (const [ca, certificate] of [
      ['ca', 'apiserver'],
      ['front-proxy-ca', 'front-proxy-client'],
      ['etcd/ca', 'etcd/server'],
      ['etcd/ca', 'etcd/peer'],
    ]) {
      await output(
        lab,
        'master1',
        `cd ${pki} && openssl verify -CAfile ${ca}.crt ${certificate}.crt
[ "$(openssl x509 -in ${certificate}.crt -noout -pubkey)" = "$(openssl pkey -in ${certificate}.key -pubout)" ]`,
      );
    }
    await output(lab, 'master1', `cd ${pki} && [ "$(cat sa.pub)" = "$(openssl pkey -in sa.key -pubout)" ]`);
  });

  test('with the journal: half of a CA that has signed nothing yet is made again', async () => {
    await output(
      lab,
      'master1',
      `cd ${pki} && rm etcd/ca.crt etcd/server.* etcd/peer.* etcd/healthcheck-client.* apiserver-etcd-client.*`,
    );
    const result = await certs();
    expect(result.code, result.stderr).toBe(0);
    await output(lab, 'master1', `cd ${pki} && openssl verify -CAfile etcd/ca.crt etcd/server.crt etcd/peer.crt`);
  });

  test.each([
    ...halves.filter(([what]) => !what.startsWith('a service-account')),
    ['a CA whose key is missing', `rm ${pki}/ca.key ${pki}/apiserver.crt ${pki}/apiserver.key`],
  ] as const)('without a journal: %s is refused and nothing is written', async (_what, damage) => {
    await output(lab, 'master1', `rm /var/lib/kbinit/journal/init.json; ${damage}`);
    const before = await output(lab, 'master1', hashes);
    const result = await certs();
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/KB_(CERT_INVALID|PKI_INCOMPLETE|CA_KEY_MISSING)/);
    expect(await output(lab, 'master1', hashes)).toBe(before);
    expect(await output(lab, 'master1', 'ls -A /var/lib/kbinit/journal')).toBe('');
  });

  test('even with the journal: a CA that has signed something is never made again', async () => {
    await output(lab, 'master1', `rm ${pki}/ca.key ${pki}/apiserver.crt ${pki}/apiserver.key`);
    const before = await output(lab, 'master1', hashes);
    const result = await certs();
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('KB_CA_KEY_MISSING');
    expect(await output(lab, 'master1', hashes)).toBe(before);
  });
});
