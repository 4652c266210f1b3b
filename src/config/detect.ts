// What a target host's facts say about the values a user left open: its name, its address, its container runtime (spec 02 §5).
import type { Problem } from '../errors.ts';
import type { HostFacts, NetworkAddress } from '../host/host.ts';
import { formatIp, isGlobalUnicast, isLoopback, isUnspecified, parseIp, type Family, type Ip } from '../util/net.ts';
import { defaults } from './defaults.ts';
import { configProblem } from './report.ts';
import { urlScheme } from './syntax.ts';

/** A value, or why there is none. */
export type Detected = { readonly value: string; readonly warning?: string } | { readonly problem: Problem };

/** The given name, or the host's in lower case; '' when the host has none. */
export function nodeName(given: string | undefined, facts: HostFacts): string {
  return given ?? facts.hostname.trim().toLowerCase();
}

/** The given socket with its scheme, or the only one the host has. */
export function criSocket(given: string | undefined, facts: HostFacts): Detected {
  if (given !== undefined) {
    // Validation refuses another scheme than unix.
    if (urlScheme(given) !== undefined) return { value: given };
    const value = `unix://${given}`;
    return { value, warning: `criSocket ${given} has no scheme; using ${value}` };
  }
  const [first, ...others] = facts.criSockets;
  if (others.length === 0) return { value: first ?? defaults.criSocket };
  const problem: Problem = {
    code: 'KB_CRI_SOCKET',
    summary: 'the host has more than one container runtime',
    detail: `found ${facts.criSockets.join(', ')}`,
    fix: 'name the one to use with --cri-socket or nodeRegistration.criSocket',
  };
  return { problem };
}

const isLoopbackInterface = (address: NetworkAddress): boolean => {
  const ip = parseIp(address.address);
  return address.interface === 'lo' || (ip !== undefined && isLoopback(ip));
};

/** The first address of the family that other hosts may reach, among these. */
function firstUsable(addresses: readonly NetworkAddress[], family: Family): string | undefined {
  for (const { isUp, address } of addresses) {
    const ip = isUp ? parseIp(address) : undefined;
    if (ip !== undefined && ip.family === family && isGlobalUnicast(ip)) return formatIp(ip);
  }
  return undefined;
}

/** An address of an interface with a default route, else one on the loopback interface (RFC 5549 set-ups). */
function defaultRouteAddress(facts: HostFacts, families: readonly Family[]): string | undefined {
  for (const family of families) {
    for (const route of facts.defaultRoutes.filter((candidate) => candidate.family === family)) {
      const own = facts.addresses.filter((address) => address.interface === route.interface);
      const found = firstUsable(own, family) ?? firstUsable(facts.addresses.filter(isLoopbackInterface), family);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function noAddress(detail: string): Detected {
  const problem: Problem = {
    code: 'KB_NO_ADDRESS',
    summary: 'no address to advertise the API server at',
    detail,
    fix: 'give one with --apiserver-advertise-address or localAPIEndpoint.advertiseAddress',
  };
  return { problem };
}

/** kubeadm would go on with 0.0.0.0 here, which no node can reach. */
function routedAddress(facts: HostFacts, reached: string | undefined, families: readonly Family[]): Detected {
  const routed = defaultRouteAddress(facts, families);
  if (routed !== undefined) return { value: routed };
  const ip = parseIp(reached ?? '');
  if (ip === undefined || !isGlobalUnicast(ip)) {
    const seen = facts.addresses.map(({ address, interface: name }) => `${address} (${name})`).join(', ');
    return noAddress(`no interface with a default route has a usable address; the host has ${seen || 'no address'}`);
  }
  const value = formatIp(ip);
  return { value, warning: `the host has no default route; advertising ${value}, the address it was reached at` };
}

function givenAddress(ip: Ip, facts: HostFacts): Detected {
  const value = formatIp(ip);
  const isOwn = facts.addresses.some(({ address }) => {
    const own = parseIp(address);
    return own !== undefined && formatIp(own) === value;
  });
  return isOwn ? { value } : { value, warning: `advertiseAddress ${value} is not an address of the host` };
}

/**
 * The address the API server is advertised at. Loopback asks for one on the loopback interface, an unspecified address for
 * the default route's.
 */
export function advertiseAddress(
  given: string | undefined,
  path: string,
  facts: HostFacts,
  reached: string | undefined,
): Detected {
  if (given === undefined) return routedAddress(facts, reached, [4, 6]);
  const ip = parseIp(given);
  if (ip === undefined) {
    return {
      problem: configProblem(`${path}: ${JSON.stringify(given)} is not an IP address`, 'give an address of the host'),
    };
  }
  if (isUnspecified(ip)) return routedAddress(facts, reached, ip.family === 4 ? [4, 6] : [6, 4]);
  if (!isLoopback(ip)) return givenAddress(ip, facts);
  const own = facts.addresses.filter((address) => address.interface === 'lo');
  const value = firstUsable(own, 4) ?? firstUsable(own, 6);
  return value === undefined ? noAddress(`${given} is given, and lo has no address other hosts can reach`) : { value };
}
