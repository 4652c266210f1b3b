/** Owns every version and image name of the lab: a change here rebuilds exactly what depends on it. */

/** What is built, as its own version string says it. */
export const versions = {
  kubernetes: '1.36.3',
  olderKubeadm: '1.33.13',
  etcd: '3.6.16',
  coredns: '1.14.2',
  containerd: '2.3.5',
  runc: '1.5.2',
  flannel: '0.28.4',
  crictl: '1.36.0',
  debian: 'bookworm',
} as const;

/** The image names the lab's hosts have: kubeadm's for this version, upstream flannel's, and one for tests. */
export const imageNames = {
  apiServer: 'registry.k8s.io/kube-apiserver:v1.36.3',
  controllerManager: 'registry.k8s.io/kube-controller-manager:v1.36.3',
  scheduler: 'registry.k8s.io/kube-scheduler:v1.36.3',
  proxy: 'registry.k8s.io/kube-proxy:v1.36.3',
  // kubeadm 1.36 asks for 3.6.8; the etcd inside is the patch release that can be built from modules.
  etcd: 'registry.k8s.io/etcd:3.6.8-0',
  coredns: 'registry.k8s.io/coredns/coredns:v1.14.2',
  pause: 'registry.k8s.io/pause:3.10.2',
  flannel: 'ghcr.io/flannel-io/flannel:v0.28.4',
  flannelCniPlugin: 'ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel1',
  netcheck: 'lab.kbinit/netcheck:1',
} as const;
