// The parts of a preparation that every system has: names, hosts file, swap, modules, sysctl.
import { expect, test } from 'vitest';
import { distroOf, refusal } from '../../../src/prepare/distro.ts';
import { planHostname } from '../../../src/prepare/hostname.ts';
import { planHostsFile, withHostsEntries, withoutHostsEntries } from '../../../src/prepare/hosts-file.ts';
import { planModules, planSysctls } from '../../../src/prepare/kernel.ts';
import { planSwap, withoutSwap, withSwap } from '../../../src/prepare/swap.ts';
import { bareState, found, specOf } from './states.ts';

const commands = (plan: ReturnType<typeof planSwap>): readonly string[] =>
  plan.actions.flatMap((action) => (action.kind === 'command' ? [action.command.text] : []));
const bodies = (plan: ReturnType<typeof planSwap>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    plan.actions.flatMap((action) => (action.kind === 'file' ? [[action.artifact.path, action.artifact.body]] : [])),
  );

test.each([
  ['centos', 'rhel fedora', '7', 'rhel', 7],
  ['centos', 'rhel fedora', '10', 'rhel', 10],
  ['rocky', 'rhel centos fedora', '9.6', 'rhel', 9],
  ['almalinux', 'rhel centos fedora', '8.10', 'rhel', 8],
  ['rhel', 'fedora', '9.4', 'rhel', 9],
  ['debian', '', '12', 'debian', 12],
  ['ubuntu', 'debian', '24.04', 'debian', 24],
])('%s %s %s is of the family %s', (id, like, version, family, release) => {
  const osRelease = { ID: id, ID_LIKE: like, VERSION_ID: version };
  expect(distroOf({ osRelease })).toMatchObject({ family, release, id });
});

test.each([
  ['alpine', '', '3.20'],
  ['centos', 'rhel fedora', '6'],
  ['rhel', 'fedora', '11'],
  ['', '', ''],
])('%s %s %s is not known', (id, like, version) => {
  expect(distroOf({ osRelease: { ID: id, ID_LIKE: like, VERSION_ID: version } })).toHaveProperty('unknown');
});

test('CentOS 7 is taken up to Kubernetes 1.31 and refused from 1.32 on, with the reason', () => {
  const seven = { family: 'rhel', id: 'centos', name: 'CentOS Linux 7 (Core)', release: 7 } as const;
  expect(refusal(seven, { major: 1, minor: 31, patch: 14 })).toBeUndefined();
  expect(refusal(seven, { major: 1, minor: 32, patch: 0 })).toContain('kernel 3.10');
  expect(refusal({ ...seven, release: 8 }, { major: 1, minor: 36, patch: 0 })).toBeUndefined();
});

const fstab = `# /etc/fstab
UUID=1 / xfs defaults 0 0
/dev/mapper/cs-swap     none                    swap    defaults        0 0
/swapfile swap swap sw
# /dev/sdb1 none swap sw 0 0
`;

test('swap lines of fstab become comments, everything else stays as it is', () => {
  expect(withoutSwap(fstab)).toBe(`# /etc/fstab
UUID=1 / xfs defaults 0 0
# kbinit swap off: /dev/mapper/cs-swap     none                    swap    defaults        0 0
# kbinit swap off: /swapfile swap swap sw
# /dev/sdb1 none swap sw 0 0
`);
  expect(withoutSwap(withoutSwap(fstab))).toBe(withoutSwap(fstab));
  expect(withSwap(withoutSwap(fstab))).toBe(fstab);
});

test('a mount point that is called swap is no swap', () => {
  const text = '/dev/sdb1 /swap ext4 defaults,swap 0 0\n';
  expect(withoutSwap(text)).toBe(text);
});

test('swap goes off by the names the kernel knows, and its file keeps its mode', () => {
  const plan = planSwap({
    ...bareState,
    swaps: ['/dev/dm-1'],
    texts: new Map([['/etc/fstab', fstab]]),
    files: new Map([['/etc/fstab', found(fstab, 0o600)]]),
  });
  expect(plan.actions[0]).toMatchObject({ kind: 'file', edit: 'fstab', artifact: { mode: 0o600 } });
  expect(commands(plan)[0]).toContain('set -- /dev/dm-1;');
  expect(plan.actions[1]).toMatchObject({ before: [{ kind: 'swap', devices: ['/dev/dm-1'] }] });
});

test('without swap there is nothing to do', () => {
  expect(planSwap({ ...bareState, texts: new Map([['/etc/fstab', withoutSwap(fstab)]]) }).actions).toEqual([]);
});

const entries = [{ address: '192.168.3.29', names: ['master1.example', 'master1'] }];

