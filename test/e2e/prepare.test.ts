// From hosts with nothing but sshd to a cluster, and back to what they were: packages and firewalld on an imitated Rocky
// Linux 9, uploaded programs on a bare Debian.
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stepDir } from '../lab/cache.ts';
import { cni, cniFlannel, containerdPrograms, criTools, kubernetes, runc } from '../lab/go-build.ts';
import type { Lab } from '../lab/lab.ts';
import { output } from './observe.ts';
import {
  clusterConfig,
  eventually,
  joinArguments,
  joinFlags,
  kbinit,
  over,
  scratch,
  testLab,
  type KbinitResult,
} from './support.ts';

let lab: Lab;
let programs: string;

const rocky = 'master1';
const bare = 'node1';

/** Flags of each host: the lab's kernel has cgroup v1. */
function flags(host: string): readonly string[] {
  const common = ['--cgroup-driver', 'cgroupfs', '--hosts-entry', `${lab.host('master1').address}=api.example`];
  if (host === bare) return [...common, '--binaries', programs];
  const rpm = 'file:///srv/rpm';
  return [
    ...common,
    '--role',
    'control-plane,worker',
    '--repository',
    `${rpm}/kubernetes/core:/stable:/v1.36/rpm`,
    '--repository',
    `${rpm}/docker-ce/linux/centos/9/x86_64/stable`,
  ];
}

const prepare = (host: string, ...more: readonly string[]): Promise<KbinitResult> =>
  kbinit(['host', 'prepare', ...over(lab, host), ...flags(host), ...more]);
const restore = (host: string, ...more: readonly string[]): Promise<KbinitResult> =>
  kbinit(['host', 'restore', ...over(lab, host), ...more]);

/** All that a preparation may change, as text; /etc itself is kept beside it. */
const state = `
until files=$(systemctl list-unit-files --state=enabled,disabled,masked --no-legend) && [ -n "$files" ]; do sleep 1; done
printf '%s\\n' "$files"
systemctl list-units --type=service --state=running --no-legend --plain | cut -d' ' -f1 | grep -v ^user@
if command -v dpkg-query >/dev/null; then dpkg-query -W; else rpm -qa | sort; fi
find /opt /usr/local | sort
cat /proc/swaps
sysctl -a 2>/dev/null | grep -E '^net.ipv4.ip_forward |^net.bridge.bridge-nf-call-ip'
command -v firewall-cmd >/dev/null && { firewall-cmd --list-all; firewall-cmd --zone=trusted --list-all; }
ls -d /var/lib/kbinit 2>&1
true`;

async function keepState(host: string): Promise<void> {
  // On a machine that is busy, systemd answers late, and services are still on their way.
  await eventually(`${host} to have started`, 180, async () =>
    /^(?:running|degraded)$/m.test((await lab.exec(host, 'systemctl is-system-running')).stdout),
  );
  await output(lab, host, `rm -rf /root/etc.0; cp -a /etc /root/etc.0; ( ${state} ) >/root/state.0`);
}

/** What differs from the start; empty means nothing. */
async function differences(host: string): Promise<string> {
  return output(
    lab,
    host,
    `diff -r --no-dereference /root/etc.0 /etc; cd /root/etc.0 && find . -printf '%p %m %u:%g %y\\n' | sort >/root/modes.0
cd /etc && find . -printf '%p %m %u:%g %y\\n' | sort | diff /root/modes.0 -; ( ${state} ) | diff /root/state.0 -; true`,
  );
}

/** A folder of the lab's own programs, with its lock. */
async function folderOfPrograms(): Promise<string> {
  const folder = join(await scratch(), 'programs');
  await mkdir(join(folder, 'cni'), { recursive: true });
  for (const [step, names] of [
    [kubernetes, ['kubelet', 'kubectl']],
    [containerdPrograms, ['containerd', 'containerd-shim-runc-v2', 'ctr']],
    [runc, ['runc']],
    [criTools, ['crictl']],
  ] as const) {
    for (const name of names) await cp(join(stepDir(step), name), join(folder, name));
  }
  for (const step of [cni, cniFlannel]) await cp(stepDir(step), join(folder, 'cni'), { recursive: true });
  const lines: string[] = [];
  for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const path = join(file.parentPath, file.name);
    const hash = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
    lines.push(`${hash}  ${path.slice(folder.length + 1)}\n`);
  }
  await writeFile(join(folder, 'SHA256SUMS'), lines.join(''));
  return folder;
}

