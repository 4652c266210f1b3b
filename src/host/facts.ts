// What a host is: one script that asks everything, and the reading of its answer. Pure.
import type { HostFacts, NetworkAddress } from './host.ts';
import { script, type Shell } from './shell.ts';

/**
 * Every line is `KEY rest`; files come a line at a time behind their key. What is slow runs beside the rest. Few
 * processes, because three hundred hosts may be asked: what the shell can read by itself it reads by itself.
 */
export const factsScript: Shell = script`
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
for path in /var/run/containerd/containerd.sock /var/run/crio/crio.sock /var/run/cri-dockerd.sock; do
  [ ! -S "$path" ] || echo "socket $path"
done
for path in /etc/pki /etc/pki/ca-trust /etc/pki/tls/certs /etc/ca-certificates /usr/share/ca-certificates /usr/local/share/ca-certificates; do
  [ ! -d "$path" ] || echo "ca $path"
done
for name in nf_conntrack_max nf_conntrack_tcp_timeout_established nf_conntrack_tcp_timeout_close_wait; do
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

/** os-release(5): KEY=value, shell quoting at most. */
function osRelease(lines: readonly string[]): Record<string, string> {
  const pairs = lines.flatMap((line) => {
    const match = /^\s*([A-Za-z0-9_]+)=(.*?)\s*$/.exec(line);
    if (match === null) return [];
    const [, key = '', raw = ''] = match;
    const quoted = /^(["'])(.*)\1$/.exec(raw);
    return [[key, quoted === null ? raw : (quoted[2] ?? '').replaceAll(/\\(["$`\\])/g, '$1')]];
  });
  return Object.fromEntries(pairs);
}

/** `ip address show`: a line an interface, and under it its addresses. */
function networkAddresses(lines: readonly string[]): readonly NetworkAddress[] {
  let [name, isUp] = ['', false];
  return lines.flatMap((line) => {
    const [, header, flags = ''] = /^\d+: ([^:@]+)(?:@[^:]*)?: <([^>]*)>/.exec(line) ?? [];
    if (header !== undefined) [name, isUp] = [header, flags.split(',').includes('UP')];
    const [, inet, address, own, peer] =
      /^\s+(inet6?) ([0-9A-Fa-f.:]+)(?:\/(\d+))?(?: peer [0-9A-Fa-f.:]+\/(\d+))?/.exec(line) ?? [];
    if (address === undefined) return [];
    const family = inet === 'inet6' ? 6 : 4;
    const prefixLength = Number(own ?? peer ?? (family === 4 ? 32 : 128));
    return [{ interface: name, family, address, prefixLength, isUp }];
  });
}

/** The default routes of /proc/net/route and /proc/net/ipv6_route, as apimachinery's util/net reads them. */
function defaultRoutes(v4: readonly string[], v6: readonly string[]): HostFacts['defaultRoutes'] {
  const zero6 = '0'.repeat(32);
  const four = v4.map((line) => line.trim().split(/\s+/)).filter((field) => field[1] === '00000000');
  // Without a gateway it is the kernel's own unreachable default on lo.
  const six = v6
    .map((line) => line.trim().split(/\s+/))
    .filter((field) => field[0] === zero6 && field[1] === '00' && field[4] !== zero6);
  return [
    ...four.map((field) => ({ interface: field[0] ?? '', family: 4 as const })),
    ...six.map((field) => ({ interface: field[9] ?? '', family: 6 as const })),
  ];
}

function proxyEnvironment(lines: readonly string[]): Record<string, string> {
  const pairs = lines.flatMap((line) => {
    const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*_proxy)=(.*)$/i.exec(line) ?? [];
    return name === undefined ? [] : [[name, value ?? '']];
  });
  return Object.fromEntries(pairs);
}

/** Read the script's answer. `now` is our clock in milliseconds when it came. */
export function parseFacts(stdout: string, now: number): HostFacts {
  const answer = byKey(stdout);
  const all = (key: string): readonly string[] => answer.get(key) ?? [];
  const one = (key: string): string => all(key)[0]?.trim() ?? '';
  const kubeletVersion = /v\d+\.\d+\.\d+\S*/.exec(one('kubelet'))?.[0];
  const [hostname = '', kernelRelease = '', architecture = ''] = one('uname').split(' ');
  return {
    hostname,
    osRelease: osRelease(all('os')),
    kernelRelease,
    architecture,
    machineId: one('machine-id'),
    cpuCount: Number(one('cpus')),
    memoryMiB: Math.floor(Number(/^MemTotal: +(\d+)/.exec(one('memory'))?.[1] ?? 0) / 1024),
    cgroupVersion: one('cgroup') === '2' ? 2 : 1,
    addresses: networkAddresses(all('ip')),
    defaultRoutes: defaultRoutes(all('route4'), all('route6')),
    criSockets: all('socket').map((path) => `unix://${path}`),
    isResolvedActive: one('resolved') === 'active',
    caDirectories: all('ca'),
    proxyEnvironment: proxyEnvironment(all('env')),
    readOnlyConntrack: all('read-only'),
    ...(kubeletVersion !== undefined && { kubeletVersion }),
    clock: { host: Number(one('clock')), local: Math.floor(now / 1000) },
  };
}
