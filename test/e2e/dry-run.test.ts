// R10: a dry run tells everything and changes nothing; what it tells is what the real kubeadm told for the same config.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join as inFolder } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { golden, goldenFiles } from '../golden/support/case.ts';
import { createdObjects } from '../golden/support/dryrun.ts';
import { byIdentity } from '../golden/support/normalise.ts';
import type { KubeObject } from '../../src/manifests/object.ts';
import { readYaml } from '../../src/util/yaml.ts';
import type { Lab } from '../lab/lab.ts';
import { changedPaths, everyFile, output } from './observe.ts';
import { clusterConfig, joinArguments, joinFlags, kbinit, over, scratch, testLab } from './support.ts';

let lab: Lab;

beforeAll(async () => {
  lab = await testLab('dry-run', 33);
  await lab.up(['master1', 'node1']);
  await lab.recreate(['master1', 'node1']);
  // Without a configuration the kubelet restarts for ever; at rest it shows whoever touches it.
  for (const host of ['master1', 'node1']) await output(lab, host, 'systemctl stop kubelet');
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

/** When each service began, its process, and which ones are enabled. */
const services = `systemctl show kubelet containerd ssh -p Id,ActiveState,ActiveEnterTimestamp,MainPID,UnitFileState
systemctl list-unit-files --no-legend --type=service`;

/** Run it, and expect that the hosts are what they were. */
async function withoutAnyChange(host: string, run: () => ReturnType<typeof kbinit>): ReturnType<typeof kbinit> {
  const before = [await everyFile(lab, host), await output(lab, host, services)] as const;
  const result = await run();
  expect(changedPaths(before[0], await everyFile(lab, host))).toEqual([]);
  expect(await output(lab, host, services)).toBe(before[1]);
  return result;
}

interface Planned {
  readonly text: string;
  readonly content?: string;
}

/** The items of a plan that was printed with `-o json`. */
function planOf(stdout: string): readonly Planned[] {
  const { changes }: { readonly changes: readonly Planned[] } = JSON.parse(stdout);
  return changes;
}

describe('init --dry-run on a host without a cluster', () => {
  let stdout = '';
  let stderr = '';

  test('ends with 0, changes no file and touches no service', async () => {
    const config = await clusterConfig();
    const flags = ['--config', config, '--cni', 'flannel', '--upload-certs', '--dry-run'];
    const result = await withoutAnyChange('master1', () => kbinit(['init', ...over(lab, 'master1'), ...flags]));
    expect(result.code, result.stderr.slice(-2000)).toBe(0);
    ({ stdout, stderr } = result);
  });

  test('names every file that a run writes, with its content', () => {
    const files = ['manifests/kube-apiserver.yaml', 'manifests/etcd.yaml', 'pki/ca.crt', 'pki/apiserver.crt'];
    for (const file of files) expect(stdout).toContain(`create /etc/kubernetes/${file} (0`);
    expect(stdout).toContain('    - --advertise-address=');
    expect(stdout).toContain('    -----BEGIN CERTIFICATE-----');
    expect(stdout).toContain('systemctl restart kubelet');
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(
      /^Plan: \d\d+ to create, \d+ to change, 0 to delete on 1 host\.$/,
    );
    expect(stderr).not.toContain('/etc/kubernetes');
  });

  test('names secrets and shows none', () => {
    expect(stdout).toMatch(/create \/etc\/kubernetes\/pki\/ca\.key \(0600, secret\)/);
    expect(stdout).toMatch(/create Secret kube-system\/bootstrap-token-/);
    expect(stdout + stderr).not.toMatch(/PRIVATE KEY|client-key-data|token-secret/);
  });

  test('does not say that there is a cluster now', () => {
    expect(stdout).not.toMatch(/initialized successfully|kbinit join/);
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^dry run: nothing was changed/);
  });
});

/** As on a host that is no container: there kube-proxy's limits are left as kubeadm writes them. */
const writableConntrack = `cd /proc/sys/net/netfilter
for name in nf_conntrack_max nf_conntrack_tcp_timeout_established nf_conntrack_tcp_timeout_close_wait; do
  touch /run/writable
  [ -w $name ] || mount --bind /run/writable $name
done`;

describe.each(['default', 'ha-mirror'] as const)('the plan for the golden config %s', (name) => {
  const folder = `v1.36.3/${name}` as const;
  let plan: readonly Planned[] = [];

  beforeAll(async () => {
    const config = inFolder(await scratch(), 'config.yaml');
    await writeFile(config, golden(folder, 'config.yaml'));
    // The host that the goldens were made on had this address.
    await output(lab, 'master1', 'ip address replace 192.168.3.129/32 dev eth0');
    await output(lab, 'master1', writableConntrack);
    const flags = ['--config', config, '--upload-certs', '--dry-run', '--ignore-preflight-errors', 'all'];
    const result = await kbinit(['init', ...over(lab, 'master1'), ...flags, '-o', 'json']);
    expect(result.code, result.stderr.slice(-2000)).toBe(0);
    plan = planOf(result.stdout);
  });

  /** kubeadm binds its admins before a dry run begins to print. */
  const unprinted = 'ClusterRoleBinding kubeadm:cluster-admins';

  test('has the same API objects as the dry run of the real kubeadm', () => {
    const wanted = byIdentity(createdObjects(golden(folder, 'dryrun.txt')));
    const isSecret = (object: KubeObject): boolean => object.kind === 'Secret';
    const objects = plan.flatMap(({ text, content }): KubeObject[] =>
      content !== undefined && /^create [A-Z]/.test(text) && text !== `create ${unprinted}` ? [asObject(content)] : [],
    );
    const shown = Object.fromEntries(Object.entries(wanted).filter(([, object]) => !isSecret(object)));
    expect(byIdentity(objects)).toEqual(shown);
    const secrets = Object.values(wanted).filter(isSecret).map(nameOf);
    const planned = plan.filter(({ text }) => text.startsWith('create Secret ')).map(({ text }) => text.split('/')[1]);
    expect(planned.map(withoutRandom).toSorted()).toEqual(secrets.map(withoutRandom).toSorted());
  });

  test('has the same files as the real kubeadm wrote', () => {
    const bodies = new Map(
      plan.flatMap(({ text, content }) => {
        const path = /^create (\/\S+) /.exec(text)?.[1];
        return path === undefined || content === undefined ? [] : [[path, content] as const];
      }),
    );
    for (const file of goldenFiles(folder)) {
      const path = ['config.yaml', 'instance-config.yaml', 'kubeadm-flags.env'].includes(file)
        ? `/var/lib/kubelet/${file}`
        : `/etc/kubernetes/manifests/${file}`;
      expect(bodies.get(path), path).toBe(golden(folder, `files/${file}`));
    }
  });

  test('has every file of the tree that the real kubeadm left, with its mode, and no other', () => {
    const wanted = golden(folder, 'tree.txt')
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([, , type]) => type === 'f')
      .map(([mode = '', , , path = '']) => `/${path} ${mode === '-rw-------' ? '0600' : '0644'}`);
    const planned = plan.flatMap(({ text }) => {
      const [, path, mode] = /^create (\/\S+) \((\d+)/.exec(text) ?? [];
      return path === undefined || path.startsWith('/var/lib/kbinit/') ? [] : [`${path} ${mode}`];
    });
    expect(planned.toSorted()).toEqual(wanted.toSorted());
  });
});

function asObject(text: string): KubeObject {
  const value = readYaml(text);
  if (!isKubeObject(value)) throw new Error(`no object: ${text}`);
  return value;
}

function isKubeObject(value: unknown): value is KubeObject {
  return typeof value === 'object' && value !== null && 'kind' in value && 'metadata' in value;
}

function nameOf({ metadata }: KubeObject): string {
  return metadata.name;
}

/** Of two bootstrap tokens one has a random name. */
function withoutRandom(name: string | undefined): string {
  return (name ?? '').replace(/^bootstrap-token-(?!abcdef).*/, 'bootstrap-token-<random>');
}

describe('join --dry-run', () => {
  const flags = (address: string): string[] =>
    planned({ endpoint: `${address}:6443`, token: 'abcdef.0123456789abcdef', hash: `sha256:${'0'.repeat(64)}` });
  const planned = (to: ReturnType<typeof joinArguments>): string[] => [...joinFlags(to), '--dry-run'];

  test('plans with defaults when the cluster does not answer, says so, and takes seconds', async () => {
    const { address } = lab.host('master1');
    const result = await withoutAnyChange('node1', () =>
      kbinit([...flags(address), ...over(lab, 'node1')], { stdin: 'abcdef.0123456789abcdef' }),
    );
    expect(result.code, result.stderr.slice(-2000)).toBe(0);
    expect(result.stderr).toMatch(/warning the cluster could not be found .*the plan goes by kubeadm's defaults/);
    expect(result.stdout).toContain('create /etc/kubernetes/bootstrap-kubelet.conf (0600, secret)');
    expect(result.stdout).toContain('create /var/lib/kubelet/config.yaml (0644)');
    expect(result.stdout).not.toContain('has joined');
    expect(result.stdout + result.stderr).not.toContain('0123456789abcdef');
    expect(result.seconds).toBeLessThan(25);
  });

  test('takes seconds as well when packets to the cluster vanish', async () => {
    await output(lab, 'node1', 'iptables -I OUTPUT -p tcp --dport 6443 -j DROP');
    try {
      const { address } = lab.host('master1');
      const result = await kbinit([...flags(address), ...over(lab, 'node1')], { stdin: 'abcdef.0123456789abcdef' });
      expect(result.code, result.stderr.slice(-2000)).toBe(0);
      expect(result.seconds).toBeLessThan(25);
    } finally {
      await output(lab, 'node1', 'iptables -D OUTPUT -p tcp --dport 6443 -j DROP');
    }
  });
});

describe('dry runs over a cluster', () => {
  let wanted: ReturnType<typeof joinArguments>;
  let config = '';

  beforeAll(async () => {
    config = await clusterConfig();
    const init = await kbinit(['init', ...over(lab, 'master1'), '--config', config]);
    expect(init.code, init.stderr).toBe(0);
    wanted = joinArguments(init.stdout);
  });

  /** Files that the running control plane changes by itself. */
  const live =
    /^\/var\/lib\/etcd|^\/var\/lib\/kubelet\/(pods|plugins|device-plugins|.*_state|pki|$)|^\/var\/lib\/kubelet$|^\/etc\/cni/;

  test('join plans what the cluster says, and changes nothing on the host', async () => {
    const result = await withoutAnyChange('node1', () =>
      kbinit([...joinFlags(wanted), '--dry-run', ...over(lab, 'node1')], { stdin: wanted.token }),
    );
    expect(result.code, result.stderr.slice(-2000)).toBe(0);
    expect(result.stderr).not.toContain('could not be found');
    expect(result.stdout).toContain('failCgroupV1: false');
    expect(result.stdout).toContain('-----BEGIN CERTIFICATE-----');
  });

  test('init over its own cluster plans no file and no object', async () => {
    const before = await everyFile(lab, 'master1');
    const result = await kbinit(['init', ...over(lab, 'master1'), '--config', config, '--dry-run', '-o', 'json']);
    expect(result.code, result.stderr.slice(-2000)).toBe(0);
    const changes = planOf(result.stdout).filter(({ text }) => /^(create|change|update|remove|make)/.test(text));
    expect(changes.map(({ text }) => text)).toEqual([]);
    const changed = changedPaths(before, await everyFile(lab, 'master1'));
    expect(changed.filter((path) => !live.test(path))).toEqual([]);
  });

  test('reset asks nothing, names what it would delete, and deletes nothing', async () => {
    const before = await everyFile(lab, 'master1');
    const result = await kbinit(['reset', ...over(lab, 'master1'), '--dry-run']);
    expect(result.code, result.stderr.slice(-2000)).toBe(0);
    for (const path of ['/etc/kubernetes/pki/', '/etc/kubernetes/manifests/', '/var/lib/etcd/', '/var/lib/kubelet/']) {
      expect(result.stdout).toContain(`empty ${path}`);
    }
    expect(result.stdout).toContain('stop the kubelet');
    const changed = changedPaths(before, await everyFile(lab, 'master1'));
    expect(changed.filter((path) => !live.test(path))).toEqual([]);
    expect((await lab.kubectl(['get', 'nodes', '--no-headers'])).stdout).toContain('master1');
  });

  test('reset of a host that was never set up works too', async () => {
    const result = await withoutAnyChange('node1', () => kbinit(['reset', ...over(lab, 'node1'), '--dry-run']));
    expect(result.code, result.stderr.slice(-2000)).toBe(0);
  });

  test('a plan keeps no secret in the log file either', async () => {
    const home = await scratch();
    const flags = ['--config', config, '--dry-run', '--upload-certs'];
    const result = await kbinit(['init', ...over(lab, 'master1'), ...flags], { environment: { HOME: home } });
    expect(result.code, result.stderr.slice(-2000)).toBe(0);
    const log = /│? ?log\s+(\S+)/.exec(result.stderr)?.[1] ?? (await newestLog(home));
    const text = await readFile(log, 'utf8');
    expect(text.length).toBeGreaterThan(1000);
    expect(text).not.toMatch(/PRIVATE KEY|client-key-data/);
    expect(text).not.toContain(wanted.token.split('.')[1]);
  });
});

async function newestLog(home: string): Promise<string> {
  const folder = inFolder(home, '.kbinit/log');
  return inFolder(folder, (await readdir(folder)).toSorted().at(-1) ?? '');
}
