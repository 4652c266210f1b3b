// IP addresses and CIDR ranges of both families as big integers: parse, print, count, compare.
import { isIP } from 'node:net';

export type Family = 4 | 6;

export interface Ip {
  readonly family: Family;
  readonly value: bigint;
}

/** A range; `ip` is the first address of it. */
export interface Cidr {
  readonly family: Family;
  readonly ip: Ip;
  readonly prefixLength: number;
}

const width = { 4: 32, 6: 128 } as const;

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':');
}

/** `::ffff:1.2.3.4` with its last part in hexadecimal. */
function withoutDots(text: string): string {
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  if (dotted === null) return text;
  const [a = 0, b = 0, c = 0, d = 0] = dotted.slice(1).map(Number);
  return `${text.slice(0, dotted.index)}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

/** An address of either family, without zone; an IPv4-mapped IPv6 address is IPv4, as in Go. */
export function parseIp(text: string): Ip | undefined {
  const kind = isIP(text);
  if (kind === 0 || text.includes('%')) return undefined;
  if (kind === 4) {
    return { family: 4, value: text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n) };
  }
  const [head = '', tail] = withoutDots(text).split('::');
  const [left, right] = [groupsOf(head), groupsOf(tail ?? '')];
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  const groups = tail === undefined ? left : [...left, ...zeros, ...right];
  const value = groups.reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n);
  return value >> 32n === 0xffffn ? { family: 4, value: value & 0xffffffffn } : { family: 6, value };
}

/** The longest run of two or more zero groups, the first of equals (RFC 5952 §4.2). */
function zeroRun(groups: readonly string[]): { start: number; length: number } {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === '0') length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

/** The canonical text: RFC 5952 for IPv6. */
export function formatIp(ip: Ip): string {
  if (ip.family === 4) return [24n, 16n, 8n, 0n].map((shift) => (ip.value >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((ip.value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  const run = zeroRun(groups);
  if (run.start < 0) return groups.join(':');
  return `${groups.slice(0, run.start).join(':')}::${groups.slice(run.start + run.length).join(':')}`;
}

/** `10.96.0.0/12`; host bits are cut off, as net.ParseCIDR's network is. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const ip = parseIp(match?.[1] ?? '');
  if (match === null || ip === undefined) return undefined;
  const prefixLength = Number(match[2]);
  // A mapped address (::ffff:10.0.0.0/120) is not worth a guess about which family's length was meant.
  if (prefixLength > width[ip.family] || (ip.family === 4 && (match[1] ?? '').includes(':'))) return undefined;
  const hostBits = BigInt(width[ip.family] - prefixLength);
  return { family: ip.family, prefixLength, ip: { family: ip.family, value: (ip.value >> hostBits) << hostBits } };
}

/** `10.96.0.0/12` */
export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidr.ip)}/${cidr.prefixLength}`;
}

/** A comma list of ranges; undefined when one of them is not a range. */
export function parseCidrs(text: string): readonly Cidr[] | undefined {
  const all = text.split(',').map(parseCidr);
  const good = all.filter((cidr) => cidr !== undefined);
  return good.length === all.length ? good : undefined;
}

/** How many addresses a range has. */
export function cidrSize(cidr: Cidr): bigint {
  return 1n << BigInt(width[cidr.family] - cidr.prefixLength);
}

/** The length of an address of the family, in bits. */
export function familyBits(family: Family): 32 | 128 {
  return width[family];
}

/** The address at this index of the range (0 = its first); undefined past its end. Service IPs are 1 (API) and 10 (DNS). */
export function nthAddress(cidr: Cidr, index: number): string | undefined {
  if (BigInt(index) >= cidrSize(cidr)) return undefined;
  return formatIp({ family: cidr.family, value: cidr.ip.value + BigInt(index) });
}

export function cidrContains(cidr: Cidr, ip: Ip): boolean {
  if (cidr.family !== ip.family) return false;
  const hostBits = BigInt(width[cidr.family] - cidr.prefixLength);
  return ip.value >> hostBits === cidr.ip.value >> hostBits;
}

export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  return cidrContains(a, b.ip) || cidrContains(b, a.ip);
}

/** `192.168.3.1:6443`, `[fd00::1]:6443`, `host:6443` */
export function joinHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

const ranges = (texts: readonly string[]): readonly Cidr[] => texts.flatMap((text) => parseCidr(text) ?? []);
const loopback = ranges(['127.0.0.0/8', '::1/128']);
const unspecified = ranges(['0.0.0.0/32', '::/128']);
/** Broadcast, multicast and link-local, beside the two above: what Go's IsGlobalUnicast refuses. */
const otherwiseSpecial = ranges(['255.255.255.255/32', '224.0.0.0/4', 'ff00::/8', '169.254.0.0/16', 'fe80::/10']);

const within = (list: readonly Cidr[], ip: Ip): boolean => list.some((cidr) => cidrContains(cidr, ip));

export function isLoopback(ip: Ip): boolean {
  return within(loopback, ip);
}

export function isUnspecified(ip: Ip): boolean {
  return within(unspecified, ip);
}

/** An address another host may be able to reach (Go's IP.IsGlobalUnicast; private ranges count). */
export function isGlobalUnicast(ip: Ip): boolean {
  return !within(loopback, ip) && !within(unspecified, ip) && !within(otherwiseSpecial, ip);
}
