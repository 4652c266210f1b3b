// Files that kbinit writes while it prepares a host; all are its own but /etc/hosts, /etc/fstab and /etc/hostname.

/** The same as ledgerPath of host/ledger.ts, which a pure room sees as types only. */
export const ledgerFile = '/var/lib/kbinit/ledger/ledger.json';

export const places = {
  hostname: '/etc/hostname',
  hosts: '/etc/hosts',
  fstab: '/etc/fstab',
  modules: '/etc/modules-load.d/kbinit.conf',
  // After 99-sysctl.conf, which is the user's /etc/sysctl.conf on most systems.
  sysctl: '/etc/sysctl.d/99-zz-kbinit.conf',
  userSysctl: '/etc/sysctl.conf',
  networkManager: '/etc/NetworkManager/conf.d/kbinit.conf',
  containerdConfig: '/etc/containerd/config.toml',
  containerdCerts: '/etc/containerd/certs.d',
  containerdUnit: '/etc/systemd/system/containerd.service',
  kubeletUnit: '/etc/systemd/system/kubelet.service',
  kubeletDropIn: '/etc/systemd/system/kubelet.service.d/10-kubeadm.conf',
  crictl: '/etc/crictl.yaml',
  binaries: '/usr/local/bin',
  cniBinaries: '/opt/cni/bin',
} as const;
