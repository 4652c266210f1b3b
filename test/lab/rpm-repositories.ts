/** Owns the RPM repositories an imitated CentOS finds below /srv/rpm: the system's own, Kubernetes' and Docker's. */
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stepDir, type Step } from './cache.ts';
import { debootstrapStep } from './debian.ts';
import { elReleases, type ElName, type ElRelease } from './el-releases.ts';
import { cni, containerd1Programs, containerdPrograms, criTools, kubernetes, runc } from './go-build.ts';
import { packagesText } from './package-file.ts';
import { buildRepository, signingKeyStep, type RpmPackage } from './rpm.ts';
import {
  basePackages,
  dockerPackages,
  installedPackages,
  kubernetesPackages,
  olderKubernetesPackages,
} from './rpm-packages.ts';
import { releaseSuffix, versions } from './versions.ts';

/** Where a host has the repositories. */
export const repositoryFolder = '/srv/rpm';

/** The paths below it, as the servers they imitate have them. */
export const repositoryPaths: {
  readonly base: string;
  readonly kubernetes: string;
  /** Of placeholders, for a system that is too old for more. */
  readonly olderKubernetes: string;
  readonly docker: (release: ElRelease) => string;
  readonly dockerKey: string;
} = {
  base: 'base',
  kubernetes: `kubernetes/core:/stable:/v${versions.kubernetes.split('.').slice(0, 2).join('.')}/rpm`,
  olderKubernetes: 'kubernetes/core:/stable:/v1.31/rpm',
  docker: ({ major }: ElRelease): string => `docker-ce/linux/centos/${major}/x86_64/stable`,
  dockerKey: 'docker-ce/linux/centos/gpg',
};

// conntrack, socat, ethtool and haproxy become packages; what they are linked with stays.
const packages = (
  'systemd systemd-sysv libpam-systemd dbus openssh-server sudo iproute2 iptables conntrack kmod procps ca-certificates ' +
  'mount util-linux curl dnf dnf-plugins-core rpm createrepo-c firewalld chrony policycoreutils selinux-utils socat ' +
  'ethtool haproxy libseccomp2'
).split(' ');

/** Debian with what a CentOS has, and with the programs that make packages. */
export const debianEl: Step = debootstrapStep('debian-el', packages);

// The system's own key is known from the start, the other is not.
/** Signs what a system itself brings. */
export const systemKey: Step = signingKeyStep(debianEl, 'system');
/** Signs what Kubernetes and Docker publish. */
export const vendorKey: Step = signingKeyStep(debianEl, 'vendor');

/** Kubernetes' repository: the same for every release of the system. */
export const kubernetesRepository: Step = {
  name: `rpm-kubernetes${releaseSuffix}`,
  inputs: [packagesText([...kubernetesPackages, ...olderKubernetesPackages])],
  needs: [kubernetes, criTools, cni, debianEl, vendorKey],
  lane: 'disk',
  build: async (dir) => {
    const { kubernetes: newest, olderKubernetes: older } = repositoryPaths;
    const placeOf = (path: string): string => join(dir, path.replace('kubernetes/', ''));
    await repositoryAt(placeOf(newest), kubernetesPackages, vendorKey);
    await repositoryAt(placeOf(older), olderKubernetesPackages, vendorKey);
  },
};

const made = new Map<ElName, Step>();

/** The repositories of one release, and `installed`: what rpm believes to be there from the start. */
export function releaseRepositories(name: ElName): Step {
  const step = made.get(name) ?? repositoriesOf(name);
  // One step is one value: it is built once however often it is named.
  made.set(name, step);
  return step;
}

function repositoriesOf(name: ElName): Step {
  const release = elReleases[name];
  const [base, docker] = [basePackages(release, debianEl), dockerPackages(release)];
  const installed = installedPackages(release);
  return {
    name: `rpm-${name}`,
    inputs: [packagesText([...base, ...docker, ...installed])],
    needs: [release.containerd === 1 ? containerd1Programs : containerdPrograms, runc, debianEl, systemKey, vendorKey],
    lane: 'disk',
    build: async (dir) => {
      await repositoryAt(join(dir, repositoryPaths.base), base, systemKey);
      await repositoryAt(join(dir, repositoryPaths.docker(release)), docker, vendorKey);
      await copyFile(join(stepDir(vendorKey), 'public.asc'), join(dir, repositoryPaths.dockerKey));
      await repositoryAt(join(dir, 'installed'), installed, systemKey);
      // Kubernetes' own is mounted here.
      await mkdir(join(dir, 'kubernetes'));
    },
  };
}

async function repositoryAt(dir: string, contents: readonly RpmPackage[], key: Step): Promise<void> {
  await mkdir(dir, { recursive: true });
  await buildRepository(contents, dir, { tools: debianEl, key });
}
