// What ships with each Kubernetes minor: a row a minor (spec: kubeadm's constants at the patch named in the row).
import type { KubeVersion } from './version.ts';

export interface Release {
  /** The patch the row was read at; a patch not listed uses its minor's row. */
  readonly reference: KubeVersion;
  readonly etcd: string;
  readonly pause: string;
  readonly coredns: string;
}

/** Newest last. */
export const releases: readonly Release[] = [
  { reference: { major: 1, minor: 25, patch: 7 }, etcd: '3.5.6-0', pause: '3.8', coredns: 'v1.9.3' },
  { reference: { major: 1, minor: 26, patch: 15 }, etcd: '3.5.10-0', pause: '3.9', coredns: 'v1.9.3' },
  { reference: { major: 1, minor: 27, patch: 16 }, etcd: '3.5.12-0', pause: '3.9', coredns: 'v1.10.1' },
  { reference: { major: 1, minor: 28, patch: 15 }, etcd: '3.5.15-0', pause: '3.9', coredns: 'v1.10.1' },
  { reference: { major: 1, minor: 29, patch: 15 }, etcd: '3.5.16-0', pause: '3.9', coredns: 'v1.11.1' },
  { reference: { major: 1, minor: 30, patch: 14 }, etcd: '3.5.15-0', pause: '3.9', coredns: 'v1.11.3' },
  { reference: { major: 1, minor: 31, patch: 14 }, etcd: '3.5.24-0', pause: '3.10', coredns: 'v1.11.3' },
  { reference: { major: 1, minor: 32, patch: 13 }, etcd: '3.5.24-0', pause: '3.10', coredns: 'v1.11.3' },
  { reference: { major: 1, minor: 33, patch: 9 }, etcd: '3.5.24-0', pause: '3.10', coredns: 'v1.12.0' },
  { reference: { major: 1, minor: 34, patch: 4 }, etcd: '3.6.5-0', pause: '3.10.1', coredns: 'v1.12.1' },
  { reference: { major: 1, minor: 35, patch: 4 }, etcd: '3.6.6-0', pause: '3.10.1', coredns: 'v1.13.1' },
  { reference: { major: 1, minor: 36, patch: 3 }, etcd: '3.6.8-0', pause: '3.10.2', coredns: 'v1.14.2' },
];

/** Exceptions: a patch whose constants are not its minor's. */
const patches: Readonly<Record<string, Partial<Omit<Release, 'reference'>>>> = {
  '1.25.16': { etcd: '3.5.9-0' },
};

/** What belongs to this version; undefined when its minor is not in the table. */
export function releaseOf(version: KubeVersion): Release | undefined {
  const row = releases.find((r) => r.reference.major === version.major && r.reference.minor === version.minor);
  return row && { ...row, ...patches[`${version.major}.${version.minor}.${version.patch}`] };
}

/** The newest version kbinit knows: the default of `kubernetesVersion` when no network is asked. */
export function newestVersion(): KubeVersion {
  const newest = releases.at(-1);
  if (newest === undefined) throw new Error('the release table is empty');
  return newest.reference;
}

/** The oldest version kbinit knows. */
export function oldestVersion(): KubeVersion {
  const [oldest] = releases;
  if (oldest === undefined) throw new Error('the release table is empty');
  return oldest.reference;
}

/** `v1.25 to v1.36` */
export function supportedRange(): string {
  const short = ({ major, minor }: KubeVersion): string => `v${major}.${minor}`;
  return `${short(oldestVersion())} to ${short(newestVersion())}`;
}
