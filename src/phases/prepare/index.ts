// The phases of `kbinit host prepare` in their order.
import { planHostname } from '../../prepare/hostname.ts';
import { planHostsFile } from '../../prepare/hosts-file.ts';
import { planModules, planSysctls } from '../../prepare/kernel.ts';
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
];
