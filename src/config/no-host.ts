// A host that is nobody's: for commands that look at a configuration and not at a host.
import type { HostFacts } from '../host/host.ts';
import { parseCidr } from '../util/net.ts';

/** Addresses of documentation (RFC 5737, RFC 3849): they are in nobody's ranges. */
const addresses = { 4: '192.0.2.1', 6: '2001:db8::1' } as const;

/**
 * Facts that make any valid configuration complete: a host that has the addresses which are given, and one of the family of
 * the service range.
 */
export function factsOfNoHost(serviceSubnet: string, given: readonly (string | undefined)[] = []): HostFacts {
  const family = parseCidr(serviceSubnet.split(',')[0] ?? '')?.family ?? 4;
  const own = [addresses[family], ...given.filter((address) => address !== undefined)];
  return {
    hostname: 'node',
    osRelease: {},
    kernelRelease: '',
    architecture: '',
    machineId: '',
    cpuCount: 1,
    memoryMiB: 1,
    cgroupVersion: 2,
    addresses: [
      ...own.map((address) => ({ interface: 'eth0', family, address, prefixLength: 32, isUp: true })),
      { interface: 'lo', family, address: addresses[family], prefixLength: 32, isUp: true },
    ],
    defaultRoutes: [{ interface: 'eth0', family }],
    criSockets: [],
    isResolvedActive: false,
    caDirectories: [],
    proxyEnvironment: {},
    readOnlyConntrack: [],
    clock: { host: 0, local: 0 },
  };
}
