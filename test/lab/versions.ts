/** Owns every version and image name of the lab: a change here rebuilds exactly what depends on it. */

/** A Kubernetes that can be compiled here, with the tags that its kubeadm asks for (cmd/kubeadm/app/constants). */
interface Release {
  /** Its folder in `go`. */
  readonly module: string;
  readonly etcd: string;
  readonly coredns: string;
  readonly pause: string;
}

const newest = '1.36.3';
const releases: Readonly<Record<string, Release>> = {
  [newest]: { module: 'kubernetes', etcd: '3.6.8-0', coredns: 'v1.14.2', pause: '3.10.2' },
  '1.35.4': { module: 'kubernetes-1.35', etcd: '3.6.6-0', coredns: 'v1.13.1', pause: '3.10.1' },
  '1.34.4': { module: 'kubernetes-1.34', etcd: '3.6.5-0', coredns: 'v1.12.1', pause: '3.10.1' },
  '1.33.13': { module: 'kubernetes-1.33', etcd: '3.5.24-0', coredns: 'v1.12.0', pause: '3.10' },
};

// An empty value is what CI systems pass for "not set".
const wanted = process.env['KBINIT_LAB_KUBERNETES'] || newest;

function releaseOf(version: string): Release {
  const release = releases[version];
  if (release !== undefined) return release;
  throw new Error(`KBINIT_LAB_KUBERNETES=${version} cannot be built here, only ${Object.keys(releases).join(', ')}`);
}

const release = releaseOf(wanted);

/** The Go module that the lab's Kubernetes is compiled in. */
export const kubernetesModule: string = release.module;

/** What the names of cache steps end in: an older Kubernetes lies beside the newest one and neither removes the other. */
export const releaseSuffix: string = wanted === newest ? '' : `-${wanted}`;

type Built =
  | 'kubernetes'
  | 'olderKubeadm'
  | 'etcd'
  | 'coredns'
  | 'containerd'
  | 'containerd1'
  | 'runc'
  | 'cni'
  | 'flannel'
  | 'crictl'
  | 'debian';
type Image =
  | 'apiServer'
  | 'controllerManager'
  | 'scheduler'
  | 'proxy'
  | 'etcd'
  | 'coredns'
  | 'pause'
  | 'flannel'
  | 'flannelCniPlugin'
  | 'netcheck';

/** What is built, as its own version string says it. */
export const versions: Readonly<Record<Built, string>> = {
  kubernetes: wanted,
  olderKubeadm: '1.33.13',
  etcd: '3.6.16',
  coredns: '1.14.2',
  containerd: '2.3.5',
  containerd1: '1.7.35',
  runc: '1.5.2',
  cni: '1.9.1',
  flannel: '0.28.4',
  crictl: '1.36.0',
  debian: 'bookworm',
};

/** The image names the lab's hosts have: kubeadm's for this version, upstream flannel's, and one for tests. */
export const imageNames: Readonly<Record<Image, string>> = {
  apiServer: `registry.k8s.io/kube-apiserver:v${wanted}`,
  controllerManager: `registry.k8s.io/kube-controller-manager:v${wanted}`,
  scheduler: `registry.k8s.io/kube-scheduler:v${wanted}`,
  proxy: `registry.k8s.io/kube-proxy:v${wanted}`,
  // The tags are what kubeadm asks for; the etcd and the CoreDNS inside are always those of `versions`.
  etcd: `registry.k8s.io/etcd:${release.etcd}`,
  coredns: `registry.k8s.io/coredns/coredns:${release.coredns}`,
  pause: `registry.k8s.io/pause:${release.pause}`,
  flannel: 'ghcr.io/flannel-io/flannel:v0.28.4',
  flannelCniPlugin: 'ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel1',
  netcheck: 'lab.kbinit/netcheck:1',
};
