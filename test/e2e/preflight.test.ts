// Every check of kubeadm 1.25 and 1.36 on a real host: a fault is made, the check fails by its name; it is undone, it passes.
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from '../lab/lab.ts';
import { lawOf, type Command, type Level } from '../unit/preflight/law.ts';
import { output } from './observe.ts';
import { outcomes } from './support/report.ts';
import { clusterConfig, joinArguments, joinFlags, kbinit, over, testLab, type KbinitResult } from './support.ts';
import { existing, fakeFile, fakeProgram, hidden, squatter, withFaults, type HostFault } from './support/faults.ts';

let lab: Lab;
let wanted: ReturnType<typeof joinArguments>;
const host = 'node1';

beforeAll(async () => {
  lab = await testLab('pre', 75);
  await lab.up(['master1', host]);
  await lab.recreate(['master1', host]);
  const config = await clusterConfig({ cluster: `controlPlaneEndpoint: ${lab.host('master1').address}:6443\n` });
  const init = await kbinit(['init', ...over(lab, 'master1'), '--config', config, '--cni', 'flannel']);
  if (init.code !== 0) throw new Error(init.stderr);
  wanted = joinArguments(init.stdout);
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

const on = (script: string): Promise<string> => output(lab, host, script);

/** While a fault is there; it goes whatever happens. */
const during = <T>(made: readonly HostFault[], work: () => Promise<T>): Promise<T> => withFaults(on, made, work);

const kubeletOf = (version: string): HostFault =>
  fakeProgram('kubelet', `[ "$1" != --version ] || { echo "Kubernetes ${version}"; exit; }`);

/** Files that a fault or a mode needs beside it. */
const bridge = ['iptables', 'ip6tables'].map((tool) => `/proc/sys/net/bridge/bridge-nf-call-${tool}`);
const switches = [...bridge, '/proc/sys/net/ipv4/ip_forward', '/proc/sys/net/ipv6/conf/default/forwarding'];
const manifests = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'];
const commandsOnPath = 'crictl conntrack ip iptables losetup mount cp nsenter ebtables ethtool socat tc touch';
const nameOf = (kind: string, path: string): string => `${kind}-${path.replaceAll('/', '-')}`;
const proxied = (noProxy: string): HostFault => ({
  apply: `cp /etc/environment /run/environment; printf 'HTTPS_PROXY=http://proxy:3128\\nNO_PROXY=${noProxy}\\n' >>/etc/environment`,
  undo: 'cp /run/environment /etc/environment',
});

/** An etcd that answers for its version alone, and the certificates to ask it with. */
function etcdElsewhere(version: string): HostFault {
  return {
    apply: `mkdir -p /run/etcd; cd /run/etcd; printf 'HTTP/1.0 200 OK\\r\\n\\r\\n{"etcdserver":"${version}"}' >version
[ -e /root/etcd.key ] || openssl req -x509 -newkey rsa:2048 -nodes -keyout /root/etcd.key -out /root/etcd.crt -days 2 -subj /CN=etcd -addext subjectAltName=IP:127.0.0.1 2>/dev/null
systemd-run -q --collect --unit=etcd-elsewhere -p WorkingDirectory=/run/etcd openssl s_server -quiet -accept 23790 -cert /root/etcd.crt -key /root/etcd.key -HTTP
until ss -Hltn 'sport = :23790' | grep -q .; do sleep 0.05; done`,
    undo: 'systemctl stop etcd-elsewhere; rm -r /run/etcd',
  };
}

/** What makes each check fail. */
const faults: Readonly<Record<string, readonly HostFault[]>> = {
  IsPrivilegedUser: [fakeProgram('id', '[ "$1" != -u ] || { echo 1000; exit; }')],
  NumCPU: [fakeProgram('nproc', 'echo 1; exit')],
  Mem: [fakeFile('/proc/meminfo', 'MemTotal:        1700000 kB\n')],
  Firewalld: [
    {
      apply: `printf '[Service]\\nExecStart=/bin/sleep infinity\\n' >/run/systemd/system/firewalld.service; systemctl daemon-reload; systemctl start firewalld`,
      undo: 'systemctl stop firewalld; rm /run/systemd/system/firewalld.service; systemctl daemon-reload',
    },
  ],
  ...Object.fromEntries([6443, 10259, 10257, 10250, 2379, 2380].map((port) => [`Port-${port}`, [squatter(port)]])),
  ...Object.fromEntries(
    [...manifests.map((name) => `manifests/${name}.yaml`), 'kubelet.conf', 'bootstrap-kubelet.conf', 'pki/ca.crt']
      .map((file) => `/etc/kubernetes/${file}`)
      .map((path) => [nameOf('FileAvailable', path), [existing(path)]]),
  ),
  HTTPProxy: [proxied('10.96.0.0/12,10.244.0.0/16,fd00:96::/112,fd00:244::/48')],
  HTTPProxyCIDR: [proxied('10.75.0.0/16,10.61.0.0/16,10.63.0.0/16,10.96.0.0/12,fd00::75,fd00:96::/112')],
  CRI: [{ apply: 'systemctl stop containerd', undo: 'systemctl start containerd' }],
  ContainerRuntimeVersion: [
    fakeProgram(
      'crictl',
      'case "$*" in *runtime-config*) echo "rpc error: code = Unimplemented desc = unknown method" >&2; exit 1 ;; esac',
    ),
    // Else the kubelet's driver would not be the runtime's.
    fakeFile('/etc/containerd/config.toml', 'version = 3\n'),
  ],
  Swap: [
    fakeFile('/proc/swaps', 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/dm-1 partition 2097148 0 -2\n'),
  ],
  ...Object.fromEntries(commandsOnPath.split(' ').map((command) => [`FileExisting-${command}`, [hidden(command)]])),
  SystemVerification: [fakeFile('/proc/sys/kernel/ostype', 'FreeBSD\n')],
  Hostname: [fakeFile('/etc/hosts', '127.0.0.1 localhost\n')],
  KubeletVersion: [kubeletOf('v1.20.0')],
  ...Object.fromEntries(
    ['Service-kubelet', 'Service-Kubelet'].map((name) => [
      name,
      [{ apply: 'systemctl disable -q kubelet', undo: 'systemctl enable -q kubelet' }],
    ]),
  ),
  ...Object.fromEntries(switches.map((path) => [nameOf('FileContent', path), [fakeFile(path, '0\n')]])),
  'DirAvailable--var-lib-etcd': [existing('/var/lib/etcd/member')],
  ExternalEtcdVersion: [
    {
      apply: 'sed -i.real \'s/[0-9.]*"}/3.2.17"}/\' /run/etcd/version',
      undo: 'mv /run/etcd/version.real /run/etcd/version',
    },
  ],
  ExternalEtcdClientCertificates: [
    { apply: 'mv /root/etcd.key /root/.etcd.key', undo: 'mv /root/.etcd.key /root/etcd.key' },
  ],
  ImagePull: [
    {
      apply: `ctr -n k8s.io images tag registry.k8s.io/pause:3.10.2 lab/kept:1 >/dev/null; crictl rmi registry.k8s.io/pause:3.10.2 >/dev/null 2>&1`,
      undo: `ctr -n k8s.io images tag --force lab/kept:1 registry.k8s.io/pause:3.10.2 >/dev/null; ctr -n k8s.io images rm lab/kept:1 >/dev/null`,
    },
  ],
};

/** What cannot be shown on the lab's hosts, and why. */
const notHere: Readonly<Record<string, string>> = {
  KubernetesVersion: 'a version that no table knows is refused before any host is asked (KB_CONFIG)',
};

/** A way to run preflight on the host, and what the host must have for it to pass. */
interface Mode {
  readonly title: string;
  readonly command: Command;
  readonly minor: 25 | 36;
  readonly args: () => Promise<readonly string[]>;
  readonly stdin?: () => string;
  readonly host?: readonly HostFault[];
  /** The checks that this mode is there to show. */
  readonly names: readonly { readonly name: string; readonly level: Level }[];
}

const initConfig = async (address: string, cluster: string): Promise<readonly string[]> => {
  const init = `localAPIEndpoint: {advertiseAddress: "${address}"}\n`;
  return ['init', 'phase', 'preflight', '--config', await clusterConfig({ init, cluster })];
};

const oldVersion = 'v1.25.16';
const external =
  'etcd: {external: {endpoints: ["https://127.0.0.1:23790"], caFile: /root/etcd.crt, certFile: /root/etcd.crt, keyFile: /root/etcd.key}}\n';
/** Instead of the ranges that every configuration of the lab has. */
const onIPv6 = async (args: Promise<readonly string[]>): Promise<readonly string[]> => {
  const path = (await args).at(-1) ?? '';
  const text = await readFile(path, 'utf8');
  const ranges = 'networking: {serviceSubnet: "fd00:96::/112", podSubnet: "fd00:244::/64"}';
  await writeFile(path, text.replace(/^networking: .*$/m, ranges));
  return args;
};

const joining = (...more: readonly string[]): readonly string[] => [
  'join',
  'phase',
  'preflight',
  wanted.endpoint,
  '--token-file',
  '-',
  '--discovery-token-ca-cert-hash',
  wanted.hash,
  ...more,
];

/** Names alone are looked for: one image stands for all. */
const oldImages: HostFault = {
  apply: `for image in kube-apiserver:${oldVersion} kube-controller-manager:${oldVersion} kube-scheduler:${oldVersion} kube-proxy:${oldVersion} coredns/coredns:v1.9.3 pause:3.8 etcd:3.5.9-0; do
  ctr -n k8s.io images tag --force registry.k8s.io/pause:3.10.2 registry.k8s.io/$image >/dev/null; done`,
  undo: `for image in kube-apiserver:${oldVersion} kube-controller-manager:${oldVersion} kube-scheduler:${oldVersion} kube-proxy:${oldVersion} coredns/coredns:v1.9.3 pause:3.8 etcd:3.5.9-0; do
  ctr -n k8s.io images rm registry.k8s.io/$image >/dev/null; done`,
};
const switchedOn = switches.slice(2).map((path) => fakeFile(path, '1\n'));
const oldSwitchesOn = switches.map((path) => fakeFile(path, '1\n'));
const oldKubelet = kubeletOf(oldVersion);

const ways = { 'IPv4, local etcd': ['IPv4', 'local etcd'], 'IPv6, external etcd': ['IPv6', 'external etcd'] } as const;

/** The law of a command, without what only another mode shows. */
function lawHere(command: Command, minor: number, way: keyof typeof ways): Mode['names'] {
  const is: readonly string[] = [...ways[way], 'worker', 'not dry run'];
  return lawOf(command, minor, (when) => is.includes(when));
}

const rowOf = ({ name, level }: Mode['names'][number]): string => `${level} ${name}`;

/** What no other mode of the command shows. */
function onlyThere(command: Command, minor: 25 | 36, way: keyof typeof ways, others: Mode['names']): Mode['names'] {
  const shown = new Set(others.map(rowOf));
  return lawHere(command, minor, way).filter((row) => !shown.has(rowOf(row)));
}

const usual = (command: Command, minor: 25 | 36): Mode['names'] => lawHere(command, minor, 'IPv4, local etcd');

const modes: readonly Mode[] = [
  {
    title: 'init of 1.36',
    command: 'init',
    minor: 36,
    args: () => initConfig(lab.host(host).address, ''),
    names: usual('init', 36),
  },
  {
    title: 'init of 1.25',
    command: 'init',
    minor: 25,
    args: () => initConfig(lab.host(host).address, `kubernetesVersion: ${oldVersion}\n`),
    host: [oldKubelet, oldImages, ...oldSwitchesOn],
    names: onlyThere('init', 25, 'IPv4, local etcd', usual('init', 36)),
  },
  {
    title: 'init of 1.36 on IPv6 with external etcd',
    command: 'init',
    minor: 36,
    args: () => onIPv6(initConfig('fd00::75', external)),
    host: [etcdElsewhere('3.6.8'), ...switchedOn],
    names: onlyThere('init', 36, 'IPv6, external etcd', usual('init', 36)),
  },
  {
    title: 'init of 1.25 on IPv6 with external etcd',
    command: 'init',
    minor: 25,
    args: () => onIPv6(initConfig('fd00::75', `kubernetesVersion: ${oldVersion}\n${external}`)),
    host: [oldKubelet, oldImages, etcdElsewhere('3.5.9'), ...oldSwitchesOn],
    names: onlyThere('init', 25, 'IPv6, external etcd', [...usual('init', 25), ...usual('init', 36)]),
  },
  {
    title: 'join of a worker of 1.36',
    command: 'join',
    minor: 36,
    args: () => Promise.resolve(joining()),
    stdin: () => wanted.token,
    names: usual('join', 36),
  },
  {
    title: 'join of a worker of 1.25',
    command: 'join',
    minor: 25,
    args: () => Promise.resolve(joining()),
    stdin: () => wanted.token,
    host: [oldKubelet, ...oldSwitchesOn],
    names: onlyThere('join', 25, 'IPv4, local etcd', usual('join', 36)),
  },
  {
    title: 'join of a control plane',
    command: 'join control plane',
    minor: 36,
    args: () => Promise.resolve(joining('--control-plane', '--copy-certs-from', `root@${lab.host('master1').address}`)),
    stdin: () => wanted.token,
    names: usual('join control plane', 36),
  },
];

describe.each(modes)('$title', ({ args, stdin, host: needed = [], names, minor }) => {
  let command: readonly string[];
  const check = (): Promise<KbinitResult> =>
    kbinit([...command, '-o', 'json', ...over(lab, host)], stdin === undefined ? {} : { stdin: stdin() });

  beforeAll(async () => {
    command = await args();
    for (const { apply } of needed) await on(apply);
  });

  afterAll(async () => {
    for (const { undo } of needed.toReversed()) await on(undo);
  });

  const shown = names.filter(({ name }) => notHere[name] === undefined);

  test('passes every check on a host that is as it should be', async () => {
    const result = await check();
    expect(result.code, result.stderr).toBe(0);
    const found = outcomes(result);
    for (const { name } of shown) {
      // The lab's kernel has cgroup v1, which since 1.32 is told where the configuration allows it.
      const isOld = name === 'SystemVerification' && minor === 36;
      expect(found.get(name), name).toBe(isOld ? 'warning' : 'passed');
    }
  });

  test.each(shown)('$name fails as $level', async ({ name, level }) => {
    const fault = faults[name];
    if (fault === undefined) throw new Error(`nothing makes ${name} fail: add it to the faults`);
    const result = await during(fault, check);
    expect(result.code, result.stderr).toBe(level === 'error' ? 1 : 0);
    const found = outcomes(result);
    expect(found.get(name)).toBe(level);
    const others = [...found]
      .filter(([other, outcome]) => outcome !== 'passed' && other !== name)
      .map(([other]) => other);
    expect(others.filter((other) => other !== 'SystemVerification')).toEqual([]);
    // Nobody reads JSON to find out what to do.
    expect(result.stderr).toContain(name);
  });
});

test('reset asks for root, by the name of the check', async () => {
  const reset = (): Promise<KbinitResult> => kbinit(['reset', 'phase', 'preflight', '--force', ...over(lab, host)]);
  expect((await reset()).code).toBe(0);
  const refused = await during(faults['IsPrivilegedUser'] ?? [], reset);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/KB_PREFLIGHT\s+IsPrivilegedUser/);
});

test('a join under the name of a node that is Ready is refused before anything is written (R15)', async () => {
  const files = 'find /etc/kubernetes /var/lib/kbinit /var/lib/kubelet -type f 2>/dev/null; true';
  const before = await on(files);
  const flags = [...joinFlags(wanted), '--node-name', 'master1', ...over(lab, host)];
  await lab.kubectl(['wait', 'node', 'master1', '--for=condition=Ready', '--timeout=60s']);
  const refused = await kbinit(flags, { stdin: wanted.token });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('KB_NODE_NAME_TAKEN');
  expect(await on(files)).toBe(before);
});

test('every name of 1.25 and 1.36 is shown by a mode, or there is a reason why not', () => {
  const all = modes.flatMap(({ names }) => names.map(({ name }) => name));
  const commands = ['init', 'join', 'join control plane', 'reset'] as const;
  const law = [25, 36].flatMap((minor) => commands.flatMap((command) => lawOf(command, minor, () => true)));
  expect(law.map(({ name }) => name).filter((name) => !all.includes(name))).toEqual([]);
  expect(Object.keys(notHere)).toEqual(['KubernetesVersion']);
});
