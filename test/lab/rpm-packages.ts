/** Owns which packages an imitated CentOS has, finds in its own repository, and finds in those of Kubernetes and Docker. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Step } from './cache.ts';
import type { ElRelease } from './el-releases.ts';
import {
  cni,
  cniPluginNames,
  containerd1Programs,
  containerdPrograms,
  criTools,
  kubernetes,
  runc,
} from './go-build.ts';
import type { PackageFile } from './package-file.ts';
import type { RpmPackage } from './rpm.ts';
import { versions } from './versions.ts';

const kubernetesRelease = '150500.1.1';
const units = '/usr/lib/systemd/system';

/** What pkgs.k8s.io has in a minor's repository (kubernetes/release, cmd/krel/templates/latest). */
export const kubernetesPackages: readonly RpmPackage[] = [
  {
    name: 'kubelet',
    version: versions.kubernetes,
    release: kubernetesRelease,
    summary: 'Node agent for Kubernetes clusters',
    requires: ['kubernetes-cni >= 1.2.0', 'util-linux'],
    recommends: ['iptables >= 1.8.4'],
    folders: ['/var/lib/kubelet', '/etc/kubernetes', '/etc/kubernetes/manifests'],
    files: [
      program(kubernetes, 'kubelet', '/usr/bin/kubelet'),
      { ...labFile('kubelet.service', `${units}/kubelet.service`), mode: 0o600 },
      { path: '/etc/sysconfig/kubelet', mode: 0o644, isConfig: true, content: { text: 'KUBELET_EXTRA_ARGS=\n' } },
    ],
    unit: 'kubelet.service',
  },
  {
    name: 'kubeadm',
    version: versions.kubernetes,
    release: kubernetesRelease,
    summary: 'Command-line utility for administering a Kubernetes cluster',
    folders: [`${units}/kubelet.service.d`],
    files: [
      program(kubernetes, 'kubeadm', '/usr/bin/kubeadm'),
      labFile('rpm/10-kubeadm.conf', `${units}/kubelet.service.d/10-kubeadm.conf`),
    ],
  },
  {
    name: 'kubectl',
    version: versions.kubernetes,
    release: kubernetesRelease,
    summary: 'Command-line utility for interacting with a Kubernetes cluster',
    files: [program(kubernetes, 'kubectl', '/usr/bin/kubectl')],
  },
  {
    name: 'cri-tools',
    version: versions.crictl,
    release: kubernetesRelease,
    summary: 'Command-line utility for interacting with a container runtime',
    files: [program(criTools, 'crictl', '/usr/bin/crictl')],
  },
  {
    name: 'kubernetes-cni',
    version: versions.cni,
    release: kubernetesRelease,
    summary: 'Binaries required to provision kubernetes container networking',
    folders: ['/opt/cni', '/opt/cni/bin'],
    files: cniPluginNames.map((name) => program(cni, name, `/opt/cni/bin/${name}`)),
  },
  ...['kubelet', 'kubectl'].map(newerPatch),
];

/** A trap for whoever does not pin: a newer patch in the same repository, whose program only says so. */
function newerPatch(name: string): RpmPackage {
  const [major, minor, patch] = versions.kubernetes.split('.');
  const version = `${major}.${minor}.${Number(patch) + 1}`;
  const text = `#!/bin/sh\necho "${name} ${version} was installed and not the version that was asked for" >&2\nexit 1\n`;
  return {
    name,
    version,
    release: kubernetesRelease,
    summary: 'A newer patch, which nobody asked for',
    files: [{ path: `/usr/bin/${name}`, mode: 0o755, content: { text } }],
  };
}

/** The last Kubernetes that CentOS 7 can run. */
const olderKubernetes = '1.31.14';

/** Its repository, for preparations only: kubelet and kubectl are placeholders, which can tell their version and nothing else. */
export const olderKubernetesPackages: readonly RpmPackage[] = kubernetesPackages
  .filter(({ name, version }) => name !== 'kubeadm' && !isTrap(name, version))
  .map((one) => (one.name === 'kubelet' || one.name === 'kubectl' ? placeholderOf(one) : one));

function isTrap(name: string, version: string): boolean {
  return (name === 'kubelet' || name === 'kubectl') && version !== versions.kubernetes;
}

function placeholderOf(one: RpmPackage): RpmPackage {
  const says = one.name === 'kubelet' ? `Kubernetes v${olderKubernetes}` : `Client Version: v${olderKubernetes}`;
  const text = `#!/bin/sh\necho '${says}'\necho 'a placeholder of the lab, which cannot run' >&2\n[ "$1" = --version ] || [ "$1" = version ]\n`;
  const path = `/usr/bin/${one.name}`;
  const files = (one.files ?? []).map((file) => (file.path === path ? { path, mode: 0o755, content: { text } } : file));
  return { ...one, version: olderKubernetes, summary: `A placeholder for ${one.name}`, files };
}

