/** Owns the Debian repositories a bare host finds below /srv/apt: Kubernetes' own, and what Debian's servers would have. */
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stepDir, type Step } from './cache.ts';
import { buildDebRepository, type DebPackage } from './deb.ts';
import { cni, cniPluginNames, containerdPrograms, criTools, kubernetes, runc } from './go-build.ts';
import { packagesText, type PackageFile } from './package-file.ts';
import { debianEl, systemKey, vendorKey } from './rpm-repositories.ts';
import { releaseSuffix, versions } from './versions.ts';

/** Where a host has the repositories. */
export const debFolder = '/srv/apt';

/** The paths below it, as the servers they imitate have them. */
export const debPaths: { readonly kubernetes: string; readonly debian: string } = {
  kubernetes: `kubernetes/core:/stable:/v${versions.kubernetes.split('.').slice(0, 2).join('.')}/deb`,
  debian: 'debian',
};

const revision = '1.1';
const units = '/usr/lib/systemd/system';

/** The keys that sign them, on this machine; there once the cache is built. */
export const debKeys: readonly string[] = [vendorKey, systemKey].map((key) => join(stepDir(key), 'public.asc'));

/** What pkgs.k8s.io has in a minor's repository (kubernetes/release, cmd/krel/templates/latest), without kubeadm. */
const kubernetesDebs: readonly DebPackage[] = [
  {
    name: 'kubelet',
    version: `${versions.kubernetes}-${revision}`,
    summary: 'Node agent for Kubernetes clusters',
    depends: ['kubernetes-cni (>= 1.2.0)', 'mount', 'util-linux'],
    files: [
      program(kubernetes, 'kubelet', '/usr/bin/kubelet'),
      { ...text('kubelet.service', `${units}/kubelet.service`), mode: 0o600 },
      { path: '/etc/default/kubelet', mode: 0o644, isConfig: true, content: { text: 'KUBELET_EXTRA_ARGS=\n' } },
      // A file in each folder that is to be there, because a package of that making has no empty ones.
      keeper('/var/lib/kubelet/.kubelet-keep'),
      keeper('/etc/kubernetes/manifests/.kubelet-keep'),
    ],
    unit: { name: 'kubelet.service', isStarted: false },
  },
  {
    name: 'kubectl',
    version: `${versions.kubernetes}-${revision}`,
    summary: 'Command-line utility for interacting with a Kubernetes cluster',
    files: [program(kubernetes, 'kubectl', '/usr/bin/kubectl')],
  },
  {
    name: 'cri-tools',
    version: `${versions.crictl}-${revision}`,
    summary: 'Command-line utility for interacting with a container runtime',
    files: [program(criTools, 'crictl', '/usr/bin/crictl')],
  },
  {
    name: 'kubernetes-cni',
    version: `${versions.cni}-${revision}`,
    summary: 'Binaries required to provision kubernetes container networking',
    files: [
      ...cniPluginNames.map((name) => program(cni, name, `/opt/cni/bin/${name}`)),
      keeper('/etc/cni/net.d/.kubernetes-cni-keep'),
    ],
  },
  ...['kubelet', 'kubectl'].map(newerPatch),
];

/** A trap for whoever does not pin: a newer patch in the same repository, whose program only says so. */
function newerPatch(name: string): DebPackage {
  const [major, minor, patch] = versions.kubernetes.split('.');
  const version = `${major}.${minor}.${Number(patch) + 1}`;
  const words = `#!/bin/sh\necho "${name} ${version} was installed and not the version that was asked for" >&2\nexit 1\n`;
  return {
    name,
    version: `${version}-${revision}`,
    summary: 'A newer patch, which nobody asked for',
    files: [{ path: `/usr/bin/${name}`, mode: 0o755, content: { text: words } }],
  };
}

/** What Debian's own servers have and a bare host has not. */
const debianDebs: readonly DebPackage[] = [
  {
    name: 'containerd',
    version: `${versions.containerd}-1`,
    summary: 'open and reliable container runtime',
    depends: ['runc'],
    files: [
      ...['containerd', 'containerd-shim-runc-v2', 'ctr'].map((name) =>
        program(containerdPrograms, name, `/usr/bin/${name}`),
      ),
      text('rpm/containerd.service', `${units}/containerd.service`),
      { ...text('deb/containerd-config.toml', '/etc/containerd/config.toml'), isConfig: true },
    ],
    unit: { name: 'containerd.service', isStarted: true },
  },
  {
    name: 'runc',
    version: `${versions.runc}-1`,
    summary: 'Open Container Project - runtime',
    files: [program(runc, 'runc', '/usr/sbin/runc')],
  },
  {
    name: 'chrony',
    version: '4.3-2',
    summary: 'Versatile implementation of the Network Time Protocol',
    files: [
      program(debianEl, 'usr/sbin/chronyd', '/usr/sbin/chronyd'),
      text('deb/chrony.service', `${units}/chrony.service`),
      { ...text('deb/chrony.conf', '/etc/chrony/chrony.conf'), isConfig: true },
    ],
    unit: { name: 'chrony.service', isStarted: true },
  },
  moved('socat', '1.7.4.4-2', '/usr/bin/socat'),
  moved('ethtool', '1:6.1-1', '/usr/sbin/ethtool'),
];

function moved(name: string, version: string, path: string): DebPackage {
  return { name, version, summary: `${name}, as Debian has it`, files: [program(debianEl, path.slice(1), path)] };
}

/** All of them. */
export const debRepositories: Step = {
  name: `deb-repositories${releaseSuffix}`,
  inputs: [packagesText([...kubernetesDebs, ...debianDebs])],
  needs: [kubernetes, criTools, cni, containerdPrograms, runc, debianEl, systemKey, vendorKey],
  lane: 'disk',
  build: async (dir) => {
    await repositoryAt(join(dir, debPaths.kubernetes), kubernetesDebs, vendorKey);
    await repositoryAt(join(dir, debPaths.debian), debianDebs, systemKey);
  },
};

async function repositoryAt(dir: string, contents: readonly DebPackage[], key: Step): Promise<void> {
  await mkdir(dir, { recursive: true });
  await buildDebRepository(contents, dir, { tools: debianEl, key });
}

function program(step: Step, file: string, path: string): PackageFile {
  return { path, mode: 0o755, content: { step, file } };
}

function text(name: string, path: string): PackageFile {
  return { path, mode: 0o644, content: { text: readFileSync(join(import.meta.dirname, 'files', name), 'utf8') } };
}

function keeper(path: string): PackageFile {
  return { path, mode: 0o644, content: { text: '' } };
}
