// kbinit on the host itself, without SSH: the one file and Node, nothing beside them.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../lab/lab.ts';
import { managedFiles, managedObjects, output } from './observe.ts';
import { clusterConfig, eventually, program, testLab } from './support.ts';
import { unplug } from './support/host.ts';

const host = 'master1';
let lab: Lab;

/** Run kbinit inside the host. */
function here(args: string, stdin?: string): ReturnType<Lab['exec']> {
  return lab.exec(host, `cd /opt && PATH=/opt/node/bin:$PATH ./kbinit.mjs ${args}`, {
    timeoutSeconds: 240,
    env: { NO_COLOR: '1', HOME: '/root' },
    ...(stdin === undefined ? {} : { stdin }),
  });
}

beforeAll(async () => {
  lab = await testLab('local', 32);
  await lab.up([host]);
  await lab.recreate(host);
  await lab.copyTo(host, process.execPath, '/opt/node/bin/node', 0o755);
  await lab.copyTo(host, program, '/opt/kbinit.mjs', 0o755);
  await lab.copyTo(host, await clusterConfig(), '/opt/config.yaml', 0o600);
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

describe('kbinit on the host itself', () => {
  test('makes a cluster from a config file, with no node_modules and no SSH', async () => {
    const { code, stdout, stderr } = await here('init --config config.yaml --cni flannel');
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('initialized successfully');
    expect(stderr).not.toMatch(/ssh/i);
    await eventually('a Ready node', 60, async () =>
      / Ready /.test((await lab.kubectl(['get', 'nodes', '--no-headers'])).stdout),
    );
  });

  test('calls the host by its own name in every line about it', async () => {
    const { stderr } = await here('init phase preflight --config config.yaml');
    const lines = stderr.split('\n').filter((line) => /preflight/.test(line));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.every((line) => line.startsWith(`${host}  `))).toBe(true);
  });

  test('changes nothing the second time, and says so', async () => {
    const [files, objects] = [await managedFiles(lab, host), await managedObjects(lab)];
    const { code, stderr } = await here('init --config config.yaml --cni flannel');
    expect(code, stderr).toBe(0);
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^no changes/);
    expect(await managedFiles(lab, host)).toBe(files);
    expect(await managedObjects(lab)).toBe(objects);
  });

  test('asks before a reset, and does nothing without a yes', async () => {
    const files = await managedFiles(lab, host);
    const { code, stdout, stderr } = await here('reset', 'n\n');
    expect(code).toBe(1);
    expect(stdout).toContain('Are you sure you want to proceed? [y/N]');
    expect(stderr).toContain('KB_NOT_CONFIRMED');
    expect(await managedFiles(lab, host)).toBe(files);
  });

  test('resets the host on a yes, and sets it up again afterwards', async () => {
    const reset = await here('reset', 'y\n');
    expect(reset.code, reset.stderr).toBe(0);
    expect(
      await output(
        lab,
        host,
        'ls -A /etc/kubernetes/manifests /etc/kubernetes/pki /var/lib/etcd /var/lib/kubelet | grep -v :',
      ),
    ).toBe('\n\n\n');
    expect((await output(lab, host, 'crictl ps -a -q')).trim()).toBe('');
    const refused = await here('init --config config.yaml');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/KB_PREFLIGHT\s+Leftovers/);
    await unplug(lab, host);
    const again = await here('init --config config.yaml');
    expect(again.code, again.stderr).toBe(0);
    const forced = await here('reset -f');
    expect(forced.code, forced.stderr).toBe(0);
  });

  test('leaves no process of its own behind', async () => {
    const left = await output(lab, host, `pgrep -af 'kbinit|/opt/node' | grep -v pgrep | grep -v bash; true`);
    expect(left).toBe('');
  });
});
