// What a host is: one script that asks everything, and the reading of its answer, in which every value has its shape. Pure.
import { Said } from '../util/said.ts';
import {
  addressShape,
  interfaceShape,
  kernelReleaseShape,
  lineShape,
  machineIdShape,
  machineShape,
  numberShape,
  versionShape,
  type Shape,
} from '../util/shapes.ts';
import { readOsRelease } from '../util/os-release.ts';
import type { HostFacts, NetworkAddress } from './host.ts';
import { script, sh, type Shell } from './shell.ts';

const criSockets: readonly string[] = [
  '/var/run/containerd/containerd.sock',
  '/var/run/crio/crio.sock',
  '/var/run/cri-dockerd.sock',
];
const caDirectories: readonly string[] = [
  '/etc/pki',
  '/etc/pki/ca-trust',
  '/etc/pki/tls/certs',
  '/etc/ca-certificates',
  '/usr/share/ca-certificates',
  '/usr/local/share/ca-certificates',
];
const conntrackLimits: readonly string[] = [
  'nf_conntrack_max',
  'nf_conntrack_tcp_timeout_established',
  'nf_conntrack_tcp_timeout_close_wait',
];

/**
 * Every line is `KEY rest`; files come a line at a time behind their key. What is slow runs beside the rest. Few
 * processes, because three hundred hosts may be asked: what the shell can read by itself it reads by itself.
 */
const questions: Shell = script`
tagged() {
  while IFS= read -r line || [ -n "$line" ]; do printf '%s %s\n' "$1" "$line"; done
}
file() {
  [ ! -r "$2" ] || tagged "$1" < "$2"
}
slow() {
  if command -v kubelet > /dev/null; then kubelet --version 2> /dev/null | tagged kubelet; fi
  # Where systemd is not what the host was booted with there is nobody to ask (sd_booted(3)).
  if [ -d /run/systemd/system ] && systemctl is-active --quiet systemd-resolved 2> /dev/null; then echo 'resolved active'; fi
}
slow < /dev/null | {
exec 3<&0 < /dev/null
echo "clock $(date +%s)"
echo "uname $(uname -n -r -m)"
echo "cpus $(nproc)"
[ ! -e /sys/fs/cgroup/cgroup.controllers ] || echo 'cgroup 2'
if [ -r /etc/os-release ]; then file os /etc/os-release; else file os /usr/lib/os-release; fi
file machine-id /etc/machine-id
[ ! -r /proc/meminfo ] || { read -r line < /proc/meminfo; echo "memory $line"; }
file route4 /proc/net/route
file route6 /proc/net/ipv6_route
ip address show 2> /dev/null | tagged ip
for path in $sockets; do
  [ ! -S "$path" ] || echo "socket $path"
done
for path in $authorities; do
  [ ! -d "$path" ] || echo "ca $path"
done
for name in $limits; do
  path=/proc/sys/net/netfilter/$name
  # As long as the module is not loaded, its neighbours tell whether all of them are mounted read-only.
  [ -e "$path" ] || path=/proc/sys/net/ipv4/ip_forward
  [ -w "$path" ] || echo "read-only $name"
done
case $(export -p) in
  *_[Pp][Rr][Oo][Xx][Yy]=*) env | grep -i '^[a-z_]*_proxy=' | tagged env ;;
esac
while IFS= read -r line; do printf '%s\n' "$line"; done <&3
}
`;

/** The question. */
export const factsScript: Shell = sh`sockets=${criSockets.join(' ')}
authorities=${caDirectories.join(' ')}
limits=${conntrackLimits.join(' ')}
${questions}`;

type Answer = ReadonlyMap<string, readonly string[]>;

function byKey(stdout: string): Answer {
  const answer = new Map<string, string[]>();
  for (const line of stdout.split('\n')) {
    const space = line.indexOf(' ');
    if (space <= 0) continue;
    const key = line.slice(0, space);
    const values = answer.get(key) ?? [];
    values.push(line.slice(space + 1));
    answer.set(key, values);
  }
  return answer;
}

/** `ip address show`: a line an interface, and under it its addresses. */
function networkAddresses(lines: readonly string[], said: Said): readonly NetworkAddress[] {
  let [name, isUp] = ['', false];
  return lines.flatMap((line) => {
    const [, header, flags = ''] = /^\d+: ([^:@]+)(?:@[^:]*)?: <([^>]*)>/.exec(line) ?? [];
    if (header !== undefined) {
      [name, isUp] = [said.value('network interface', header, interfaceShape), flags.split(',').includes('UP')];
    }
    const [, inet, address, own, peer] =
      /^\s+(inet6?) ([0-9A-Fa-f.:]+)(?:\/(\d+))?(?: peer [0-9A-Fa-f.:]+\/(\d+))?/.exec(line) ?? [];
    if (address === undefined) return [];
    said.value('address', address, addressShape);
    const family = inet === 'inet6' ? 6 : 4;
    const longest = family === 4 ? 32 : 128;
    const prefixLength = Number(said.value('prefix length', own ?? peer ?? String(longest), prefixShape(longest)));
    return [{ interface: name, family, address, prefixLength, isUp }];
  });
}

