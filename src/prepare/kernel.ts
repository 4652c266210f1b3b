// Modules and settings of the kernel that Kubernetes and its Pod network need, and no others.
import { sh } from '../host/shell.ts';
import type { LedgerEntry } from '../host/ledger.ts';
import { parseCidr } from '../util/net.ts';
import { file, nothing, type Plan } from './action.ts';
import { places } from './places.ts';
import type { PrepareSpec } from './spec.ts';
import type { HostState } from './state.ts';

/** containerd's snapshots; and what lets bridged packets pass iptables (kubernetes.io, container runtimes). */
const modules: readonly string[] = ['overlay', 'br_netfilter'];

/** Load them now and at boot. */
export function planModules(state: HostState, spec: PrepareSpec): Plan {
  if (runsNoPods(spec)) return nothing;
  const missing = modules.filter((name) => !state.modules.has(name));
  return {
    actions: [
      ...file(
        state,
        places.modules,
        `# kbinit host prepare: for containerd and the Pod network\n${modules.join('\n')}\n`,
      ),
      ...missing.map((name) => ({
        kind: 'command' as const,
        command: sh`modprobe ${name}`,
        why: `load ${name}`,
        before: [{ kind: 'module' as const, name }],
      })),
    ],
  };
}

/** kubeadm's preflight wants the first two and forwarding of each family that Pods have (spec 03). */
export function sysctls(spec: Pick<PrepareSpec, 'podSubnets'>): Readonly<Record<string, string>> {
  const families = new Set(spec.podSubnets.map((subnet) => parseCidr(subnet)?.family));
  return {
    'net.bridge.bridge-nf-call-iptables': '1',
    'net.bridge.bridge-nf-call-ip6tables': '1',
    ...(families.has(4) || families.size === 0 ? { 'net.ipv4.ip_forward': '1' } : {}),
    ...(families.has(6) ? { 'net.ipv6.conf.all.forwarding': '1' } : {}),
  };
}

/** Only CentOS 7's kernel has it: without it containers cannot be removed while another process sees their mounts. */
export const detachMounts = 'fs.may_detach_mounts';

/** A file for the next boot, and the values now. */
export function planSysctls(state: HostState, spec: PrepareSpec): Plan {
  if (runsNoPods(spec)) return nothing;
  const wanted = Object.entries({ ...sysctls(spec), ...(state.sysctls.has(detachMounts) && { [detachMounts]: '1' }) });
  const body = `# kbinit host prepare: what Kubernetes needs, nothing else\n${wanted.map(([key, value]) => `${key} = ${value}\n`).join('')}`;
  const wrong = wanted.filter(([key, value]) => state.sysctls.get(key) !== value);
  const entries = wrong.map(([key, after]): LedgerEntry => {
    const before = state.sysctls.get(key);
    return { kind: 'sysctl', key, after, ...(before !== undefined && { before }) };
  });
  return {
    actions: [
      ...file(state, places.sysctl, body),
      ...wrong.map(([key, value], index) => ({
        kind: 'command' as const,
        command: setSysctl(key, value),
        why: `set ${key} = ${value}`,
        before: entries.slice(index, index + 1),
      })),
    ],
    warnings: contradictions(state, wanted),
  };
}

/** systemd reads the user's file before ours; `sysctl --system` of procps reads it last. */
function contradictions(state: HostState, wanted: readonly (readonly [string, string])[]): readonly string[] {
  const text = state.texts.get(places.userSysctl) ?? '';
  return wanted.flatMap(([key, value]) => {
    const set = [...text.matchAll(/^\s*-?([\w./-]+)\s*=\s*(\S+)/gm)].findLast(
      ([, name = '']) => name.replaceAll('/', '.') === key,
    );
    if (set === undefined || set[2] === value) return [];
    return [`${places.userSysctl} sets ${key} = ${set[2]}: the next \`sysctl --system\` applies that again`];
  });
}

/** Set a value of the running kernel; sysctl(8) is not on every host. */
export function setSysctl(key: string, value: string): ReturnType<typeof sh> {
  return sh`echo ${value} >${`/proc/sys/${key.replaceAll('.', '/')}`}`;
}

/** A load balancer or an etcd host forwards nothing. */
export function runsNoPods({ roles }: Pick<PrepareSpec, 'roles'>): boolean {
  return roles.every((role) => role === 'etcd' || role === 'lb');
}
