// What `kbinit lb apply` is asked for: flags to a load balancer of typed values, everything wrong said at once.
import { KbError } from '../errors.ts';
import { formatIp, isLoopback, isUnspecified, joinHostPort, parseIp, type Ip } from '../util/net.ts';
import { Problems } from './problems.ts';
import { isPort, parseHostPort } from './syntax.ts';
import { isDnsSubdomain } from '../util/shapes.ts';

/** An API server behind the balancer. */
export interface Backend {
  /** As haproxy's log and statistics call it. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** An address that moves between two or more balancers (VRRP). */
export interface Failover {
  readonly address: string;
  readonly interface: string;
  /** The other balancers. */
  readonly peers: readonly string[];
  readonly routerId: number;
  /** The highest of those that run has the address. */
  readonly priority: number;
}

export interface LoadBalancer {
  /** An address, or `*` for every IPv4 one; `::` takes both families. */
  readonly bind: string;
  readonly port: number;
  readonly backends: readonly Backend[];
  readonly failover?: Failover;
}

/** The flags as commander gives them. */
export interface LoadBalancerFlags {
  readonly backend?: readonly string[];
  readonly bind?: string;
  readonly port?: number;
  readonly vip?: string;
  readonly interface?: string;
  readonly peer?: readonly string[];
  readonly routerId?: number;
  readonly priority?: number;
}

const apiPort = 6443;
/** keepalived's own number in its examples; two pairs in one network need different ones. */
const defaultRouterId = 51;
const defaultPriority = 100;

/** Read the flags. @throws KbError KB_CONFIG with every problem */
export function readLoadBalancer(flags: LoadBalancerFlags): LoadBalancer {
  const problems = new Problems();
  const port = flags.port ?? apiPort;
  if (!isPort(port)) problems.add('--port', port, 'is not a port', 'give a number from 1 to 65535');
  const bind = readBind(flags.bind, problems);
  const backends = (flags.backend ?? []).flatMap((text) => readBackend(text, problems) ?? []);
  if ((flags.backend ?? []).length === 0) {
    problems.say(
      '--backend',
      'no API server is named',
      'give one for each control plane: --backend master1=192.168.3.29',
    );
  }
  refuseTwice(backends, problems);
  refuseItself(backends, { bind, port }, problems);
  const failover = readFailover(flags, problems);
  if (problems.list.length > 0) throw new KbError(problems.list);
  return { bind, port, backends, ...(failover === undefined ? {} : { failover }) };
}

function readBind(text: string | undefined, problems: Problems): string {
  if (text === undefined || text === '*') return '*';
  const ip = parseIp(text);
  if (ip !== undefined) return formatIp(ip);
  problems.add(
    '--bind',
    text,
    'is not an address',
    'give an address of the host, or leave it out to listen on all of them',
  );
  return '*';
}

/** `NAME=ADDRESS[:PORT]` or `ADDRESS[:PORT]`, IPv6 in brackets where a port follows. */
function readBackend(text: string, problems: Problems): Backend | undefined {
  const [, given, where = ''] = /^(?:([^=]*)=)?(.*)$/s.exec(text) ?? [];
  const read = parseHostPort(where);
  if (read === undefined) {
    const fix = 'write master1=192.168.3.29, 192.168.3.29:6443 or master1=[fd00::29]:6443';
    problems.add('--backend', text, 'is not [NAME=]ADDRESS[:PORT]', fix);
    return undefined;
  }
  const name = given ?? read.host;
  // What haproxy takes for a server's name; it goes into its configuration as it is.
  if (!/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,62}$/.test(name)) {
    problems.add('--backend', text, 'has a name that haproxy does not take', 'use letters, digits, ., - and _');
    return undefined;
  }
  const ip = parseIp(read.host);
  // All digits and dots, and no address: a mistyped one, which a resolver would be asked for.
  const isMistyped = ip === undefined && (!isDnsSubdomain(read.host) || /^[\d.]+$/.test(read.host));
  if (isMistyped || (ip !== undefined && isUnspecified(ip))) {
    problems.add('--backend', text, 'is not an API server address', 'give the address it advertises');
    return undefined;
  }
  return { name, address: ip === undefined ? read.host : formatIp(ip), port: read.port ?? apiPort };
}

