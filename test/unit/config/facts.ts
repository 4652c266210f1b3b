// A host as the goldens were made on: master1 with one address and a default route.
import type { HostFacts } from '../../../src/host/host.ts';

export function facts(changes: Partial<HostFacts> = {}): HostFacts {
  return {
    hostname: 'master1',
    osRelease: { ID: 'debian', VERSION_ID: '12' },
    kernelRelease: '6.1.0',
    architecture: 'x86_64',
    machineId: '00000000000000000000000000000001',
    cpuCount: 2,
    memoryMiB: 4096,
    cgroupVersion: 2,
    addresses: [
      { interface: 'lo', family: 4, address: '127.0.0.1', prefixLength: 8, isUp: true },
      { interface: 'eth0', family: 4, address: '192.168.3.129', prefixLength: 24, isUp: true },
    ],
    defaultRoutes: [{ interface: 'eth0', family: 4 }],
    criSockets: ['unix:///var/run/containerd/containerd.sock'],
    isResolvedActive: false,
    caDirectories: [],
    proxyEnvironment: {},
    readOnlyConntrack: [],
    clock: { host: 1_800_000_000, local: 1_800_000_000 },
    ...changes,
  };
}

/** Token characters that are easy to recognise. */
export const fixedRandomSource = { tokenCharacters: (n: number): string => 'a'.repeat(n) };
