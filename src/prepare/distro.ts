// Which system a host has, and what follows from it: the package manager, names of units, what it is too old for.
import { isEl7TooOld } from '../kube/traits.ts';
import { formatVersion, type KubeVersion } from '../kube/version.ts';
import { isOfRhel, systemFamily } from '../util/os-release.ts';
import type { HostState } from './state.ts';

export interface Distro {
  readonly family: 'rhel' | 'debian';
  /** os-release's own word: `centos`, `rocky`, `debian`. */
  readonly id: string;
  /** As people call it. */
  readonly name: string;
  /** The first number of its version. */
  readonly release: number;
}

/** The system, or what is found instead of one that kbinit knows. */
export function distroOf({ osRelease }: Pick<HostState, 'osRelease'>): Distro | { readonly unknown: string } {
  const id = osRelease['ID'] ?? '';
  const release = Number.parseInt(osRelease['VERSION_ID'] ?? '', 10);
  const name = osRelease['PRETTY_NAME'] ?? `${id} ${osRelease['VERSION_ID'] ?? ''}`.trim();
  const family = systemFamily(osRelease);
  const isOld = family === 'rhel' && (!(release >= 7) || release > 10) && isOfRhel(id);
  return family === undefined || Number.isNaN(release) || isOld ? { unknown: name } : { family, id, name, release };
}

/** Why this Kubernetes cannot run there; undefined when it can. */
export function refusal({ family, release, name }: Distro, version: KubeVersion): string | undefined {
  if (family !== 'rhel' || release > 7 || !isEl7TooOld(version)) return undefined;
  return `${name} has kernel 3.10 and cgroup v1: Kubernetes 1.32 and later refuse that kernel, 1.35 and later cgroup v1 too; ${formatVersion(version)} is asked for`;
}
