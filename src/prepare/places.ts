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
  // The last of them: a file with `unmanaged-devices=` behind it would undo it.
  networkManager: '/etc/NetworkManager/conf.d/zz-kbinit.conf',
  containerdConfig: '/etc/containerd/config.toml',
  containerdCerts: '/etc/containerd/certs.d',
  containerdUnit: '/etc/systemd/system/containerd.service',
  kubeletUnit: '/etc/systemd/system/kubelet.service',
  kubeletDropIn: '/etc/systemd/system/kubelet.service.d/10-kubeadm.conf',
  crictl: '/etc/crictl.yaml',
  containerdPending: '/run/kbinit-containerd-pending',
  yumRepository: '/etc/yum.repos.d/kbinit.repo',
  yumKey: '/etc/pki/rpm-gpg/RPM-GPG-KEY-kbinit',
  aptRepository: '/etc/apt/sources.list.d/kbinit.list',
  aptKey: '/etc/apt/keyrings/kbinit.asc',
  // What was uploaded: `SHA256 SIZE TIME PATH` a line, so that programs need not be read again to be known again.
  uploads: '/var/lib/kbinit/uploads',
  // What is uploaded waits there until its command has taken it; only root sees it (0700).
  staging: '/var/lib/kbinit/staging',
  // Names of packages that came with a preparation, in the ledger's folder.
  packageList: '/var/lib/kbinit/ledger/packages',
  firewallCopies: '/var/lib/kbinit/ledger/firewall',
  binaries: '/usr/local/bin',
  cniBinaries: '/opt/cni/bin',
} as const;
