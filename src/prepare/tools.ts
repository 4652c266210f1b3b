// Tools of the host's system that Kubernetes needs beside its own programs.
import { hasClock } from './clock.ts';
import type { Distro } from './distro.ts';
import type { HostState } from './state.ts';

/** Programs that kubeadm's preflight looks for and a minimal system may lack, with the package that has them. */
export const tools: readonly { readonly program: string; readonly deb: string; readonly rpm: string }[] = [
  { program: 'conntrack', deb: 'conntrack', rpm: 'conntrack-tools' },
  { program: 'socat', deb: 'socat', rpm: 'socat' },
  { program: 'ethtool', deb: 'ethtool', rpm: 'ethtool' },
  { program: 'iptables', deb: 'iptables', rpm: 'iptables' },
  { program: 'tc', deb: 'iproute2', rpm: 'iproute-tc' },
];

/** What the system calls the package of a tool; up to CentOS 7 tc is part of iproute. */
export function packageOf({ program, deb, rpm }: (typeof tools)[number], { family, release }: Distro): string {
  if (family === 'debian') return deb;
  return program === 'tc' && release <= 7 ? 'iproute' : rpm;
}

/** SELinux is on and has no rules for containers. */
export function lacksPolicy({ selinux, packages }: HostState, { family }: Distro): boolean {
  return family === 'rhel' && selinux !== 'disabled' && !packages.has('container-selinux');
}

/** The system's own tools, by their packages. */
export interface WantedTools {
  readonly known: ReadonlySet<string>;
  /** What the host lacks. */
  readonly wanted: readonly string[];
}

/** Which tools a host lacks. */
export function wantedTools(state: HostState, distro: Distro): WantedTools {
  const nameOf = (tool: (typeof tools)[number]): string => packageOf(tool, distro);
  return {
    known: new Set([...tools.map(nameOf), 'container-selinux', 'chrony']),
    wanted: [
      ...tools.filter(({ program }) => !state.programs.has(program)).map(nameOf),
      ...(lacksPolicy(state, distro) ? ['container-selinux'] : []),
      ...(hasClock(state) ? [] : ['chrony']),
    ],
  };
}
