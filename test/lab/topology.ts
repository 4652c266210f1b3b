/** Owns names and addresses: the default cluster of seven, and free addresses for other hosts and subnets. */
import type { HostKind } from './kinds.ts';

/** What a caller says of a host it wants. */
export interface HostWish {
  readonly name: string;
  readonly address?: string;
  /** What it is made of; the lab's own kind unless said otherwise. */
  readonly kind?: HostKind;
  /** Whether /var/lib/containerd holds all images from the start; only a ready host has them unless said otherwise. */
  readonly images?: boolean;
  readonly extraPodmanArgs?: readonly string[];
}

const defaultHosts: Readonly<Record<string, number>> = {
  master1: 29,
  master2: 30,
  master3: 31,
  node1: 27,
  node2: 32,
  node3: 28,
  lb: 33,
};
const firstFree = 100;

/** The names of the default topology. */
export const defaultNames: readonly string[] = Object.keys(defaultHosts);

/** The address of the machine in the lab's network. */
export function gatewayOf(subnet: string): string {
  return addressAt(subnet, 1);
}

/** The address of each wished host: its own, the default topology's, or the first that nobody has. */
export function assignAddresses(
  wishes: readonly HostWish[],
  subnet: string,
  taken: ReadonlyMap<string, string>,
): Map<string, string> {
  const result = new Map<string, string>();
  const used = new Set([...taken.values(), ...wishes.flatMap(({ address }) => address ?? [])]);
  for (const { name, address } of wishes) {
    if (!/^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$/.test(name)) throw new Error(`${name} is no host name for the lab`);
    const known = address ?? taken.get(name) ?? defaultAddress(name, subnet) ?? firstUnused(subnet, used);
    const owner = [...taken, ...result].find(([other, at]) => at === known && other !== name)?.[0];
    if (owner !== undefined) throw new Error(`${name} cannot have ${known}: it is ${owner}'s`);
    if (!contains(subnet, known)) throw new Error(`${name} cannot have ${known}: it is not in ${subnet}`);
    used.add(known);
    result.set(name, known);
  }
  return result;
}

/** The address a host of the default topology has in a subnet. */
export function defaultAddress(name: string, subnet: string): string | undefined {
  const octet = defaultHosts[name];
  return octet === undefined ? undefined : addressAt(subnet, octet);
}

function firstUnused(subnet: string, used: ReadonlySet<string>): string {
  const { size } = parseSubnet(subnet);
  for (let offset = Math.min(firstFree, size - 2); offset < size - 1; offset++) {
    const address = addressAt(subnet, offset);
    if (!used.has(address)) return address;
  }
  throw new Error(`${subnet} has no free address`);
}

function addressAt(subnet: string, offset: number): string {
  const { base, size } = parseSubnet(subnet);
  if (offset >= size - 1) throw new Error(`${subnet} is too small for host number ${offset}`);
  return format(base + offset);
}

function contains(subnet: string, address: string): boolean {
  const { base, size } = parseSubnet(subnet);
  const value = parseAddress(address);
  return value > base + 1 && value < base + size - 1;
}

function parseSubnet(subnet: string): { base: number; size: number } {
  const [address = '', bits = ''] = subnet.split('/');
  const size = 2 ** (32 - Number(bits));
  const base = parseAddress(address);
  if (!/^\d+$/.test(bits) || Number(bits) < 8 || Number(bits) > 28 || base % size !== 0) {
    throw new Error(`${subnet} is no subnet for a lab: write it like 192.168.3.0/24`);
  }
  return { base, size };
}

function parseAddress(text: string): number {
  const parts = text.split('.').map(Number);
  const isAddress = parts.length === 4 && parts.every((part) => Number.isInteger(part) && part >= 0 && part < 256);
  if (!isAddress) throw new Error(`${text} is no IPv4 address`);
  return parts.reduce((value, part) => value * 256 + part, 0);
}

function format(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
