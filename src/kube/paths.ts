// Where kubeadm's files are. Every path that is not configurable has its name here.

export const paths = {
  kubernetes: '/etc/kubernetes',
  manifests: '/etc/kubernetes/manifests',
  pki: '/etc/kubernetes/pki',
  kubernetesTmp: '/etc/kubernetes/tmp',
  adminConf: '/etc/kubernetes/admin.conf',
  superAdminConf: '/etc/kubernetes/super-admin.conf',
  kubeletConf: '/etc/kubernetes/kubelet.conf',
  bootstrapKubeletConf: '/etc/kubernetes/bootstrap-kubelet.conf',
  controllerManagerConf: '/etc/kubernetes/controller-manager.conf',
  schedulerConf: '/etc/kubernetes/scheduler.conf',
  kubelet: '/var/lib/kubelet',
  kubeletConfig: '/var/lib/kubelet/config.yaml',
  kubeletInstanceConfig: '/var/lib/kubelet/instance-config.yaml',
  kubeletFlags: '/var/lib/kubelet/kubeadm-flags.env',
  kubeletClientCurrent: '/var/lib/kubelet/pki/kubelet-client-current.pem',
  etcdData: '/var/lib/etcd',
  caCert: '/etc/kubernetes/pki/ca.crt',
  /** kbinit's own place on a host. */
  state: '/var/lib/kbinit',
} as const;

/** The static Pods, by component name, in the order in which kubeadm writes them. */
export const staticPods = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'] as const;
export type StaticPod = (typeof staticPods)[number];

/** `/etc/kubernetes/manifests/etcd.yaml` */
export function manifestPath(component: StaticPod): string {
  return `${paths.manifests}/${component}.yaml`;
}
