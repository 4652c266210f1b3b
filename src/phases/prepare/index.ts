// The phases of `kbinit host prepare` in their order.
import { planBinaries } from '../../prepare/binaries.ts';
import { planClock } from '../../prepare/clock.ts';
import { planContainerd } from '../../prepare/containerd.ts';
import { planFirewall } from '../../prepare/firewall.ts';
import { planHostname } from '../../prepare/hostname.ts';
import { planHostsFile } from '../../prepare/hosts-file.ts';
import { planImages } from '../../prepare/images.ts';
import { planModules, planSysctls } from '../../prepare/kernel.ts';
import { planCrictl, planKubelet, planNetworkManager } from '../../prepare/kubelet.ts';
import { planPackages } from '../../prepare/packages.ts';
import { planRepositories } from '../../prepare/repositories.ts';
import { planSwap } from '../../prepare/swap.ts';
import type { Phase } from '../../workflow/phase.ts';
import type { PrepareContext } from './context.ts';
import { detect } from './detect.ts';
import { planned } from './perform.ts';
import { room } from './room.ts';

/** Where packages come from; `binaries` because then there are none. */
const sources = ['repository', 'repository-key', 'unsigned-repository', 'binaries', 'offline'];

export const preparePhases: readonly Phase<PrepareContext>[] = [
  detect,
  room,
  planned('hostname', 'Give the host its name', planHostname, ['hostname']),
  planned('hosts-file', 'Put the other hosts into /etc/hosts', planHostsFile, ['hosts-entry']),
  planned('swap', 'Turn swap off, now and at boot', planSwap, []),
  planned('modules', 'Load kernel modules, now and at boot', planModules, ['role']),
  planned('sysctl', 'Set what the kernel has to do for Pods', planSysctls, ['role', 'pod-network-cidr']),
  planned('repositories', 'Write where packages come from', planRepositories, [
    'role',
    'kubernetes-version',
    ...sources,
  ]),
  planned('packages', 'Install and pin what Kubernetes needs', planPackages, [
    'role',
    'kubernetes-version',
    ...sources,
  ]),
  planned('binaries', 'Upload programs, checked against their lock', planBinaries, [
    'role',
    'kubernetes-version',
    'binaries',
    'offline',
  ]),
  planned('time', 'Ensure time synchronisation', planClock, []),
  planned('network-manager', 'Keep NetworkManager off the interfaces of Pods', planNetworkManager, ['role']),
  planned('containerd', 'Configure and start containerd', planContainerd, [
    'role',
    'kubernetes-version',
    'binaries',
    'offline',
    'image-repository',
    'registry-mirror',
    'cgroup-driver',
  ]),
  planned('crictl', 'Configure the crictl endpoint', planCrictl, ['role']),
  planned('images', 'Import images of a bundle that the host lacks', planImages, ['role', 'offline']),
  planned('kubelet', "Write the kubelet's unit and enable it", planKubelet, ['role', 'binaries', 'offline']),
  planned('firewall', "Open the role's ports in firewalld, which stays on", planFirewall, [
    'role',
    'pod-network-cidr',
    'backend',
    'apiserver-bind-port',
    'firewall-zone',
  ]),
];
