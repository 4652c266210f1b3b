/** Owns the list of Debian packages that the project uses on its machine: who needs each, and the programs asked for by path. */

/** Who needs packages: the lab (and with it the demo), the unit tests, the end-to-end tests, the benches. */
export const packageUsers = ['lab', 'unit', 'e2e', 'bench'] as const;

/** One who needs packages. */
export type PackageUser = (typeof packageUsers)[number];

interface DebianPackage {
  readonly neededBy: readonly PackageUser[];
  /** Programs whose absence a test may ask about (`test/programs.ts`), or that are started by their name. */
  readonly programs: readonly string[];
}

/**
 * Packages of priority required (util-linux, mount, tar, dash, …) are part of every Debian and not in the list.
 * What an entry point or a test starts is in it or among those: `test/packages.test.ts` sees to that.
 */
export const debianPackages = {
  podman: { neededBy: ['lab'], programs: ['/usr/bin/podman'] },
  // podman's network, which podman only recommends.
  netavark: { neededBy: ['lab'], programs: [] },
  // podman's own choice, crun, fails on cgroup v1.
  runc: { neededBy: ['lab'], programs: ['/usr/sbin/runc'] },
  debootstrap: { neededBy: ['lab'], programs: ['/usr/sbin/debootstrap'] },
  iptables: { neededBy: ['lab'], programs: ['/usr/sbin/iptables'] },
  // A rehearsal that was killed leaves a bridge.
  iproute2: { neededBy: ['lab'], programs: ['/usr/bin/ip'] },
  // Go fetches modules over TLS.
  'ca-certificates': { neededBy: ['lab'], programs: [] },
  // runc and flannel are compiled with cgo.
  gcc: { neededBy: ['lab'], programs: ['/usr/bin/gcc'] },
  'libc6-dev': { neededBy: ['lab'], programs: [] },
  'pkg-config': { neededBy: ['lab'], programs: ['/usr/bin/pkg-config'] },
  'libseccomp-dev': { neededBy: ['lab'], programs: [] },
  'openssh-client': {
    neededBy: ['lab', 'unit', 'e2e', 'bench'],
    programs: ['/usr/bin/ssh', '/usr/bin/ssh-keygen', '/usr/bin/ssh-agent', '/usr/bin/ssh-add'],
  },
  'openssh-server': { neededBy: ['unit'], programs: ['/usr/sbin/sshd'] },
  openssl: { neededBy: ['unit', 'e2e'], programs: ['/usr/bin/openssl'] },
  // Which calls a write makes, and what a run of the program starts.
  strace: { neededBy: ['unit', 'e2e'], programs: ['/usr/bin/strace'] },
  procps: { neededBy: ['unit', 'e2e'], programs: ['/usr/bin/ps'] },
  // Login shells and the shells that completion is written for; csh is tcsh's other name.
  fish: { neededBy: ['unit'], programs: ['/usr/bin/fish'] },
  zsh: { neededBy: ['unit'], programs: ['/usr/bin/zsh'] },
  tcsh: { neededBy: ['unit'], programs: ['/usr/bin/tcsh', '/usr/bin/csh'] },
  'ksh93u+m': { neededBy: ['unit'], programs: ['/usr/bin/ksh'] },
  hyperfine: { neededBy: ['bench'], programs: ['/usr/bin/hyperfine'] },
} as const;

/** A program that comes with a package of the list. */
export type ListedProgram = (typeof debianPackages)[keyof typeof debianPackages]['programs'][number];

/** The packages that these need, each once. */
export function packagesFor(users: readonly PackageUser[]): readonly string[] {
  const all: Readonly<Record<string, DebianPackage>> = debianPackages;
  return Object.entries(all).flatMap(([name, { neededBy }]) =>
    neededBy.some((user) => users.includes(user)) ? [name] : [],
  );
}