test('the hosts file gets one part, which is added to and not repeated', () => {
  const text = '127.0.0.1 localhost\n10.0.0.1 mine';
  const once = withHostsEntries(text, entries);
  expect(once).toBe(`127.0.0.1 localhost
10.0.0.1 mine
# kbinit: begin (written by \`kbinit host prepare\`)
192.168.3.29\tmaster1.example master1
# kbinit: end
`);
  const other = withHostsEntries(`${once}10.0.0.2 later\n`, [{ address: '192.168.3.30', names: ['master2'] }]);
  expect(other).toContain('\tmaster1.example master1\n192.168.3.30\tmaster2\n# kbinit: end\n10.0.0.2 later\n');
  expect(withHostsEntries(other, entries)).toBe(other);
  expect(withoutHostsEntries(other)).toBe('127.0.0.1 localhost\n10.0.0.1 mine\n10.0.0.2 later\n');
});

test('a host that is prepared anew, with another address, is not there twice; a name may have an address of each family', () => {
  const text = withHostsEntries('', entries);
  const moved = [
    { address: '192.168.3.39', names: ['master1'] },
    { address: 'fd00::39', names: ['master1'] },
  ];
  const inside = withHostsEntries(text, moved).split('\n').slice(1, -2);
  expect(inside).toEqual(['192.168.3.39\tmaster1', 'fd00::39\tmaster1']);
  expect(withHostsEntries(withHostsEntries(text, moved), moved)).toBe(withHostsEntries(text, moved));
});

test('names of an earlier run stay where none are asked for', () => {
  const text = withHostsEntries('127.0.0.1 localhost\n', entries);
  expect(planHostsFile({ ...bareState, texts: new Map([['/etc/hosts', text]]) }, specOf()).actions).toEqual([]);
});

test('a name that the hosts file has with another address is told', () => {
  const text = '10.9.9.9 master1 old\n';
  const plan = planHostsFile({ ...bareState, texts: new Map([['/etc/hosts', text]]) }, { ...specOf(), hosts: entries });
  expect(plan.warnings).toEqual([
    "/etc/hosts has master1 as 10.9.9.9 already, above kbinit's 192.168.3.29: remove that line",
  ]);
});

test('a hosts file that a container runtime mounted is left alone', () => {
  const plan = planHostsFile({ ...bareState, mounted: new Set(['/etc/hosts']) }, { ...specOf(), hosts: entries });
  expect(plan.actions).toEqual([]);
  expect(plan.warnings?.[0]).toContain('stays as it is');
});

test('only the module that is missing is loaded', () => {
  const plan = planModules(bareState, specOf());
  expect(commands(plan)).toEqual(['modprobe br_netfilter']);
  expect(bodies(plan)['/etc/modules-load.d/kbinit.conf']).toMatch(/^overlay\nbr_netfilter$/m);
});

test('sysctl: the file has what Kubernetes needs and nothing else', () => {
  const plan = planSysctls(bareState, specOf());
  expect(bodies(plan)['/etc/sysctl.d/99-zz-kbinit.conf'])
    .toBe(`# kbinit host prepare: what Kubernetes needs, nothing else
net.bridge.bridge-nf-call-iptables = 1
net.bridge.bridge-nf-call-ip6tables = 1
net.ipv4.ip_forward = 1
`);
  expect(commands(plan)).toContain('echo 1 >/proc/sys/net/ipv4/ip_forward');
  const forward = plan.actions.find((action) => action.kind === 'command' && action.why.includes('ip_forward'));
  expect(forward).toMatchObject({ before: [{ kind: 'sysctl', key: 'net.ipv4.ip_forward', before: '0', after: '1' }] });
});

test("sysctl: CentOS 7's kernel has one more, which others do not know", () => {
  const seven = { ...bareState, sysctls: new Map([['fs.may_detach_mounts', '0']]) };
  expect(commands(planSysctls(seven, specOf()))).toContain('echo 1 >/proc/sys/fs/may_detach_mounts');
  expect(commands(planSysctls(bareState, specOf())).join('\n')).not.toContain('may_detach_mounts');
});

test('sysctl: Pods with IPv6 addresses need forwarding of IPv6', () => {
  const plan = planSysctls(bareState, specOf({ podNetworkCidr: 'fd00:10:244::/56' }));
  const body = bodies(plan)['/etc/sysctl.d/99-zz-kbinit.conf'];
  expect(body).toContain('net.ipv6.conf.all.forwarding = 1');
  expect(body).not.toContain('ip_forward');
});

test("sysctl: a user's own line that says the contrary is told", () => {
  const plan = planSysctls(
    { ...bareState, texts: new Map([['/etc/sysctl.conf', 'net.ipv4.ip_forward = 0\n']]) },
    specOf(),
  );
  expect(plan.warnings?.[0]).toContain('net.ipv4.ip_forward = 0');
});

test('a load balancer gets neither modules nor sysctl', () => {
  const spec = specOf({ role: ['lb'] });
  expect(planModules(bareState, spec).actions).toEqual([]);
  expect(planSysctls(bareState, spec).actions).toEqual([]);
});

test('the host name is set now and for the next boot, and not when it is right', () => {
  const spec = specOf({ hostname: 'master1' });
  expect(commands(planHostname(bareState, spec))).toEqual(['echo master1 >/proc/sys/kernel/hostname']);
  const right = { ...bareState, hostname: 'master1', files: new Map([['/etc/hostname', found('master1\n')]]) };
  expect(planHostname(right, spec).actions).toEqual([]);
});