function refuseTwice(backends: readonly Backend[], problems: Problems): void {
  for (const [index, { name, address, port }] of backends.entries()) {
    const earlier = backends.slice(0, index);
    const place = joinHostPort(address, port);
    if (earlier.some((other) => other.name === name)) {
      problems.add('--backend', name, 'names two API servers', 'give each its own name');
    }
    if (earlier.some((other) => other.address === address && other.port === port)) {
      problems.add('--backend', place, 'is given twice', 'leave one of them out');
    }
  }
}

/** A balancer that is its own backend answers itself for ever. */
function refuseItself(
  backends: readonly Backend[],
  own: Pick<LoadBalancer, 'bind' | 'port'>,
  problems: Problems,
): void {
  for (const { address, port } of backends) {
    const ip = parseIp(address);
    const isOwn = address === own.bind || (ip !== undefined && isLoopback(ip));
    if (!isOwn || port !== own.port) continue;
    const fix = 'let the balancer listen on another --port, or move the API server (apiserver-bind-port)';
    problems.add('--backend', joinHostPort(address, port), 'is where the balancer itself listens', fix);
  }
}

function readFailover(flags: LoadBalancerFlags, problems: Problems): Failover | undefined {
  const { vip, peer = [], routerId = defaultRouterId, priority = defaultPriority } = flags;
  if (vip === undefined) {
    const others = (['interface', 'peer', 'routerId', 'priority'] as const).filter((name) => flags[name] !== undefined);
    const spelled = others.map((name) => (name === 'routerId' ? '--router-id' : `--${name}`));
    if (spelled.length > 0) problems.say(spelled.join(', '), 'it requires --vip', 'add --vip ADDRESS');
    return undefined;
  }
  const ip = parseIp(vip);
  if (ip === undefined || isUnspecified(ip) || isLoopback(ip)) {
    problems.add('--vip', vip, 'is not an address that can move between hosts', 'give a free address of their network');
  }
  const name = flags.interface;
  // What the kernel takes for an interface (dev_valid_name), without what keepalived would read as its own syntax.
  if (name === undefined || !/^[A-Za-z0-9_.:@-]{1,15}$/.test(name)) {
    problems.say(
      '--interface',
      'the interface of the moving address is not given',
      'name it, for example --interface eth0',
    );
  }
  const peers = peer.flatMap((text) => readPeer(text, ip, problems) ?? []);
  if (peer.length === 0) problems.say('--peer', 'no other balancer is named', 'give the address of each of them');
  if (new Set(peers).size < peers.length) problems.say('--peer', 'an address is given twice', 'leave one of them out');
  if (routerId < 1 || routerId > 255) problems.add('--router-id', routerId, 'is out of range', 'give 1 to 255');
  // 255 is for the owner of the address, 0 for one that leaves (RFC 5798).
  if (priority < 1 || priority > 254) problems.add('--priority', priority, 'is out of range', 'give 1 to 254');
  return ip === undefined ? undefined : { address: formatIp(ip), interface: name ?? '', peers, routerId, priority };
}

function readPeer(text: string, vip: Ip | undefined, problems: Problems): string | undefined {
  const ip = parseIp(text);
  if (ip === undefined || (vip !== undefined && ip.family !== vip.family)) {
    problems.add('--peer', text, 'is not an address of the family of --vip', "give the other balancer's own address");
    return undefined;
  }
  if (vip !== undefined && ip.value === vip.value) {
    problems.add('--peer', text, 'is the address that moves', "give the other balancer's own address");
    return undefined;
  }
  return formatIp(ip);
}
