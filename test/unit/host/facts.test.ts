import { describe, expect, test } from 'vitest';
import { KbError } from '../../../src/errors.ts';
import { factsScript, parseFacts } from '../../../src/host/facts.ts';
import { localTransport } from '../../../src/host/local.ts';
import { sh } from '../../../src/host/shell.ts';

const centos7 = `clock 1795000000
uname master1.example 3.10.0-1160.el7.x86_64 x86_64
cpus 4
os NAME="CentOS Linux"
os VERSION_ID="7"
os PRETTY_NAME='Cent "OS"'
os ID=centos
os # a comment
os ESCAPED="a \\"b\\" \\$c"
machine-id 0123456789abcdef0123456789abcdef
memory MemTotal:        8008500 kB
route4 Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
route4 eth0\t00000000\t0103A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
route4 eth0\t0003A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
route4 eth1\t00000000\t01000A0A\t0003\t0\t0\t101\t00000000\t0\t0\t0
route6 00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000001 00000000 00000003     eth0
route6 00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
ip 1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
ip     link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
ip     inet 127.0.0.1/8 scope host lo
ip        valid_lft forever preferred_lft forever
ip 2: eth0@if7: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default
ip     link/ether 52:54:00:00:00:01 brd ff:ff:ff:ff:ff:ff link-netnsid 0
ip     inet 192.168.3.29/24 brd 192.168.3.255 scope global eth0
ip        valid_lft forever preferred_lft forever
ip     inet6 fd00::29/64 scope global 
ip        valid_lft forever preferred_lft forever
ip 3: tun0: <POINTOPOINT,UP> mtu 1500 qdisc noqueue state UNKNOWN group default
ip     link/none 
ip     inet 10.9.0.1 peer 10.9.0.2/32 scope global tun0
ip        valid_lft forever preferred_lft forever
ip 4: eth9: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN group default
ip     inet 10.8.0.1/16 scope global eth9
socket /var/run/containerd/containerd.sock
ca /etc/pki
ca /etc/pki/ca-trust
env HTTPS_PROXY=http://proxy:3128
env no_proxy=10.0.0.0/8,.svc
read-only nf_conntrack_max
kubelet Kubernetes v1.36.3
`;

describe('the facts of a host', () => {
  const facts = parseFacts(centos7, 1_795_000_001_500);

  test('are read from the answer', () => {
    expect(facts).toMatchObject({
      hostname: 'master1.example',
      kernelRelease: '3.10.0-1160.el7.x86_64',
      architecture: 'x86_64',
      machineId: '0123456789abcdef0123456789abcdef',
      cpuCount: 4,
      memoryMiB: 7820,
      cgroupVersion: 1,
      criSockets: ['unix:///var/run/containerd/containerd.sock'],
      isResolvedActive: false,
      readOnlyConntrack: ['nf_conntrack_max'],
      caDirectories: ['/etc/pki', '/etc/pki/ca-trust'],
      proxyEnvironment: { HTTPS_PROXY: 'http://proxy:3128', no_proxy: '10.0.0.0/8,.svc' },
      kubeletVersion: 'v1.36.3',
      clock: { host: 1_795_000_000, local: 1_795_000_001 },
    });
  });

  test('unquote os-release as a shell would', () => {
    expect(facts.osRelease).toEqual({
      NAME: 'CentOS Linux',
      VERSION_ID: '7',
      PRETTY_NAME: 'Cent "OS"',
      ID: 'centos',
      ESCAPED: 'a "b" $c',
    });
  });

  test('have addresses with the state of their interface', () => {
    expect(facts.addresses.map((a) => `${a.interface} ${a.address}/${a.prefixLength} v${a.family} ${a.isUp}`)).toEqual([
      'lo 127.0.0.1/8 v4 true',
      'eth0 192.168.3.29/24 v4 true',
      'eth0 fd00::29/64 v6 true',
      'tun0 10.9.0.1/32 v4 true',
      'eth9 10.8.0.1/16 v4 false',
    ]);
  });

  test('have default routes in order, without the kernel’s own on lo', () => {
    expect(facts.defaultRoutes).toEqual([
      { interface: 'eth0', family: 4 },
      { interface: 'eth1', family: 4 },
      { interface: 'eth0', family: 6 },
    ]);
  });

  test('know the second version of cgroups by its controllers', () => {
    expect(parseFacts('cgroup 2\n', 0).cgroupVersion).toBe(2);
  });

  test('have no kubelet version where no kubelet is', () => {
    expect(parseFacts('uname h 6.1.0 x86_64\n', 0)).not.toHaveProperty('kubeletVersion');
  });
});