function prefixShape(longest: number): Shape {
  return { words: `at most ${longest}`, fits: (text) => /^\d{1,3}$/.test(text) && Number(text) <= longest };
}

/** The default routes of /proc/net/route and /proc/net/ipv6_route, as apimachinery's util/net reads them. */
function defaultRoutes(v4: readonly string[], v6: readonly string[], said: Said): HostFacts['defaultRoutes'] {
  const zero6 = '0'.repeat(32);
  const four = v4.map((line) => line.trim().split(/\s+/)).filter((field) => field[1] === '00000000');
  // Without a gateway it is the kernel's own unreachable default on lo.
  const six = v6
    .map((line) => line.trim().split(/\s+/))
    .filter((field) => field[0] === zero6 && field[1] === '00' && field[4] !== zero6);
  const named = (name = ''): string => said.value('network interface', name, interfaceShape);
  return [
    ...four.map((field) => ({ interface: named(field[0]), family: 4 as const })),
    ...six.map((field) => ({ interface: named(field[9]), family: 6 as const })),
  ];
}

function proxyEnvironment(lines: readonly string[], said: Said): Record<string, string> {
  const pairs = lines.flatMap((line) => {
    const [, name, value = ''] = /^([A-Za-z_][A-Za-z0-9_]*_proxy)=(.*)$/i.exec(line) ?? [];
    // The value may hold a password: a wrong one is not shown.
    return name === undefined ? [] : [[name, said.secret(`variable ${name}`, value, lineShape)]];
  });
  return Object.fromEntries(pairs);
}

/** What the script tests for by name, so that nothing else can come back. */
function known(answers: readonly string[], asked: readonly string[]): readonly string[] {
  return answers.filter((answer, index) => asked.includes(answer) && answers.indexOf(answer) === index);
}

/** `NAME RELEASE MACHINE`; a name may have blanks in it, which is found out. */
function readUname(line: string): { readonly hostname: string; readonly release: string; readonly machine: string } {
  const words = line.split(' ');
  const [release = '', machine = ''] = words.slice(-2);
  return { hostname: words.slice(0, -2).join(' '), release, machine };
}

/**
 * Read the script's answer. `now` is our clock in milliseconds when it came.
 * @throws KbError KB_HOST_NAME, KB_HOST_FACT for what cannot be a fact
 */
export function parseFacts(stdout: string, now: number): HostFacts {
  const answer = byKey(stdout);
  const said = new Said();
  const all = (key: string): readonly string[] => answer.get(key) ?? [];
  const one = (key: string): string => all(key)[0]?.trim() ?? '';
  const kubeletVersion = /v\d+\.\d+\.\d+\S*/.exec(one('kubelet'))?.[0];
  const { hostname, release, machine } = readUname(all('uname')[0] ?? '');
  // A name with a line feed in it cuts the line: then the words behind it are missing.
  const word: Said['value'] = (what, text, shape) => (answer.has('uname') ? said.value(what, text, shape) : text);
  const machineId = one('machine-id');
  const facts: HostFacts = {
    hostname: said.hostname(hostname),
    osRelease: readOsRelease(all('os'), said),
    kernelRelease: word('kernel release', release, kernelReleaseShape),
    architecture: word('architecture', machine, machineShape),
    // machine-id(5): what a host has before its first boot is over.
    machineId: machineId === 'uninitialized' ? '' : said.optional('machine-id', machineId, machineIdShape),
    cpuCount: said.number('number of CPUs', one('cpus'), numberShape),
    memoryMiB: Math.floor(said.number('memory', memoryOf(one('memory')), numberShape) / 1024),
    cgroupVersion: one('cgroup') === '2' ? 2 : 1,
    addresses: networkAddresses(all('ip'), said),
    defaultRoutes: defaultRoutes(all('route4'), all('route6'), said),
    criSockets: known(all('socket'), criSockets).map((path) => `unix://${path}`),
    isResolvedActive: one('resolved') === 'active',
    caDirectories: known(all('ca'), caDirectories),
    proxyEnvironment: proxyEnvironment(all('env'), said),
    readOnlyConntrack: known(all('read-only'), conntrackLimits),
    ...(kubeletVersion !== undefined && {
      kubeletVersion: said.value('kubelet version', kubeletVersion, versionShape),
    }),
    clock: { host: said.number('clock', one('clock'), numberShape), local: Math.floor(now / 1000) },
  };
  said.end();
  return facts;
}

function memoryOf(line: string): string {
  return /^MemTotal: +(\d+)/.exec(line)?.[1] ?? '';
}
