// The phases of `kbinit host prepare` in their order.
import { planBinaries } from '../../prepare/binaries.ts';
import { planClock } from '../../prepare/clock.ts';
import { planContainerd } from '../../prepare/containerd.ts';
import { planFirewall } from '../../prepare/firewall.ts';
import { planHostname } from '../../prepare/hostname.ts';
import { planHostsFile } from '../../prepare/hosts-file.ts';
import { planModules, planSysctls } from '../../prepare/kernel.ts';
import { planCrictl, planKubelet, planNetworkManager } from '../../prepare/kubelet.ts';
import { planPackages } from '../../prepare/packages.ts';
import { planRepositories } from '../../prepare/repositories.ts';
import { planSwap } from '../../prepare/swap.ts';
import type { Phase } from '../../workflow/phase.ts';
import type { PrepareContext } from './context.ts';
import { detect } from './detect.ts';
import { planned } from './perform.ts';

export const preparePhases: readonly Phase<PrepareContext>[] = [
  detect,
  planned('hostname', 'Give the host its name', planHostname),
  planned('hosts-file', 'Put the other hosts into /etc/hosts', planHostsFile),
  planned('swap', 'Turn swap off, now and at boot', planSwap),
  planned('modules', 'Load kernel modules, now and at boot', planModules),
  planned('sysctl', 'Set what the kernel has to do for Pods', planSysctls),
  planned('repositories', 'Write where packages come from', planRepositories),
  planned('packages', 'Install and pin what Kubernetes needs', planPackages),
  planned('binaries', 'Upload programs, checked against their lock', planBinaries),
  planned('time', 'See that something keeps the clock', planClock),
  planned('network-manager', 'Keep NetworkManager off the interfaces of Pods', planNetworkManager),
  planned('containerd', 'Configure and start containerd', planContainerd),
  planned('crictl', 'Tell crictl where containerd is', planCrictl),
  planned('kubelet', "Write the kubelet's unit and enable it", planKubelet),
  planned('firewall', "Open the role's ports in firewalld, which stays on", planFirewall),
];