describe('a host that says what cannot be is refused', () => {
  const refusals = (answer: string): readonly string[] => {
    try {
      parseFacts(answer, 0);
    } catch (error) {
      if (error instanceof KbError) return error.problems.map(({ code, detail }) => `${code} ${detail}`);
      throw error;
    }
    return [];
  };

  test.each([
    ['uname a registry.k8s.io b 6.1.0 x86_64', 'KB_HOST_NAME host name: found "a registry.k8s.io b"'],
    ['uname * 6.1.0 x86_64', 'KB_HOST_NAME host name: found "*"'],
    ['uname x,evil=https://10.72.1.66:2380 6.1.0 x86_64', 'KB_HOST_NAME host name: found "x,evil=https'],
    ['uname a\u00A0b 6.1.0 x86_64', String.raw`KB_HOST_NAME host name: found "a\u00a0b"`],
    ['uname a', 'KB_HOST_FACT'],
    ['uname a 6.1.0\u001B]0;x\u0007 x86_64', String.raw`KB_HOST_FACT kernel release: found "6.1.0\u001b]0;x\u0007"`],
    ['uname a 6.1.0 ../../x', 'KB_HOST_FACT architecture: found "../../x"'],
    ['machine-id $(reboot)', 'KB_HOST_FACT machine-id: found "$(reboot)"'],
    ['os ID=a/../b', 'KB_HOST_FACT ID of os-release: found "a/../b"'],
    ['os PRETTY_NAME="x\u009B31m"', String.raw`KB_HOST_FACT PRETTY_NAME of os-release: found "x\u009b31m"`],
    ['cpus many', 'KB_HOST_FACT number of CPUs: found "many"'],
    ['cpus 99999999999999999999', 'KB_HOST_FACT number of CPUs: found'],
    ['clock 1e300', 'KB_HOST_FACT clock: found "1e300"'],
    ['ip 2: e\u202Eth0: <UP> mtu 1500', String.raw`KB_HOST_FACT network interface: found "e\u202eth0"`],
    ['ip     inet 999.1.1.1/24 scope global eth0', 'KB_HOST_FACT address: found "999.1.1.1"'],
    ['ip     inet 10.0.0.1/99 scope global eth0', 'KB_HOST_FACT prefix length: found "99"'],
    ['route4 ../x\t00000000\t0', 'KB_HOST_FACT network interface: found "../x"'],
    ['kubelet Kubernetes v1.36.3"}\u001B[2J', 'KB_HOST_FACT kubelet version: found'],
    ['env HTTPS_PROXY=http://u:s3cret@p\u0007', 'KB_HOST_FACT variable HTTPS_PROXY: needs one line of text'],
  ])('%j', (line, told) => {
    const found = refusals(`${line}\n`);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(told);
    expect(found.join('')).not.toContain('s3cret');
  });

  test('and what was not asked for is not there', () => {
    const facts = parseFacts('socket /tmp/evil.sock\nca /etc\nread-only ../x\n', 0);
    expect([facts.criSockets, facts.caDirectories, facts.readOnlyConntrack]).toEqual([[], [], []]);
  });
});

const isRoot = process.getuid?.() === 0;
const limits = ['nf_conntrack_max', 'nf_conntrack_tcp_timeout_established', 'nf_conntrack_tcp_timeout_close_wait'];
const readOnly = 'mount -o remount,bind,ro /proc/sys';
const unloaded = 'mount -t tmpfs tmpfs /proc/sys/net/netfilter';

test.skipIf(!isRoot).each([
  ['read-only', readOnly, limits],
  ['without its module, and may be changed', unloaded, []],
  ['without its module, and is read-only', `${unloaded} && ${readOnly}`, limits],
])('a /proc/sys that is %s tells which limits of connection tracking are fixed (R29)', async (_, change, fixed) => {
  const inside = `mount --bind /proc/sys /proc/sys && ${change} || exit 1; ${factsScript.text}`;
  const { stdout, stderr } = await localTransport().exec(sh`unshare -m sh -c ${inside}`);
  expect(stderr).toBe('');
  expect(parseFacts(stdout, Date.now()).readOnlyConntrack).toEqual(fixed);
});

test('the script answers every question on this machine and leaks no other environment', async () => {
  process.env['KBINIT_TEST_SECRET'] = 's3cret';
  try {
    const { code, stdout, stderr } = await localTransport().exec(factsScript);
    expect({ stderr, isSecretOut: stdout.includes('s3cret') }).toEqual({ stderr: '', isSecretOut: false });
    expect(code).toBeLessThan(2);
    const facts = parseFacts(stdout, Date.now());
    expect(facts.cpuCount).toBeGreaterThan(0);
    expect(facts.memoryMiB).toBeGreaterThan(100);
    expect(Math.abs(facts.clock.host - facts.clock.local)).toBeLessThan(5);
    expect(facts.addresses.map(({ address }) => address)).toContain('127.0.0.1');
    expect(facts.hostname).not.toBe('');
  } finally {
    delete process.env['KBINIT_TEST_SECRET'];
  }
});
