// Which versions may work together: kubelet, control plane, external etcd, and the newest that kbinit knows.
import { newestVersion } from './releases.ts';
import { compareVersions, type KubeVersion } from './version.ts';

/** A pre-release that is older than everything of its minor: `X.Y.0-0`. */
function startOf(major: number, minor: number): KubeVersion {
  return { major, minor, patch: 0, pre: '0' };
}

/** The oldest kubelet that joins a control plane of the newest minor: three minors back (spec 03 §4 #10). */
export function oldestKubelet(): KubeVersion {
  const newest = newestVersion();
  return { major: newest.major, minor: newest.minor - 3, patch: 0 };
}

/** True when a kubelet is older than every supported one. */
export function isKubeletTooOld(kubelet: KubeVersion): boolean {
  return compareVersions(kubelet, oldestKubelet()) < 0;
}

/** True when kbinit's tables end before this version's minor (spec 03 §2 #3). */
export function isTooNew(version: KubeVersion): boolean {
  const newest = newestVersion();
  return compareVersions(version, startOf(newest.major, newest.minor + 1)) >= 0;
}

/** True when the kubelet's minor is newer than the control plane's (spec 03 §4 #10). */
export function isKubeletAhead(kubelet: KubeVersion, controlPlane: KubeVersion): boolean {
  return compareVersions(kubelet, startOf(controlPlane.major, controlPlane.minor + 1)) >= 0;
}

/** The kubelet refuses cgroup v1 unless failCgroupV1 is false // 1.35 (spec 03 §6) */
export function kubeletRefusesCgroupV1(kubelet: KubeVersion): boolean {
  return compareVersions(kubelet, startOf(1, 35)) >= 0;
}

/** The kubelet's kube-proxy needed the conntrack command // until 1.31 (spec 03 §4 #4) */
export function needsConntrack(version: KubeVersion): boolean {
  return compareVersions(version, { major: 1, minor: 32, patch: 0 }) < 0;
}

/** etcd that is new enough for this Kubernetes (spec 03 §5, 1.31.14 and later). */
export const oldestExternalEtcd: KubeVersion = { major: 3, minor: 5, patch: 24, pre: '0' };

/** True when external etcd is too old for Kubernetes. */
export function isEtcdTooOld(etcd: KubeVersion): boolean {
  return compareVersions(etcd, oldestExternalEtcd) < 0;
}
