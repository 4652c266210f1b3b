// Hosts for the tests of a preparation: a bare Rocky Linux 9 and what it differs in.
import { sha256 } from '../../../src/prepare/action.ts';
import { readPrepare, type PrepareFiles, type PrepareFlags } from '../../../src/prepare/flags.ts';
import type { PrepareSpec } from '../../../src/prepare/spec.ts';
import type { FoundFile, HostState } from '../../../src/prepare/state.ts';

export const bareState: HostState = {
  osRelease: { ID: 'rocky', ID_LIKE: 'rhel centos fedora', VERSION_ID: '9.6', PRETTY_NAME: 'Rocky Linux 9.6' },
  kernel: '5.14.0-570.el9.x86_64',
  architecture: 'x86_64',
  hostname: 'node1',
  cgroupVersion: 2,
  hasFullRoot: true,
  selinux: 'enforcing',
  files: new Map(),
  missingFolders: new Set(),
  mounted: new Set(),
  texts: new Map(),
  sysctls: new Map([['net.ipv4.ip_forward', '0']]),
  modules: new Set(['overlay']),
  swaps: [],
  units: new Map(),
  programs: new Set(),
  packages: new Map(),
  held: new Set(),
  images: new Map(),
  addresses: ['192.168.3.27'],
  ledger: [],
};

/** A file with this text, as root writes it. */
export function found(text: string, mode = 0o644): FoundFile {
  return { mode, isRoots: true, size: text.length, modified: 1, sha256: sha256(text) };
}

export function specOf(flags: PrepareFlags = {}, files: PrepareFiles = {}): PrepareSpec {
  return readPrepare(flags, files);
}
