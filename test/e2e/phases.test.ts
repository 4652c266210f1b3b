// `init phase …`: each phase alone, one after the other, makes what a whole init makes.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { initPhases } from '../../src/phases/index.ts';
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

const [piecemeal, whole, worker] = ['master1', 'master2', 'node1'];

let lab: Lab;
let config: string;

beforeAll(async () => {
  lab = await testLab('phases', 34);
  await lab.up([piecemeal, whole, worker]);
  await lab.recreate([piecemeal, whole, worker]);
  config = await clusterConfig();
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

/** Run one phase on the first host. */
function phase(words: readonly string[], flags: readonly string[] = ['--config', config]): Promise<KbinitResult> {
  return kbinit(['init', 'phase', ...words, ...over(lab, piecemeal), ...flags]);
}

/** A phase's command: its parts are run by `all`, and two phases take no --config, as in kubeadm. */
function commandOf({ name, phases }: (typeof initPhases)[number]): readonly string[] {
  return phases === undefined ? [name] : [name, 'all'];
}

function flagsOf({ flags = [] }: (typeof initPhases)[number]): readonly string[] {
  return [
    ...(flags.includes('config') ? ['--config', config] : []),
    ...(flags.includes('upload-certs') ? ['--upload-certs'] : []),
  ];
}

test('--rootfs works in a system that is mounted elsewhere, and leaves the running one alone', async () => {
  const root = '/srv/other-root';
  const mount = `for d in bin lib lib64 usr sbin dev proc sys run; do
    [ -e /$d ] || continue; mkdir -p ${root}/$d && mount --rbind /$d ${root}/$d; done; mkdir -p ${root}/etc ${root}/tmp`;
  expect(await lab.exec(piecemeal, mount)).toMatchObject({ code: 0 });
  const made = await phase(['certs', 'ca'], ['--rootfs', root, '--vmodule=certs=2']);
  expect(made.code, made.stderr).toBe(0);
  const { stdout } = await lab.exec(piecemeal, `find ${root}/etc/kubernetes /etc/kubernetes -type f | sort`);
  expect(stdout.trim().split('\n')).toEqual(['ca.crt', 'ca.key'].map((name) => `${root}/etc/kubernetes/pki/${name}`));
});

describe('the fourteen phases one after the other', () => {
  const outputs = new Map<string, KbinitResult>();

  test.each(initPhases.map((one) => [one.name, one] as const))('init phase %s ends with 0', async (name, one) => {
    const result = await phase(commandOf(one), flagsOf(one));
    expect(result.code, result.stderr).toBe(0);
    expect(result.stderr).toMatch(new RegExp(`^\\S+  ${name} +(?!skipped|failed)\\S`, 'm'));
    outputs.set(name, result);
  });

  test('init itself finds nothing left to do afterwards', async () => {
    const result = await kbinit(['init', ...over(lab, piecemeal), '--config', config, '--upload-certs']);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stderr.trimEnd().split('\n').at(-1)).toMatch(/^no changes/);
  });

  test('leave the files of a whole init: the same paths, modes and, but for names and keys, contents', async () => {
    const init = await kbinit(['init', ...over(lab, whole), '--config', config, '--upload-certs']);
    expect(init.code, init.stderr).toBe(0);
    expect(await treeOf(piecemeal)).toEqual(await treeOf(whole));
    expect(await contentsOf(piecemeal)).toBe(await contentsOf(whole));
  });

  test('leave the API objects of a whole init', async () => {
    await eventually('both clusters to have the same objects', 30, async () => {
      const [one, other] = [await objectsOf(piecemeal), await objectsOf(whole)];
      expect(one.length).toBeGreaterThan(50);
      expect(one).toEqual(other);
      return true;
    });
  });

  test('let a worker join with what the phase show-join printed', async () => {
    const wanted = joinArguments(outputs.get('show-join')?.stdout ?? '');
    const result = await kbinit([...joinFlags(wanted), ...over(lab, worker)], { stdin: wanted.token });
    expect(result.code, result.stderr).toBe(0);
    expect((await lab.kubectl(['get', 'node', worker, '--no-headers'])).stdout).toContain(worker);
  });

  test('upload-certs by its name prints a new key each time, and keeps what a key that is given opens', async () => {
    const upload = async (more: readonly string[] = [], stdin = ''): Promise<readonly [string, string]> => {
      const flags = ['--config', config, '--upload-certs', ...more, ...over(lab, piecemeal)];
      const result = await kbinit(['init', 'phase', 'upload-certs', ...flags], { stdin });
      expect(result.code, result.stderr).toBe(0);
      return [/^[0-9a-f]{64}$/m.exec(result.stdout)?.[0] ?? '', result.stderr];
    };
    const [[first], [second]] = [await upload(), await upload()];
    expect([first.length, second.length]).toEqual([64, 64]);
    expect(first).not.toBe(second);
    expect((await upload(['--certificate-key-file', '-'], second))[1]).toContain('no changes');
  });
});

/** Type, mode and owner of what init leaves, without what runs by itself. */
async function treeOf(host: string): Promise<readonly string[]> {
  const text = await output(
    lab,
    host,
    `find /etc/kubernetes /var/lib/kbinit /var/lib/etcd /var/lib/kubelet -maxdepth 3 -printf '%p %y %m %u:%g\\n' | sort`,
  );
  const live =
    /^\/var\/lib\/(etcd\/member|kubelet\/(pods|plugins|device-plugins|checkpoints|pki|\w+_state|\w+_manager))/;
  return text.split('\n').filter((line) => !live.test(line));
}

/** Manifests and kubelet files with this host's name and address blanked. */
async function contentsOf(host: string): Promise<string> {
  const files = '/etc/kubernetes/manifests/*.yaml /var/lib/kubelet/*.yaml /var/lib/kubelet/kubeadm-flags.env';
  const text = await output(lab, host, `tail -n +1 ${files}`);
  return text.replaceAll(lab.host(host).address, '<address>').replaceAll(host, '<name>');
}

/** Kind and name of everything in the cluster that is not named at random. */
async function objectsOf(host: string): Promise<readonly string[]> {
  const kinds =
    'configmaps,secrets,roles,rolebindings,clusterroles,clusterrolebindings,serviceaccounts,services,deployments,daemonsets';
  const { stdout } = await lab.kubectl(['get', kinds, '-A', '-o', 'name'], { host });
  const fixed = stdout.split('\n').map((line) => line.replace(/bootstrap-token-\w+/, 'bootstrap-token-…'));
  return fixed.toSorted();
}

describe('the names of phases', () => {
  test.each([
    ['wait-control-plane', []],
    ['bootstraptoken', ['--config']],
    ['show-join-command', []],
    ['addon all', ['--config']],
    ['uploadconfig all', ['--config']],
  ])("kubeadm's alias %s works", async (words, flags) => {
    const result = await phase(words.split(' '), flags.length > 0 ? ['--config', config] : []);
    expect(result.code, result.stderr).toBe(0);
  });

  test('a phase with parts and none of them named prints help and ends with 1', async () => {
    const result = await kbinit(['init', 'phase', 'certs']);
    expect(result.code).toBe(1);
    expect(result.stdout + result.stderr).toContain('Usage: kbinit init phase certs');
    expect(result.stdout + result.stderr).toContain('apiserver-kubelet-client');
  });

  test('init phase --help lists all phases in their order, parts below', async () => {
    const { code, stdout } = await kbinit(['init', 'phase', '--help']);
    expect(code).toBe(0);
    const tree = stdout.slice(stdout.indexOf('The phases in their order:'));
    const found = [...tree.matchAll(/^ {2}([a-z][a-z-]*) /gm)].map((match) => match[1]);
    expect(found).toEqual(initPhases.map(({ name }) => name));
    expect(tree).toContain('/apiserver-etcd-client');
  });

  test('a phase that does not exist is refused', async () => {
    const { code, stderr } = await kbinit(['init', 'phase', 'certz']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/unknown command 'certz'|there is no phase/);
  });

  test('a phase that does not exist cannot be skipped', async () => {
    const { code, stderr } = await kbinit(['init', ...over(lab, piecemeal), '--config', config, '--skip-phases=certz']);
    expect(code).toBe(1);
    expect(stderr).toContain('KB_PHASE_UNKNOWN');
    expect(stderr).toContain('certs/apiserver');
  });
});

describe('one part of a phase', () => {
  test('init phase certs apiserver makes that certificate alone again', async () => {
    const before = await output(lab, piecemeal, 'cd /etc/kubernetes/pki && sha256sum *.crt *.key etcd/*');
    await output(lab, piecemeal, 'rm /etc/kubernetes/pki/apiserver.crt /etc/kubernetes/pki/apiserver.key');
    const result = await phase(['certs', 'apiserver']);
    expect(result.code, result.stderr).toBe(0);
    const after = await output(lab, piecemeal, 'cd /etc/kubernetes/pki && sha256sum *.crt *.key etcd/*');
    const changed = after.split('\n').filter((line) => !before.includes(line));
    expect(changed.map((line) => line.split(/\s+/)[1])).toEqual(['apiserver.crt', 'apiserver.key']);
    await output(lab, piecemeal, 'openssl verify -CAfile /etc/kubernetes/pki/ca.crt /etc/kubernetes/pki/apiserver.crt');
  });

  test('--skip-phases leaves out a phase and a part of one', async () => {
    await lab.recreate(worker);
    const flags = ['--config', config, '--skip-phases=addons/kube-proxy,mark-control-plane,upload-certs'];
    const result = await kbinit(['init', ...over(lab, worker), ...flags, '--skip-phases', 'show-join']);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stderr).not.toMatch(/ mark-control-plane /);
    expect(result.stdout).not.toContain('kbinit join');
    const { stdout } = await lab.kubectl(['get', 'daemonsets,deployments', '-A', '-o', 'name'], { host: worker });
    expect(stdout.trim()).toBe('deployment.apps/coredns');
    const node = await lab.kubectl(['get', 'node', worker, '-o', 'jsonpath={.spec.taints[*].key}'], { host: worker });
    expect(node.stdout).not.toContain('control-plane');
  });

  test('a phase is not run without the one it needs', async () => {
    const flags = ['--config', config, '--skip-phases=bootstrap-token'];
    const result = await kbinit(['init', ...over(lab, piecemeal), ...flags]);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('KB_PHASE_NEEDS');
    expect(result.stderr).toContain('--skip-phases=bootstrap-token,show-join');
  });
});
