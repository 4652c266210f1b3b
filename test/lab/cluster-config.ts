/** Owns what a kubeadm config must say for this kernel: cgroup v1, read-only conntrack limits, a disk that looks full. */

const documents = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
evictionHard:
  imagefs.available: 1%
  memory.available: 100Mi
  nodefs.available: 1%
  nodefs.inodesFree: 1%
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
conntrack:
  maxPerCore: 0
  tcpCloseWaitTimeout: 0s
  tcpEstablishedTimeout: 0s
`;

/** The KubeletConfiguration and KubeProxyConfiguration documents that every cluster in the lab needs, as YAML. */
export function labComponentConfigs(): string {
  return documents;
}