/** What Docker's repository has of use: containerd with runc, and a config that switches the CRI plugin off. */
export function dockerPackages({ major, containerd }: ElRelease): readonly RpmPackage[] {
  const names = ['containerd', 'containerd-shim-runc-v2', 'ctr'];
  const programs = containerd === 1 ? containerd1Programs : containerdPrograms;
  return [
    {
      name: 'containerd.io',
      version: containerd === 1 ? versions.containerd1 : versions.containerd,
      release: `1.el${major}`,
      summary: 'An industry-standard container runtime',
      requires: ['container-selinux >= 2:2.74', 'libseccomp', 'tar'],
      provides: ['containerd', 'runc'],
      conflicts: ['containerd', 'runc'],
      files: [
        ...names.map((name) => program(programs, name, `/usr/bin/${name}`)),
        program(runc, 'runc', '/usr/bin/runc'),
        labFile('rpm/containerd.service', `${units}/containerd.service`),
        { ...labFile('rpm/containerd-config.toml', '/etc/containerd/config.toml'), isConfig: true },
      ],
      unit: 'containerd.service',
    },
  ];
}

/** What the system's own repositories have and a minimal installation has not; `debian` holds the programs. */
export function basePackages({ major }: ElRelease, debian: Step): readonly RpmPackage[] {
  const release = `1.el${major}`;
  const moved = (name: string, version: string, path: string): RpmPackage => ({
    name,
    version,
    release,
    summary: `${name}, as Debian has it`,
    files: [program(debian, path.slice(1), path)],
  });
  return [
    moved('conntrack-tools', '1.4.7', '/usr/sbin/conntrack'),
    moved('socat', '1.7.4.4', '/usr/bin/socat'),
    moved('ethtool', '6.1', '/usr/sbin/ethtool'),
    // Up to CentOS 7 it is part of iproute.
    ...(major === '7' ? [] : [moved('iproute-tc', '6.1.0', '/usr/sbin/tc')]),
    {
      ...moved('haproxy', '2.6.12', '/usr/sbin/haproxy'),
      files: [
        program(debian, 'usr/sbin/haproxy', '/usr/sbin/haproxy'),
        labFile('rpm/haproxy.service', `${units}/haproxy.service`),
        { ...labFile('rpm/haproxy.cfg', '/etc/haproxy/haproxy.cfg'), isConfig: true },
      ],
      unit: 'haproxy.service',
    },
    {
      name: 'runc',
      version: versions.runc,
      release,
      summary: 'A command line interface for running containers',
      files: [program(runc, 'runc', '/usr/bin/runc')],
    },
    // Rules without a kernel that obeys them: only the name is there.
    {
      name: 'container-selinux',
      epoch: 4,
      version: '2.240.0',
      release,
      summary: 'SELinux policies for container runtimes',
    },
  ];
}

// The files of these are Debian's; rpm only knows the names, as far as a script may ask for them.
const installed =
  'coreutils glibc systemd openssh-server openssh-clients sudo iproute util-linux kmod procps-ng tar gzip curl ' +
  'firewalld chrony ca-certificates libseccomp policycoreutils libselinux-utils selinux-policy selinux-policy-targeted ' +
  'dbus grep sed gawk findutils shadow-utils hostname rpm python3';

/** What a minimal installation has, as far as rpm is asked about it. */
export function installedPackages(release: ElRelease): readonly RpmPackage[] {
  const { major, releasePackage, hasDnf } = release;
  const plain = (name: string, version = '1.0'): RpmPackage => ({
    name,
    version,
    release: `1.el${major}`,
    summary: 'A part of the system',
  });
  return [
    ...[...installed.split(' '), ...(hasDnf ? ['dnf', 'dnf-plugins-core', 'yum'] : ['yum', 'yum-utils'])].map((name) =>
      plain(name),
    ),
    { ...plain('bash'), provides: ['/bin/sh'] },
    { ...plain(major === '7' ? 'iptables' : 'iptables-nft', '1.8.9'), provides: ['iptables = 1.8.9'] },
    {
      ...plain(releasePackage, major),
      provides: [`system-release = ${major}`, `system-release(releasever) = ${major}`],
    },
  ];
}

function program(step: Step, file: string, path: string): PackageFile {
  return { path, mode: 0o755, content: { step, file } };
}

function labFile(name: string, path: string): PackageFile {
  return {
    path,
    mode: 0o644,
    content: { text: readFileSync(join(import.meta.dirname, 'files', name), 'utf8') },
  };
}
