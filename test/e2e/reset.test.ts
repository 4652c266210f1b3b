// Undoing an init: the host is ready for another one, and what is not Kubernetes' own stays.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../lab/lab.ts';
import { output } from './observe.ts';
import { clusterConfig, joinArguments, joinFlags, kbinit, over, testLab } from './support.ts';

let lab: Lab;
let config: string;

const reset = (host: string, ...flags: readonly string[]): ReturnType<typeof kbinit> =>
  kbinit(['reset', ...over(lab, host), ...flags]);
const init = (host: string, ...flags: readonly string[]): ReturnType<typeof kbinit> =>
  kbinit(['init', ...over(lab, host), '--config', config, ...flags]);

/** Everything that init or join put on a host. */
const leftovers = `find /etc/kubernetes /var/lib/kubelet /var/lib/etcd /var/lib/kbinit -mindepth 1 ! -type d 2>/dev/null; crictl pods -q`;

beforeAll(async () => {
  lab = await testLab('reset', 45);
  await lab.up(['master1']);
  await lab.recreate(['master1']);
  config = await clusterConfig();
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

describe('reset', () => {
  test('of a host that was never set up ends with exit code 0', async () => {
    const done = await reset('master1', '--force');
    expect(done.code, done.stderr).toBe(0);
  });

  test('leaves a host on which init works again, three times over', async () => {
    for (let round = 0; round < 3; round++) {
      const made = await init('master1');
      expect(made.code, made.stderr).toBe(0);
      const done = await reset('master1', '--force');
      expect(done.code, done.stderr).toBe(0);
      expect(done.seconds).toBeLessThan(60);
      expect(await output(lab, 'master1', leftovers)).toBe('');
    }
  });

  test('of a half-made control plane, without a running etcd, ends with exit code 0', async () => {
    for (const phase of [
      ['certs', 'all'],
      ['kubeconfig', 'all'],
      ['control-plane', 'all'],
      ['etcd', 'local'],
    ]) {
      const made = await kbinit(['init', 'phase', ...phase, ...over(lab, 'master1'), '--config', config]);
      expect(made.code, made.stderr).toBe(0);
    }
    const done = await reset('master1', '--force');
    expect(done.code, done.stderr).toBe(0);
    expect(await output(lab, 'master1', leftovers)).toBe('');
  });

  test('that was cut after the kubelet had stopped goes on when it is run again', async () => {
    const made = await init('master1');
    expect(made.code, made.stderr).toBe(0);
    const cut = await kbinit(['reset', ...over(lab, 'master1'), '--force'], {
      onStart: (child) => {
        const watch = setInterval(() => {
          void lab.exec('master1', 'systemctl is-active kubelet').then(({ stdout }) => {
            if (stdout.trim() === 'inactive') child.kill('SIGKILL');
          });
        }, 50);
        child.once('close', () => clearInterval(watch));
      },
    });
    expect(cut.code, cut.stderr).toBe(137);
    expect(await output(lab, 'master1', 'ls /etc/kubernetes/manifests')).toContain('etcd.yaml');
    // The worst of it: nothing answers any more that could be asked about the member.
    await output(lab, 'master1', 'crictl rmp -a -f >/dev/null');
    const done = await reset('master1', '--force');
    expect(done.code, done.stderr).toBe(0);
    expect(await output(lab, 'master1', leftovers)).toBe('');
  });

  test('of a control plane whose etcd does not answer is refused, also where init skipped its last phases', async () => {
    const skip = '--skip-phases=bootstrap-token,show-join';
    const made = await init('master1', skip);
    expect(made.code, made.stderr).toBe(0);
    const other = await clusterConfig({ cluster: 'imageRepository: registry.example/other\n' });
    const changed = await kbinit(['init', ...over(lab, 'master1'), '--config', other, skip]);
    expect(changed.code).toBe(1);
    expect(changed.stderr).toContain('KB_OTHER_SPEC');
    await output(lab, 'master1', 'systemctl stop kubelet && crictl rmp -a -f >/dev/null');
    const refused = await reset('master1', '--force');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('KB_ETCD_UNREACHABLE');
    expect(refused.stderr).toContain('/var/lib/etcd was not touched');
    expect(await output(lab, 'master1', 'ls /var/lib/etcd/member')).toContain('snap');
    const wrong = await reset('master1', '--force', '--force-wipe-etcd', 'master2');
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain('KB_NOT_CONFIRMED');
    expect(await output(lab, 'master1', 'ls /var/lib/etcd/member')).toContain('snap');
    const done = await reset('master1', '--force', '--force-wipe-etcd', 'master1');
    expect(done.code, done.stderr).toBe(0);
    expect(await output(lab, 'master1', leftovers)).toBe('');
  });

  test('asks first, and changes nothing when the answer is no or there is none', async () => {
    await output(lab, 'master1', 'mkdir -p /etc/kubernetes/manifests && echo x > /etc/kubernetes/admin.conf');
    for (const stdin of ['', 'n\n', 'no\n']) {
      const done = await kbinit(['reset', ...over(lab, 'master1')], { stdin });
      expect(done.code).toBe(1);
      expect(done.stderr).toContain('KB_NOT_CONFIRMED');
      expect(await output(lab, 'master1', 'cat /etc/kubernetes/admin.conf')).toBe('x\n');
    }
    const done = await kbinit(['reset', ...over(lab, 'master1')], { stdin: 'y\n' });
    expect(done.code, done.stderr).toBe(0);
    expect(await output(lab, 'master1', leftovers)).toBe('');
  });

  test('leaves data of an etcd that is not ours where it is', async () => {
    await output(lab, 'master1', 'mkdir -p /var/lib/etcd/member && echo precious > /var/lib/etcd/member/db');
    const done = await reset('master1', '--force');
    expect(done.code, done.stderr).toBe(0);
    expect(await output(lab, 'master1', 'cat /var/lib/etcd/member/db; rm -r /var/lib/etcd')).toBe('precious\n');
  });

  test('keeps a mount on the kubelet folder itself and unmounts what is below it', async () => {
    const before = await output(
      lab,
      'master1',
      `mkdir -p /var/lib/kubelet && mount -t tmpfs tmpfs /var/lib/kubelet
       mkdir -p '/var/lib/kubelet/pods/a b/volumes' && mount -t tmpfs inner '/var/lib/kubelet/pods/a b/volumes'
       grep -c kubelet /proc/self/mounts`,
    );
    const done = await reset('master1', '--force');
    expect(done.code, done.stderr).toBe(0);
    const after = await output(lab, 'master1', 'grep -c kubelet /proc/self/mounts; find /var/lib/kubelet -mindepth 1');
    expect(Number(after)).toBe(Number(before) - 1);
    await output(lab, 'master1', 'umount /var/lib/kubelet');
  });

  test('empties a kubelet folder on a mount of its own and keeps the mount', async () => {
    await output(
      lab,
      'master1',
      'mkdir -p /srv/bound && touch /srv/bound/config.yaml && mount --bind /srv/bound /var/lib/kubelet',
    );
    const done = await reset('master1', '--force');
    expect(done.code, done.stderr).toBe(0);
    expect(
      await output(lab, 'master1', 'ls -A /srv/bound; mountpoint -q /var/lib/kubelet; umount /var/lib/kubelet'),
    ).toBe('');
  });

  test('follows a symlinked kubelet folder and keeps the link', async () => {
    // The lab's folder is a mount, which no link can replace.
    await output(lab, 'master1', 'while umount /var/lib/kubelet 2>/dev/null; do :; done; rmdir /var/lib/kubelet');
    await output(
      lab,
      'master1',
      'mkdir -p /srv/linked/pods/p && touch /srv/linked/config.yaml && ln -s /srv/linked /var/lib/kubelet',
    );
    await output(lab, 'master1', 'mkdir /srv/linked/pods/p/v && mount -t tmpfs inner /srv/linked/pods/p/v');
    const done = await reset('master1', '--force');
    expect(done.code, done.stderr).toBe(0);
    expect(
      await output(
        lab,
        'master1',
        'ls -A /srv/linked; readlink /var/lib/kubelet; grep -c linked /proc/self/mounts || true',
      ),
    ).toBe('/srv/linked\n0\n');
    await output(lab, 'master1', 'rm /var/lib/kubelet && mkdir /var/lib/kubelet');
  });

  test('stops before it deletes anything when a mount below the kubelet folder is busy', async () => {
    await output(
      lab,
      'master1',
      `mkdir -p /var/lib/kubelet/pods/p/volumes/v && mount -t tmpfs inner /var/lib/kubelet/pods/p/volumes/v
       echo data > /var/lib/kubelet/pods/p/volumes/v/marker && echo conf > /var/lib/kubelet/config.yaml
       cd /var/lib/kubelet/pods/p/volumes/v && systemd-run --collect --unit=busy --working-directory="$PWD" sleep 300 2>&1`,
    );
    const done = await reset('master1', '--force');
    expect(done.code).toBe(1);
    expect(done.stderr).toContain('KB_MOUNT_BUSY');
    expect(done.stderr).toContain('/var/lib/kubelet/pods/p/volumes/v');
    const left = 'cat /var/lib/kubelet/pods/p/volumes/v/marker /var/lib/kubelet/config.yaml';
    expect(await output(lab, 'master1', left)).toBe('data\nconf\n');
    await output(lab, 'master1', 'systemctl stop busy');
    const again = await reset('master1', '--force');
    expect(again.code, again.stderr).toBe(0);
    expect(await output(lab, 'master1', leftovers)).toBe('');
  });
});

describe('reset of a worker', () => {
  test('leaves nothing of the cluster on it, and it can join again', async () => {
    await lab.up(['node1']);
    await lab.recreate(['master1', 'node1']);
    const made = await init('master1');
    expect(made.code, made.stderr).toBe(0);
    const wanted = joinArguments(made.stdout);
    for (let round = 0; round < 2; round++) {
      const joined = await kbinit([...joinFlags(wanted), ...over(lab, 'node1')], { stdin: wanted.token });
      expect(joined.code, joined.stderr).toBe(0);
      const done = await reset('node1', '--force');
      expect(done.code, done.stderr).toBe(0);
      expect(done.seconds).toBeLessThan(60);
      expect(await output(lab, 'node1', leftovers)).toBe('');
      await lab.kubectl(['delete', 'node', 'node1']);
    }
  });
});
