// Six hosts with nothing but sshd, made ready with one command a role, joined to one cluster with firewalld on, and given
// back: control planes imitate Rocky Linux 9 and CentOS Stream 10 (RPM packages), workers are bare Debian (its packages).
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { versions, type Lab } from '../lab/lab.ts';
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
import { askPod, netcheck, readyPods, serviceAddress } from './support/netcheck.ts';
import { differences, forThisKernel, fromDebs, fromRpms, keepState, trace } from './support/prepared.ts';

const masters = ['master1', 'master2', 'master3'] as const;
const workers = ['node1', 'node2', 'node3'] as const;
const nodes = [...masters, ...workers];

let lab: Lab;

beforeAll(async () => {
  lab = await testLab('six', 92);
  await lab.down();
  await lab.up([
    { name: 'master1', kind: 'rocky-9', images: true },
    { name: 'master2', kind: 'centos-stream-10', images: true },
    { name: 'master3', kind: 'rocky-9', images: true },
    ...workers.map((name) => ({ name, kind: 'bare', images: true }) as const),
  ]);
  await Promise.all(nodes.map((host) => keepState(lab, host)));
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

/** The flags that lead to several hosts. */
function overAll(hosts: readonly string[]): readonly string[] {
  const [, , ...ssh] = over(lab, hosts[0] ?? '');
  return [...hosts.flatMap((host) => ['--host', `root@${lab.host(host).address}`]), ...ssh];
}

function prepareCommand(...more: readonly string[]): readonly string[] {
  return ['host', 'prepare', ...forThisKernel, '--hosts-entry', `${lab.host('master1').address}=api.example`, ...more];
}

const masterCommand = (): readonly string[] =>
  prepareCommand('--role', 'control-plane', ...fromRpms, ...overAll(masters));
const workerCommand = (): readonly string[] => prepareCommand('--role', 'worker', ...fromDebs, ...overAll(workers));

/** One command a role, both at once. */
function prepareAll(): Promise<readonly KbinitResult[]> {
  return Promise.all([kbinit(masterCommand()), kbinit(workerCommand())]);
}

async function onAll<T>(hosts: readonly string[], work: (host: string) => Promise<T>): Promise<readonly T[]> {
  return Promise.all(hosts.map((host) => work(host)));
}

/** kbinit on a host; it has to end well. */
async function on(host: string, args: readonly string[], stdin = ''): Promise<KbinitResult> {
  const result = await kbinit([...args, ...over(lab, host)], { stdin });
  expect(result.code, `${host}: ${args.join(' ')}\n${result.stderr}`).toBe(0);
  return result;
}

describe('six hosts', () => {
  test('are brought to what Kubernetes needs by one command a role', async () => {
    for (const done of await prepareAll()) expect(done.code, done.stderr).toBe(0);
    const version = await onAll(nodes, (host) =>
      output(lab, host, 'kubelet --version; systemctl is-active containerd'),
    );
    expect(new Set(version)).toEqual(new Set([`Kubernetes v${versions.kubernetes}\nactive\n`]));
  });

  test('have Kubernetes pinned: an upgrade of the whole system leaves it where it is', async () => {
    const held = 'cri-tools\nkubectl\nkubelet\nkubernetes-cni\n';
    expect(await output(lab, 'node1', 'apt-mark showhold')).toBe(held);
    expect(await output(lab, 'node1', 'apt-get -s -q upgrade | grep -E "^Inst"; true')).toBe('');
    expect(await output(lab, 'master2', 'dnf -q check-update; true')).not.toContain('kubelet');
  });

  test('are left alone by the same commands: nothing changes anywhere, and that is said', async () => {
    const before = await onAll(nodes, (host) => trace(lab, host));
    for (const again of await prepareAll()) {
      expect(again.code, again.stderr).toBe(0);
      expect(again.stderr.trimEnd().split('\n').at(-1)).toMatch(/^no changes/);
    }
    expect(await onAll(nodes, (host) => trace(lab, host))).toEqual(before);
  });

  test('do not wait for one that is dead: it is named, with the command for it', async () => {
    const dead = `root@${lab.host('node1').address.replace(/\d+$/, '250')}`;
    const before = await trace(lab, 'node1');
    const result = await kbinit([...workerCommand(), '--host', dead, '--ssh-timeout', '3']);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/KB_PARTIAL +1 of 4 hosts failed/);
    expect(/continue with: (.*)/.exec(result.stderr)?.[1]?.match(/--host \S+/g)).toEqual([`--host ${dead}`]);
    expect(await trace(lab, 'node1')).toBe(before);
  });

  test("have a firewall with exactly the role's ports, now and at boot", async () => {
    const wanted = ['2379-2380/tcp', '6443/tcp', '10250/tcp', '8472/udp'].toSorted();
    for (const host of masters) {
      for (const when of ['', '--permanent']) {
        const found = await output(lab, host, `firewall-cmd ${when} --list-ports`);
        expect(found.trim().split(' ').toSorted(), host).toEqual(wanted);
        expect(await output(lab, host, `firewall-cmd ${when} --zone=trusted --list-sources`)).toBe('10.244.0.0/16\n');
      }
    }
  });
});

describe('the cluster on them', () => {
  test('has three control planes and three workers, all Ready, with firewalld on', async () => {
    const ignored = ['--ignore-preflight-errors', 'SystemVerification'];
    const config = await clusterConfig({ cluster: 'controlPlaneEndpoint: api.example:6443' });
    const init = await on('master1', ['init', '--config', config, '--upload-certs', '--cni', 'flannel', ...ignored]);
    const wanted = joinArguments(init.stdout);
    const key = /--certificate-key ([0-9a-f]{64})/.exec(init.stdout)?.[1] ?? '';
    const join = [...joinFlags(wanted), ...ignored];
    const [joined] = await Promise.all([
      kbinit([...join, ...overAll(workers)], { stdin: wanted.token }),
      ...masters.slice(1).map((host) => on(host, [...join, '--control-plane', '--certificate-key', key], wanted.token)),
    ]);
    expect(joined.code, joined.stderr).toBe(0);
    await eventually('six Ready nodes', 120, async () => {
      const { stdout } = await lab.kubectl(['get', 'nodes', '--no-headers']);
      return stdout.split('\n').filter((line) => / Ready /.test(line)).length === nodes.length;
    });
  });

  test('carries Pods, a Service and DNS from host to host', async () => {
    const applied = await lab.kubectl(['apply', '-f', '-'], { stdin: netcheck });
    expect(applied.code, applied.stderr).toBe(0);
    const pods = await eventually('a netcheck Pod on each node, and CoreDNS', 120, async () => {
      const [own, dns] = [await readyPods(lab, 'app=netcheck'), await readyPods(lab, 'k8s-app=kube-dns')];
      return own.length === nodes.length && dns.length === 2 ? own : undefined;
    });
    const service = await serviceAddress(lab, 'default', 'netcheck');
    for (const [index, pod] of pods.entries()) {
      const next = pods[(index + 1) % pods.length] ?? pod;
      expect(await askPod(lab, pod, 'get', `http://${next.address}:8080/`), `${pod.node} to ${next.node}`).toBe(
        next.name,
      );
      expect(await askPod(lab, pod, 'resolve', 'netcheck'), pod.node).toBe(service);
      expect(pods.map(({ name }) => name)).toContain(await askPod(lab, pod, 'get', `http://${service}/`));
    }
  });

  test('does not open what no role has: a server of somebody else on a control plane is not reached', async () => {
    const knock = (port: number): Promise<{ readonly code: number }> =>
      lab.exec('node1', `timeout 5 bash -c 'exec 3<>/dev/tcp/${lab.host('master2').address}/${port}'`);
    await output(lab, 'master2', 'systemd-run -q --unit=theirs python3 -m http.server 8099');
    await eventually('their server', 20, async () => {
      const { code } = await lab.exec('master2', `bash -c 'exec 3<>/dev/tcp/127.0.0.1/8099'`);
      return code === 0;
    });
    expect((await knock(10250)).code).toBe(0);
    expect((await knock(8099)).code).not.toBe(0);
    await output(lab, 'master2', 'systemctl stop theirs; systemctl is-active firewalld');
  });
});

describe('reset --host-changes', () => {
  test('gives all six back: /etc, services, packages, sysctl and firewall are as they were at the start', async () => {
    const reset = (host: string): Promise<KbinitResult> => on(host, ['reset', '--force', '--host-changes']);
    await onAll(workers, reset);
    // Each takes its etcd out of the cluster first; the quorum has to bear that.
    for (const host of masters.toReversed()) await reset(host);
    for (const host of nodes) expect(await differences(lab, host), host).toBe('');
  });
});