beforeAll(async () => {
  lab = await testLab('prep', 76);
  await lab.down();
  await lab.up([
    { name: rocky, kind: 'rocky-9', images: true },
    { name: bare, kind: 'bare', images: true },
  ]);
  programs = await folderOfPrograms();
  await Promise.all([rocky, bare].map(keepState));
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

describe('host prepare', () => {
  test('a dry run tells every file and command, and changes nothing', async () => {
    for (const host of [rocky, bare]) {
      const planned = await prepare(host, '--dry-run');
      expect(planned.code, planned.stderr).toBe(0);
      expect(planned.stderr).toContain('create /etc/sysctl.d/99-zz-kbinit.conf');
      expect(planned.stderr).toContain('dry run: nothing was changed');
      expect(await differences(host)).toBe('');
    }
  });

  test('a program that is not what its lock says goes to no host', async () => {
    const bad = join(await scratch(), 'bad');
    await cp(programs, bad, { recursive: true });
    const runcBytes = await readFile(join(bad, 'runc'));
    runcBytes[1000] = (runcBytes[1000] ?? 0) ^ 1;
    await writeFile(join(bad, 'runc'), runcBytes);
    const refused = await kbinit(['host', 'prepare', ...over(lab, bare), '--binaries', bad]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('KB_BINARY');
    expect(await differences(bare)).toBe('');
  });

  test('a kubelet of another minor is refused on the host, and gone', async () => {
    const refused = await prepare(bare, '--kubernetes-version', '1.35');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/v1\.36\.\d+, v1\.35\. is asked for/);
    expect(await output(lab, bare, 'find /usr/local/bin -name "*kubelet*"')).toBe('');
    const back = await restore(bare);
    expect(back.code, back.stderr).toBe(0);
    expect(await differences(bare)).toBe('');
  });

  test('brings both hosts to what Kubernetes needs', async () => {
    // Nothing is to run from /tmp (R26).
    await output(lab, bare, 'mount -o remount,noexec /tmp');
    for (const done of await Promise.all([prepare(rocky), prepare(bare)])) expect(done.code, done.stderr).toBe(0);
    expect(await output(lab, rocky, 'rpm -q --qf "%{NAME} " kubelet containerd.io; firewall-cmd --state')).toBe(
      'kubelet containerd.io running\n',
    );
    expect(await output(lab, bare, 'stat -c "%a %U" /usr/local/bin/kubelet; systemctl is-active containerd')).toBe(
      '755 root\nactive\n',
    );
  });

  test('a second run changes nothing and says so', async () => {
    for (const host of [rocky, bare]) {
      const trace = (): Promise<string> =>
        output(lab, host, "find /etc /usr/local /opt /var/lib/kbinit -printf '%p %i %C@\\n' | sort");
      const before = await trace();
      const again = await prepare(host);
      expect(again.code, again.stderr).toBe(0);
      expect(again.stderr).toContain('no changes');
      expect(await trace()).toBe(before);
    }
  });

  test("the firewall has exactly the role's ports, now and at boot", async () => {
    const ports = '2379-2380/tcp 6443/tcp 10250/tcp 10256/tcp 30000-32767/tcp 8472/udp 30000-32767/udp';
    const wanted = ports.split(' ').toSorted();
    for (const when of ['', '--permanent']) {
      const found = await output(lab, rocky, `firewall-cmd ${when} --list-ports`);
      expect(found.trim().split(' ').toSorted()).toEqual(wanted);
      expect(await output(lab, rocky, `firewall-cmd ${when} --zone=trusted --list-sources`)).toBe('10.244.0.0/16\n');
    }
  });
});

describe('the cluster on prepared hosts', () => {
  test('init and join: both Ready, with firewalld on, and Pods of one host reach those of the other', async () => {
    const config = await clusterConfig();
    const ignored = ['--ignore-preflight-errors', 'SystemVerification'];
    const init = await kbinit(['init', ...over(lab, rocky), '--config', config, '--cni', 'flannel', ...ignored]);
    expect(init.code, init.stderr).toBe(0);
    const wanted = joinArguments(init.stdout);
    const joined = await kbinit([...joinFlags(wanted), ...over(lab, bare), ...ignored], { stdin: wanted.token });
    expect(joined.code, joined.stderr).toBe(0);
    await eventually('both nodes to be Ready', 120, async () => {
      const { stdout } = await lab.kubectl(['get', 'nodes', '--no-headers'], { host: rocky });
      return stdout.split('\n').filter((line) => / Ready /.test(line)).length === 2;
    });
    await eventually('CoreDNS to answer from the other host', 120, async () => {
      const ip = (
        await lab.kubectl(
          ['-n', 'kube-system', 'get', 'pods', '-l', 'k8s-app=kube-dns', '-o', 'jsonpath={.items[0].status.podIP}'],
          { host: rocky },
        )
      ).stdout;
      if (!ip.startsWith('10.244.')) return false;
      const both = await Promise.all(
        [rocky, bare].map((host) => lab.exec(host, `timeout 5 bash -c 'exec 3<>/dev/tcp/${ip}/9153'`)),
      );
      return both.every(({ code }) => code === 0);
    });
    expect(await output(lab, rocky, 'firewall-cmd --state')).toBe('running\n');
  });

  test('a host in a cluster is not restored', async () => {
    const refused = await restore(rocky);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('KB_RESTORE_IN_USE');
  });

  test('reset --host-changes: /etc, services, packages, sysctl and firewall are as they were at the start', async () => {
    for (const host of [bare, rocky]) {
      const foreign = 'iptables -w -N MINE; iptables -w -A INPUT -j MINE -m comment --comment "KUBE-like words"';
      await output(lab, host, foreign);
      const done = await kbinit(['reset', ...over(lab, host), '--force', '--host-changes']);
      expect(done.code, done.stderr).toBe(0);
      expect(
        await output(
          lab,
          host,
          'iptables-save | grep -c -e "-A INPUT.*-j MINE"; iptables -D INPUT -j MINE -m comment --comment "KUBE-like words"; iptables -X MINE',
        ),
      ).toBe('1\n');
      expect(await output(lab, host, 'iptables-save | grep -c -E "KUBE-[A-Z]+ |FLANNEL|CNI-" || true')).toBe('0\n');
      expect(await output(lab, host, 'ls -d /sys/class/net/cni0 /sys/class/net/flannel.1 2>/dev/null || true')).toBe(
        '',
      );
      expect(await differences(host)).toBe('');
    }
  });
});

describe('host restore', () => {
  test("what somebody changed since stops it; --force brings back what was there; an editor's own lines stay", async () => {
    const system = ['repositories', 'packages', 'binaries', 'containerd', 'kubelet', 'firewall', 'crictl'].join(',');
    expect((await prepare(bare, '--skip-phases', system)).code).toBe(0);
    await output(lab, bare, 'echo "vm.x = 1" >>/etc/sysctl.d/99-zz-kbinit.conf; echo "10.9.9.9 theirs" >>/etc/hosts');
    const refused = await restore(bare);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('KB_RESTORE_CHANGED');
    expect(refused.stderr).toContain('/etc/sysctl.d/99-zz-kbinit.conf was edited after kbinit wrote it');
    const forced = await restore(bare, '--force');
    expect(forced.code, forced.stderr).toBe(0);
    expect(await output(lab, bare, 'grep -c theirs /etc/hosts; grep -c api.example /etc/hosts || true')).toBe('1\n0\n');
    await output(lab, bare, "sed -i '/theirs/d' /etc/hosts");
    expect(await differences(bare)).toBe('');
    const again = await restore(bare);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toContain('no changes');
  });

  test('a host that is prepared again has the same ports, and none of them is left behind', async () => {
    const others = ['packages', 'repositories', 'containerd', 'kubelet', 'crictl', 'swap'].join(',');
    const open = (): Promise<string> =>
      output(lab, rocky, 'for when in "" --permanent; do firewall-cmd $when --list-ports; done');
    for (const round of ['first', 'second']) {
      expect((await prepare(rocky, '--skip-phases', others)).code, round).toBe(0);
      expect(await open()).toMatch(/6443\/tcp.*\n.*6443\/tcp/);
      expect((await restore(rocky)).code, round).toBe(0);
      expect(await open()).toBe('\n\n');
      expect(await differences(rocky)).toBe('');
    }
    // What firewalld remembers would come back with the next change of anybody.
    await output(lab, rocky, 'firewall-cmd -q --permanent --add-port=8080/tcp');
    expect(await output(lab, rocky, 'firewall-cmd --permanent --list-ports')).toBe('8080/tcp\n');
  });
});
