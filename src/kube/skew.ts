// Which versions may work together: kubelet, control plane, external etcd, and the newest that kbinit knows.
import { newestVersion } from './releases.ts';
import { compareVersions, type KubeVersion } from './version.ts';

/** A pre-release that is older than everything of its minor: `X.Y.0-0`. */
function startOf(major: number, minor: number): KubeVersion {
  return { major, minor, patch: 0, pre: '0' };
}

/** The oldest kubelet for a control plane: three minors back, and one until 1.28 (spec 05 §1). */
export function oldestKubelet({ major, minor }: KubeVersion): KubeVersion {
  return { major, minor: minor - (minor >= 29 ? 3 : 1), patch: 0 };
}

/** True when a kubelet is older than what this control plane takes. */
export function isKubeletTooOld(kubelet: KubeVersion, controlPlane: KubeVersion): boolean {
  return compareVersions(kubelet, oldestKubelet(controlPlane)) < 0;
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

/** The oldest external etcd for a Kubernetes, the newest unless it is named (spec 05 §1; of 1.31 to 1.33 the latest patches). */
export function oldestExternalEtcd({ minor }: KubeVersion = newestVersion()): KubeVersion {
  if (minor <= 27) return { major: 3, minor: 2, patch: 18 };
  if (minor <= 30) return { major: 3, minor: 4, patch: 13 };
  return { major: 3, minor: 5, patch: 24 };
}

/** True when external etcd is too old for a Kubernetes, the newest unless it is named. */
export function isEtcdTooOld(etcd: KubeVersion, kubernetes?: KubeVersion): boolean {
  return compareVersions(etcd, oldestExternalEtcd(kubernetes)) < 0;
}
