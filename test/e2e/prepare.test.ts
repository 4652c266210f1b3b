// Hosts with nothing but sshd, and back to what they were: what goes wrong on the way, uploaded programs with a cluster of
// one host, an imitated Rocky Linux 9 with firewalld, an imitated CentOS 7 with containerd 1.x. Six hosts: prepare-six.
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { versions, type Lab } from '../lab/lab.ts';
import { repositoryFolder, repositoryPaths } from '../lab/rpm-repositories.ts';
import { output } from './observe.ts';
import { clusterConfig, eventually, kbinit, over, scratch, testLab, type KbinitResult } from './support.ts';
import { installPackages } from './support/debs.ts';
import {
  differences,
  folderOfPrograms,
  forThisKernel,
  fromRpms,
  keepState,
  otherKey,
  vendorPublicKey,
  trace,
} from './support/prepared.ts';
import { unlabelled, withSelinux } from './support/selinux-stub.ts';

let lab: Lab;
let programs: string;

const bare = 'master1';
const rocky = 'node1';
const centos7 = 'node2';

function flags(host: string): readonly string[] {
  const names = ['--hosts-entry', `${lab.host(bare).address}=api.example`];
  if (host === bare) return [...forThisKernel, ...names, '--binaries', programs];
  if (host === rocky) return [...forThisKernel, ...names, '--role', 'control-plane,worker', ...fromRpms];
  const older = `file://${repositoryFolder}/${repositoryPaths.olderKubernetes}`;
  return [...names, ...fromRpms.map((word) => (word.includes('/kubernetes/') ? older : word))];
}

const prepare = (host: string, ...more: readonly string[]): Promise<KbinitResult> =>
  kbinit(['host', 'prepare', ...over(lab, host), ...flags(host), ...more]);
const restore = (host: string, ...more: readonly string[]): Promise<KbinitResult> =>
  kbinit(['host', 'restore', ...over(lab, host), ...more]);

beforeAll(async () => {
  lab = await testLab('prep', 76);
  await lab.down();
  await lab.up([
    { name: bare, kind: 'bare', images: true },
    { name: rocky, kind: 'rocky-9' },
    { name: centos7, kind: 'centos-7' },
  ]);
  programs = await folderOfPrograms();
  await runNetworkManager();
  await Promise.all([bare, rocky, centos7].map((host) => keepState(lab, host)));
});

/** Debian's own, which leaves the lab's interface to podman. */
async function runNetworkManager(): Promise<void> {
  const ours = '/etc/NetworkManager/conf.d/lab.conf';
  await output(
    lab,
    bare,
    `mkdir -p /etc/NetworkManager/conf.d; printf '[keyfile]\\nunmanaged-devices=interface-name:eth0\\n' >${ours}`,
  );
  await installPackages(lab, bare, ['network-manager']);
  // It would wait for an interface that is its own, and whoever wants to be online with it.
  const start = 'systemctl disable -q NetworkManager-wait-online; systemctl restart systemd-udevd NetworkManager';
  await output(lab, bare, start);
}

/** What NetworkManager says of new links with these names. */
async function managed(links: readonly string[]): Promise<readonly string[]> {
  const each = (script: (link: string, index: number) => string): string => links.map(script).join('\n');
  const text = await output(
    lab,
    bare,
    // Without an address nobody would take it over.
    `${each((link, n) => `ip link add ${link} type bridge; ip addr add 169.254.7.${n}/32 dev ${link}; ip link set ${link} up`)}
sleep 1; nmcli -g DEVICE,STATE device
${each((link) => `ip link delete ${link}`)}`,
  );
  return text
    .split('\n')
    .filter((line) => links.includes(line.split(':')[0] ?? ''))
    .toSorted();
}

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

