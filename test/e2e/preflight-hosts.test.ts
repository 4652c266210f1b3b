// Several hosts beside each other (`kbinit preflight`), our own checks, and hosts that are found in odd ways.
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../lab/lab.ts';
import { output } from './observe.ts';
import { clusterConfig, kbinit, over, testLab, type KbinitResult } from './support.ts';
import {
  existing,
  fakeFile,
  fakeProgram,
  hidden,
  mounted,
  withFaults,
  wrongClock,
  type HostFault,
} from './support/faults.ts';
import { outcomes, readReport } from './support/report.ts';

let lab: Lab;
let config: string;
const names = ['master1', 'node1', 'node2'];

beforeAll(async () => {
  lab = await testLab('fleet', 85);
  await lab.up(names.map((name) => ({ name, images: false })));
  await lab.recreate(names);
  config = await clusterConfig();
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

const address = (name: string): string => lab.host(name).address;

/** While faults are on one host. */
const during = <T>(host: string, faults: readonly HostFault[], work: () => Promise<T>): Promise<T> =>
  withFaults((script) => output(lab, host, script), faults, work);

/** `kbinit preflight` of the three, or of others. */
function preflight(...more: readonly string[]): Promise<KbinitResult> {
  const [, , ...ssh] = over(lab, 'master1');
  const hosts = [
    ['--control-plane-host', `root@${address('master1')}`],
    ['--host', `root@${address('node1')}`],
    ['--host', `root@${address('node2')}`],
  ].flat();
  return kbinit(['preflight', ...hosts, '--config', config, ...more, ...ssh]);
}

/** `RESULT NAME` of what was found on a host. */
function findings(result: KbinitResult, host: string): readonly string[] {
  const found = [...outcomes(result, address(host))].filter(([, outcome]) => outcome !== 'passed');
  // The lab's kernel has cgroup v1.
  return found.filter(([name]) => name !== 'SystemVerification').map(([name, outcome]) => `${outcome} ${name}`);
}

describe('hosts beside each other', () => {
  test('that are well and different pass, and nothing is left behind on them', async () => {
    const before = await output(lab, 'node1', 'find /etc /root /tmp /var/lib/kubelet -newer /proc/1 -type f | sort');
    const result = await preflight('-o', 'json');
    expect(result.code, result.stderr).toBe(0);
    for (const name of names) expect(findings(result, name), name).toEqual([]);
    const passed = outcomes(result, address('master1'));
    expect(['NumCPU', 'UniqueMAC', 'ClockSkew', 'Reachable-6443'].map((name) => passed.get(name))).toEqual(
      Array.from({ length: 4 }, () => 'passed'),
    );
    const after = await output(lab, 'node1', 'find /etc /root /tmp /var/lib/kubelet -newer /proc/1 -type f | sort');
    expect(after).toBe(before);
  });

  test('that were cloned are told apart by nothing: name, machine-id and MAC are errors on both', async () => {
    const id = await output(lab, 'node1', 'cat /etc/machine-id');
    const mac = await output(lab, 'node1', 'cat /sys/class/net/eth0/address');
    const clone = [
      fakeFile('/etc/machine-id', id),
      fakeFile('/sys/class/net/eth0/address', mac),
      fakeProgram('uname', '[ "$1" != -n ] || { echo "node1 $($real -r -m)"; exit; }'),
    ];
    const result = await during('node2', clone, () => preflight('-o', 'json'));
    expect(result.code).toBe(1);
    for (const name of ['node1', 'node2']) {
      expect(findings(result, name).filter((line) => line.includes('Unique'))).toEqual([
        'error UniqueNodeName',
        'error UniqueMachineID',
        'error UniqueMAC',
      ]);
    }
    expect(findings(result, 'master1')).toEqual([]);
    const let1 = ['UniqueNodeName', 'UniqueMachineID', 'UniqueMAC'].join(',');
    const ignored = await during('node2', clone, () => preflight(`--ignore-preflight-errors=${let1}`));
    expect(ignored.code, ignored.stderr).toBe(0);
    expect(ignored.stdout).toMatch(/ignored\s+UniqueMachineID/);
  });

  test.each([31 + 3, -600, 31_536_000])(
    'a clock that is %i seconds off is an error, on that host alone',
    async (seconds) => {
      const result = await during('node2', [wrongClock(seconds)], () => preflight('-o', 'json'));
      expect(result.code).toBe(1);
      expect(names.map((name) => findings(result, name))).toEqual([[], [], ['error ClockSkew']]);
    },
  );

  test('clocks that agree against that of this machine: the table says so of this machine', async () => {
    const off = [wrongClock(-600)];
    const result = await during('master1', off, () =>
      during('node1', off, () => during('node2', off, () => preflight('-o', 'json'))),
    );
    expect(result.code).toBe(1);
    expect(names.map((name) => findings(result, name))).toEqual([[], [], []]);
    expect([...outcomes(result, 'this machine')]).toEqual([['ClockSkew', 'error']]);
  });

  test('a clock that is less than 30 seconds off is fine', async () => {
    const result = await during('node2', [wrongClock(-20)], () => preflight('-o', 'json'));
    expect(result.code, result.stderr).toBe(0);
  });

  test.each([
    ['rejects, as firewalld does', 'REJECT --reject-with icmp-host-prohibited'],
    ['drops', 'DROP'],
  ])('a firewall that %s is found before anybody listens', async (_, target) => {
    const rule = `INPUT -p tcp --dport 6443 -s ${address('node1')} -j ${target}`;
    const fault = { apply: `iptables -I ${rule}`, undo: `iptables -D ${rule}` };
    const result = await during('master1', [fault], () => preflight('-o', 'json'));
    expect(result.code).toBe(1);
    expect(names.map((name) => findings(result, name))).toEqual([['error Reachable-6443'], [], []]);
    expect(result.stdout).toContain(`port 6443 at ${address('master1')} cannot be reached from ${address('node1')}`);
    expect(result.seconds).toBeLessThan(30);
  });

  test('one that cannot be reached is a line of the table, and does not hold the others', async () => {
    const gone = address('master1').replace(/\d+$/, '250');
    const result = await preflight('--host', `root@${gone}`, '--ssh-timeout', '3');
    expect(result.code).toBe(4);
    expect(result.stdout).toMatch(new RegExp(`^${gone}\\s+error\\s+KB_SSH_UNREACHABLE`, 'm'));
    for (const name of names) expect(result.stdout).toMatch(new RegExp(`^${address(name)}\\s+\\d+ checks passed`, 'm'));
    expect(result.seconds).toBeLessThan(30);
  });

  test('one that is named twice is refused before any is asked', async () => {
    const result = await preflight('--host', `admin@${address('master1')}`);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('a host is named twice');
    expect(result.stdout).toBe('');
  });

  test('a login that talks, in another language, changes nothing (R28)', async () => {
    const noise = {
      apply: `cp /root/.bashrc /run/bashrc; sed -i '1i echo @@kbinit:swaps; echo Willkommen; echo oops >&2' /root/.bashrc
cp /etc/environment /run/environment; printf 'LANG=de_DE.UTF-8\\nLC_ALL=de_DE.UTF-8\\n' >>/etc/environment`,
      undo: 'cp /run/bashrc /root/.bashrc; cp /run/environment /etc/environment',
    };
    const quiet = await preflight('-o', 'json');
    const noisy = await during('node1', [noise], () => preflight('-o', 'json'));
    expect(noisy.code, noisy.stderr).toBe(0);
    expect(readReport(noisy)).toEqual(readReport(quiet));
  });
});

describe('a host alone', () => {
  const init = (...more: readonly string[]): Promise<KbinitResult> =>
    kbinit(['init', '--dry-run', ...more, ...over(lab, 'node1')].toSpliced(1, 0, 'phase', 'preflight'));
  const check = (path = config): Promise<KbinitResult> => init('--config', path, '-o', 'json');
  const bridge = { apply: 'ip link add cni0 type bridge', undo: 'ip link delete cni0' };
  const chain = { apply: 'iptables -N KUBE-SERVICES', undo: 'iptables -X KUBE-SERVICES' };
  const client = '/var/lib/kubelet/pki/kubelet-client-current.pem';
  const foreignKubelet = {
    apply: `mkdir -p /var/lib/kubelet/pki; openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -out ${client} -days 2 -subj /CN=system:node:node1 2>/dev/null`,
    undo: 'rm -r /var/lib/kubelet/pki',
  };
  const oldRuntime = fakeProgram(
    'crictl',
    'case "$*" in *runtime-config*) echo "rpc error: code = Unimplemented desc = unknown method" >&2; exit 1 ;; esac',
  );

  test.each<[string, string, readonly HostFault[]]>([
    ['error DiskSpace', 'no room for configuration', [mounted('/etc/kubernetes', 'size=64k')]],
    ['error DiskSpace', 'no inode for configuration', [mounted('/etc/kubernetes', 'nr_inodes=50')]],
    ['error DiskSpace', 'a configuration that cannot be written', [mounted('/etc/kubernetes', 'ro')]],
    ['error DiskSpace', 'no room for etcd', [mounted('/var/lib/etcd', 'size=100m')]],
    ['warning DiskSpace', 'little room for etcd', [mounted('/var/lib/etcd', 'size=1g')]],
    ['error DiskSpace', 'no inodes for etcd', [mounted('/var/lib/etcd', 'nr_inodes=1000')]],
    ['warning DiskSpace', 'little room for newer programs', [mounted('/usr/local/bin', 'size=100m')]],
    ['error ClockSkew', 'a clock that is not ours', [wrongClock(120)]],
    ['warning Leftovers', 'rules of kube-proxy', [chain]],
    ['error Leftovers', "another cluster's kubelet", [foreignKubelet]],
    ['warning Resolver', 'no name server', [fakeFile('/etc/resolv.conf', 'search lan\n')]],
    ['warning Resolver', 'a stub resolver', [fakeFile('/etc/resolv.conf', 'nameserver 127.0.0.53\n')]],
    ['warning BridgeNetfilter', 'bridges', [fakeFile('/proc/sys/net/bridge/bridge-nf-call-iptables', '0\n')]],
  ])('%s: %s', async (expected, _, faults) => {
    const result = await during('node1', faults, check);
    expect(findings(result, 'node1')).toEqual([expected]);
    expect(result.code, result.stderr).toBe(expected.startsWith('error') ? 1 : 0);
  });

  test('error CgroupDriver: a runtime that cannot tell its driver, and has another than the kubelet', async () => {
    const config2 = fakeFile('/etc/containerd/config.toml', '  SystemdCgroup = true\n');
    const result = await during('node1', [oldRuntime, config2], check);
    expect(findings(result, 'node1')).toEqual(['warning ContainerRuntimeVersion', 'error CgroupDriver']);
  });

  test('error ProxyModules: ipvs on a kernel that has none', async () => {
    const ipvs = await clusterConfig();
    const text = await readFile(ipvs, 'utf8');
    await writeFile(ipvs, text.replace('kind: KubeProxyConfiguration\n', 'kind: KubeProxyConfiguration\nmode: ipvs\n'));
    const result = await check(ipvs);
    expect(findings(result, 'node1')).toEqual(['error ProxyModules']);
    expect(result.stdout).toContain('nftables');
  });

  test('is left over from a cluster: the list, and the commands that remove exactly that', async () => {
    const left = [existing('/etc/cni/net.d/10-flannel.conflist', '{}'), bridge, chain];
    for (const { apply } of left) await output(lab, 'node1', apply);
    const result = await init('--config', config, '-o', 'json');
    expect(result.code).toBe(1);
    const told = readReport(result).hosts[0]?.checks.find(({ name }) => name === 'Leftovers');
    expect(told?.found).toContain('10-flannel.conflist');
    expect(told?.found).toContain('network links cni0');
    const command = /`([^`]*)`/.exec(told?.do ?? '')?.[1] ?? 'false';
    await output(lab, 'node1', command);
    expect(findings(await check(), 'node1')).toEqual([]);
  });

  test('with TMOUT for its logins, a bash as sh, and a crictl.yaml that talks and names another runtime passes', async () => {
    const login = {
      apply: `cp /root/.bashrc /run/bashrc; sed -i '1i TMOUT=1; readonly TMOUT; export TMOUT' /root/.bashrc; ln -sf bash /bin/sh`,
      undo: 'cp /run/bashrc /root/.bashrc; ln -sf dash /bin/sh',
    };
    const crictl = {
      apply: `cp -a /etc/crictl.yaml /run/crictl.yaml 2>/dev/null
printf 'runtime-endpoint: unix:///run/nobody.sock\\nimage-endpoint: unix:///run/nobody.sock\\ndebug: true\\n' >/etc/crictl.yaml`,
      undo: 'rm /etc/crictl.yaml; [ ! -e /run/crictl.yaml ] || mv /run/crictl.yaml /etc/crictl.yaml',
    };
    const result = await during('node1', [login, crictl], check);
    expect(findings(result, 'node1')).toEqual([]);
    expect(result.code, result.stderr).toBe(0);
  });

  test.each<[string, readonly HostFault[]]>([
    ['with crictl', []],
    ['without crictl', [hidden('crictl')]],
  ])('whose containerd has its CRI plugin disabled is refused %s, with the file and the name', async (_, more) => {
    const disabled = {
      apply: `cp -a /etc/containerd/config.toml /run/config.toml; sed -i '/^disabled_plugins/d; /^version/a disabled_plugins = ["io.containerd.grpc.v1.cri"]' /etc/containerd/config.toml; systemctl restart containerd`,
      undo: 'cp -a /run/config.toml /etc/containerd/config.toml; systemctl restart containerd',
    };
    const result = await during('node1', [disabled, ...more], check);
    expect(result.code).toBe(1);
    expect(findings(result, 'node1')).toContain('error CRI');
    expect(result.stdout).toContain('disabled_plugins in /etc/containerd/config.toml has io.containerd.grpc.v1.cri');
    expect(findings(await check(), 'node1')).toEqual([]);
  });

  test('without a default route is set up at the address it was reached at (R08)', async () => {
    const route = await output(lab, 'node1', 'ip route show default');
    const fault = { apply: 'ip route del default', undo: `ip route add ${route.trim()}` };
    const result = await during('node1', [fault], check);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stderr).toContain(`the host has no default route; advertising ${address('node1')}`);
  });

  test('is never set up at 0.0.0.0, and not at a loopback address that others cannot reach (R08)', async () => {
    const at = async (advertised: string): Promise<string> =>
      clusterConfig({ init: `localAPIEndpoint: {advertiseAddress: ${advertised}}\n` });
    const anywhere = await check(await at('0.0.0.0'));
    expect(anywhere.code, anywhere.stderr).toBe(0);
    const loopback = await check(await at('127.0.0.1'));
    expect(loopback.code).toBe(1);
    expect(loopback.stderr).toContain('KB_NO_ADDRESS');
    const elsewhere = await check(await at('172.31.0.1'));
    expect(elsewhere.stderr).toContain('172.31.0.1 is not an address of the host');
  });

  test('with two runtimes is asked which one, and takes the one that is named (R21)', async () => {
    const second = {
      apply: `mkdir -p /var/run/crio; systemd-run -q --collect --unit=second socat UNIX-LISTEN:/var/run/crio/crio.sock,fork EXEC:true
until [ -S /var/run/crio/crio.sock ]; do sleep 0.05; done`,
      undo: 'systemctl stop second; rm -rf /var/run/crio',
    };
    const own = 'unix:///var/run/containerd/containerd.sock';
    const [asked, named] = await during('node1', [second], async () => [
      await check(),
      await init('--cri-socket', own, '--ignore-preflight-errors=SystemVerification'),
    ]);
    expect(asked?.code).toBe(1);
    expect(asked?.stderr).toContain('KB_CRI_SOCKET');
    expect(asked?.stderr).toMatch(/containerd\.sock, .*crio\.sock/);
    expect(named?.code, named?.stderr).toBe(0);
  });

  test.each([
    ['that does not exist', 'unix:///run/nobody.sock', 'does not exist'],
    ['that is a file', 'unix:///etc/hosts', 'is not a socket'],
    ['that nobody listens on', 'unix:///run/stale.sock', 'does not answer'],
  ])('is refused for a socket %s (R21)', async (_, socket, says) => {
    await output(
      lab,
      'node1',
      `[ -S /run/stale.sock ] || timeout 1 socat UNIX-LISTEN:/run/stale.sock,unlink-close=0 - </dev/null || true; [ -S /run/stale.sock ]`,
    );
    const result = await init('--cri-socket', socket, '--ignore-preflight-errors=SystemVerification');
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/KB_PREFLIGHT\s+CRI/);
    expect(result.stderr).toContain(says);
  });
});