describe('host prepare', () => {
  test('a dry run tells every file and command, and changes nothing', async () => {
    for (const host of [rocky, bare]) {
      const planned = await prepare(host, '--dry-run');
      expect(planned.code, planned.stderr).toBe(0);
      expect(planned.stdout).toContain('create /etc/sysctl.d/99-zz-kbinit.conf');
      expect(planned.stderr).toContain('dry run: nothing was changed');
      expect(await differences(lab, host)).toBe('');
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
    expect(await differences(lab, bare)).toBe('');
  });

  test('a kubelet of another minor is refused on the host, and gone', async () => {
    const refused = await prepare(bare, '--kubernetes-version', '1.35');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/v1\.36\.\d+, v1\.35\. is asked for/);
    expect(await output(lab, bare, 'find /usr/local/bin -name "*kubelet*"')).toBe('');
    const back = await restore(bare);
    expect(back.code, back.stderr).toBe(0);
    expect(await differences(lab, bare)).toBe('');
  });

  test('packages that another key signed are not installed', async () => {
    const asked = flags(rocky).map((word) => (word === vendorPublicKey ? otherKey : word));
    const refused = await kbinit(['host', 'prepare', ...over(lab, rocky), ...asked]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('KB_PREPARE_COMMAND');
    expect(await output(lab, rocky, 'rpm -q kubelet containerd.io; true')).toMatch(
      /^(?:package \S+ is not installed\n){2}$/,
    );
    const back = await restore(rocky);
    expect(back.code, back.stderr).toBe(0);
    expect(await differences(lab, rocky)).toBe('');
  });

  test('brings hosts to what Kubernetes needs, by packages and by uploaded programs', async () => {
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

  test("NetworkManager leaves the Pods' links alone, and no others", async () => {
    const links = ['br7', 'cali7', 'cni7', 'flannel.7', 'veth7'];
    const unmanaged = links.slice(1).map((link) => `${link}:unmanaged`);
    const [first, ...others] = await managed(links);
    expect([first, others]).toEqual([expect.stringMatching(/^br7:connect/), unmanaged]);
  });

  test('a second run changes nothing and says so', async () => {
    const before = await trace(lab, bare);
    const again = await prepare(bare);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toContain('no changes');
    expect(await trace(lab, bare)).toBe(before);
  });

  test('a run without the flags of the first time plans nothing back, names what it goes by, and changes nothing', async () => {
    for (const host of [rocky, bare]) {
      const before = await trace(lab, host);
      const alone = (...more: readonly string[]): Promise<KbinitResult> =>
        kbinit(['host', 'prepare', ...over(lab, host), ...more]);
      const planned = await alone('--dry-run');
      expect(planned.code, planned.stderr).toBe(0);
      expect(planned.stdout).toMatch(host === bare ? /was given last time: .*--binaries/ : /last time: .*--repository/);
      expect(planned.stdout).toContain('Plan: 0 to create, 0 to change, 0 to delete on 1 host.');
      const again = await alone();
      expect(again.code, again.stderr).toBe(0);
      expect(again.stderr).toContain('no changes');
      expect(await trace(lab, host)).toBe(before);
    }
  });

  test('of several roles the firewall has the ports of all, now and at boot', async () => {
    const ports = '2379-2380/tcp 6443/tcp 10250/tcp 10256/tcp 30000-32767/tcp 8472/udp 30000-32767/udp';
    const wanted = ports.split(' ').toSorted();
    for (const when of ['', '--permanent']) {
      const found = await output(lab, rocky, `firewall-cmd ${when} --list-ports`);
      expect(found.trim().split(' ').toSorted()).toEqual(wanted);
      expect(await output(lab, rocky, `firewall-cmd ${when} --zone=trusted --list-sources`)).toBe('10.244.0.0/16\n');
    }
  });
});

describe('a CentOS 7', () => {
  test('is refused for Kubernetes above 1.31, with the reason and the way out, and nothing is changed', async () => {
    const refused = await prepare(centos7);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('KB_PREPARE_OS');
    expect(refused.stderr).toContain('CentOS Linux 7 (Core) has kernel 3.10 and cgroup v1');
    expect(refused.stderr).toContain('--kubernetes-version 1.31');
    expect(await differences(lab, centos7)).toBe('');
  });

  test('gets a configuration for Kubernetes 1.31 that its containerd 1.x obeys, and gives all of it back', async () => {
    const wanted = ['--kubernetes-version', '1.31'];
    const done = await prepare(centos7, ...wanted);
    expect(done.code, done.stderr).toBe(0);
    expect(done.stderr).not.toContain('failCgroupV1');
    expect(await output(lab, centos7, 'kubelet --version 2>/dev/null; containerd --version')).toMatch(
      new RegExp(`^Kubernetes v1\\.31\\.\\d+\ncontainerd .* v${versions.containerd1}`),
    );
    const dump = await output(lab, centos7, 'systemctl is-active containerd; containerd config dump');
    expect(dump).toMatch(/^active\n/);
    expect(dump).toMatch(/^version = 2$/m);
    expect(dump).toMatch(/^ *SystemdCgroup = true$/m);
    expect(dump).toMatch(/^ *sandbox_image = "registry\.k8s\.io\/pause:3\.10"$/m);
    expect(dump).toMatch(/^ *config_path = "\/etc\/containerd\/certs\.d"$/m);
    // What the kubelet speaks to is switched on, which it is not in the package's own file.
    expect(
      await output(lab, centos7, 'crictl info | grep -c -E \'"systemdCgroup": true|"SystemdCgroup": true\''),
    ).not.toBe('0\n');
    const again = await prepare(centos7, ...wanted);
    expect(again.stderr).toContain('no changes');
    const back = await restore(centos7);
    expect(back.code, back.stderr).toBe(0);
    expect(await differences(lab, centos7)).toBe('');
  });
});

describe('a cluster on uploaded programs', () => {
  test('init: Ready, with a Pod network', async () => {
    const ignored = ['--ignore-preflight-errors', 'SystemVerification'];
    const config = await clusterConfig({ cluster: 'controlPlaneEndpoint: api.example:6443' });
    const init = await kbinit(['init', ...over(lab, bare), '--config', config, '--cni', 'flannel', ...ignored]);
    expect(init.code, init.stderr).toBe(0);
    await eventually('CoreDNS on a Ready node', 120, async () => {
      const ready = 'jsonpath={.items[*].status.containerStatuses[0].ready}';
      const { stdout } = await lab.kubectl(['-n', 'kube-system', 'get', 'pods', '-l', 'k8s-app=kube-dns', '-o', ready]);
      return stdout === 'true true';
    });
  });

  test('a host in a cluster keeps its cgroup driver', async () => {
    const driver = ['--cgroup-driver', forThisKernel.includes('cgroupfs') ? 'systemd' : 'cgroupfs'];
    const refused = await kbinit(['host', 'prepare', ...over(lab, bare), ...driver]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('KB_CGROUP_DRIVER');
    expect(await output(lab, bare, 'systemctl is-active containerd kubelet')).toBe('active\nactive\n');
  });

  test('a host in a cluster is not restored', async () => {
    const refused = await restore(bare);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('KB_RESTORE_IN_USE');
  });

  test("reset --host-changes: everything is as it was at the start, and nobody else's rule is touched", async () => {
    const foreign = 'iptables -w -N MINE; iptables -w -A INPUT -j MINE -m comment --comment "KUBE-like words"';
    await output(lab, bare, foreign);
    const done = await kbinit(['reset', ...over(lab, bare), '--force', '--host-changes']);
    expect(done.code, done.stderr).toBe(0);
    expect(
      await output(
        lab,
        bare,
        'iptables-save | grep -c -e "-A INPUT.*-j MINE"; iptables -D INPUT -j MINE -m comment --comment "KUBE-like words"; iptables -X MINE',
      ),
    ).toBe('1\n');
    expect(await output(lab, bare, 'iptables-save | grep -c -E "KUBE-[A-Z]+ |FLANNEL|CNI-" || true')).toBe('0\n');
    expect(await output(lab, bare, 'ls -d /sys/class/net/cni0 /sys/class/net/flannel.1 2>/dev/null || true')).toBe('');
    expect(await differences(lab, bare)).toBe('');
    // NetworkManager has been told, not only its file removed.
    expect(await managed(['cni7'])).toEqual([expect.stringMatching(/^cni7:connect/)]);
  });
});

describe('SELinux (stubs of its programs)', () => {
  test('each file that came by a rename gets its label before first use; nobody is told to be permissive', async () => {
    const selinux = await withSelinux(lab, bare);
    const done = await kbinit(['host', 'prepare', ...selinux.over, ...flags(bare)]);
    expect(done.code, done.stderr).toBe(0);
    const back = await kbinit(['host', 'restore', ...selinux.over]);
    expect(back.code, back.stderr).toBe(0);
    const calls = await selinux.calls();
    await selinux.end();
    const renamed = calls.filter((call) => call.startsWith('mv ') && !call.includes('/var/lib/kbinit/'));
    expect(renamed.length).toBeGreaterThan(20);
    expect(unlabelled(calls)).toEqual([]);
    // A program is asked for its version before it is in its place.
    const asked = calls.indexOf('chcon --reference=/bin/true /usr/local/bin/.kubelet.kbinit');
    expect(asked).toBeGreaterThan(-1);
    expect(asked).toBeLessThan(calls.indexOf('restorecon -- /usr/local/bin/kubelet'));
    expect(calls.filter((call) => call.startsWith('setenforce'))).toEqual([]);
    expect(await differences(lab, bare)).toBe('');
  });
});

describe('host restore', () => {
  test("what somebody changed since stops it; --force brings back what was there; an editor's own lines stay", async () => {
    const system = ['repositories', 'packages', 'binaries', 'containerd', 'kubelet', 'firewall', 'crictl'].join(',');
    expect((await prepare(bare, '--skip-phases', system)).code).toBe(0);
    await output(lab, bare, 'echo "vm.x = 1" >>/etc/sysctl.d/99-zz-kbinit.conf; echo "10.9.9.9 theirs" >>/etc/hosts');
    // With one command for two hosts, the other is restored all the same.
    const [, , ...ssh] = over(lab, bare);
    const both = [bare, rocky].flatMap((host) => ['--host', `root@${lab.host(host).address}`]);
    const refused = await kbinit(['host', 'restore', ...both, ...ssh]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('KB_RESTORE_CHANGED');
    expect(refused.stderr).toContain('/etc/sysctl.d/99-zz-kbinit.conf was edited after kbinit wrote it');
    expect(refused.stderr).toMatch(/KB_PARTIAL +1 of 2 hosts failed/);
    expect(await differences(lab, rocky)).toBe('');
    const forced = await restore(bare, '--force');
    expect(forced.code, forced.stderr).toBe(0);
    expect(await output(lab, bare, 'grep -c theirs /etc/hosts; grep -c api.example /etc/hosts || true')).toBe('1\n0\n');
    await output(lab, bare, "sed -i '/theirs/d' /etc/hosts");
    expect(await differences(lab, bare)).toBe('');
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
      expect(await differences(lab, rocky)).toBe('');
    }
    // What firewalld remembers would come back with the next change of anybody.
    await output(lab, rocky, 'firewall-cmd -q --permanent --add-port=8080/tcp');
    expect(await output(lab, rocky, 'firewall-cmd --permanent --list-ports')).toBe('8080/tcp\n');
  });

  test('swap is off, now and at boot, and comes back without the line that somebody added (stubs: no swap here)', async () => {
    const device = '/dev/mapper/centos-swap';
    const off = 'Filename Type Size Used Priority';
    const stub = (name: string, text: string): string =>
      `printf '#!/bin/sh\\n%s\\n' '${text}' >/root/${name}; chmod 755 /root/${name}; mount --bind /root/${name} /usr/sbin/${name}`;
    const swaps = (): Promise<string> => output(lab, rocky, 'cat /proc/swaps; grep -n swap /etc/fstab');
    await output(
      lab,
      rocky,
      `cp /etc/fstab /run/fstab; printf '${off}\\n${device} partition 2097148 0 -2\\n' >/run/swaps
mount --bind /run/swaps /proc/swaps
${stub('swapoff', `echo "${off}" >/run/swaps`)}
${stub('swapon', 'for last do :; done; echo "$last partition 2097148 0 -2" >>/run/swaps')}`,
    );
    const before = await swaps();
    expect(before).toContain(`${device} partition`);
    const phase = ['host', 'prepare', 'phase', 'swap', ...over(lab, rocky)];
    const done = await kbinit(phase);
    expect(done.code, done.stderr).toBe(0);
    expect(await swaps()).toMatch(new RegExp(`^${off}\\n\\d+:# kbinit swap off: ${device} swap`));
    expect((await kbinit(phase)).stderr).toContain('no changes');
    await output(lab, rocky, 'echo "/dev/vdb1 /data xfs defaults 0 0" >>/etc/fstab');
    const back = await restore(rocky);
    expect(back.code, back.stderr).toBe(0);
    expect(await swaps()).toBe(before);
    expect(await output(lab, rocky, 'diff /run/fstab /etc/fstab; true')).toMatch(/^\d+a\d+\n> \/dev\/vdb1 .*\n$/);
    await output(lab, rocky, 'umount /proc/swaps /usr/sbin/swapoff /usr/sbin/swapon; cp /run/fstab /etc/fstab');
  });
});
