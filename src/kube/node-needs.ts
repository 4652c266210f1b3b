// What kubeadm of each Kubernetes version wants to find on a host: a row where a minor changed something (spec 03 §4, §6).
import type { KubeVersion } from './version.ts';

/** The row of the newest minor that is not after the version's; the oldest row for what is older still. */
function rowFor<T extends { readonly since: number }>(rows: readonly [T, ...T[]], version: KubeVersion): T {
  return rows.findLast((row) => version.major > 1 || row.since <= version.minor) ?? rows[0];
}

/** A command that must, or only should, be on the PATH. */
export interface CommandNeed {
  readonly command: string;
  readonly isOptional: boolean;
}

interface CommandRow {
  readonly since: number;
  readonly needs: readonly CommandNeed[];
}

/** `socat?` is optional. */
function needs(words: string): readonly CommandNeed[] {
  return words.split(' ').map((word) => ({ command: word.replace(/\?$/, ''), isOptional: word.endsWith('?') }));
}

const commandRows: readonly [CommandRow, ...CommandRow[]] = [
  { since: 25, needs: needs('crictl conntrack ip iptables mount nsenter ebtables? ethtool? socat? tc? touch?') },
  { since: 28, needs: needs('crictl conntrack ip iptables mount nsenter ethtool? tc? touch?') },
  { since: 31, needs: needs('crictl? conntrack ip iptables mount nsenter ethtool? tc? touch?') },
  { since: 32, needs: needs('ip iptables mount nsenter ethtool? tc? touch?') },
  { since: 33, needs: needs('losetup mount cp') },
];

/** The commands in kubeadm's order. */
export function commandsNeeded(version: KubeVersion): readonly CommandNeed[] {
  return rowFor(commandRows, version).needs;
}

/** Which switches of the kernel a version wants, and when. */
export interface SwitchRow {
  readonly since: number;
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
  /**
   * `always`: those of IPv4 on every host, among the common checks, and those of IPv6 by the address of the API server.
   * `in-use`: by the families of all ranges and addresses, after the common checks.
   */
  readonly rule: 'always' | 'in-use';
}

const forward4 = '/proc/sys/net/ipv4/ip_forward';
const forward6 = '/proc/sys/net/ipv6/conf/default/forwarding';
const bridge4 = '/proc/sys/net/bridge/bridge-nf-call-iptables';
const bridge6 = '/proc/sys/net/bridge/bridge-nf-call-ip6tables';

const switchRows: readonly [SwitchRow, ...SwitchRow[]] = [
  { since: 25, ipv4: [bridge4, forward4], ipv6: [bridge6, forward6], rule: 'always' },
  { since: 27, ipv4: [bridge4, forward4], ipv6: [bridge6, forward6], rule: 'in-use' },
  { since: 30, ipv4: [forward4], ipv6: [forward6], rule: 'in-use' },
];

export function switchesNeeded(version: KubeVersion): SwitchRow {
  return rowFor(switchRows, version);
}

/** What system-validators, as vendored by a version, takes for a kernel that will do. */
export interface SystemRow {
  readonly since: number;
  readonly kernels: readonly RegExp[];
  /** The kernels in words. */
  readonly kernelsTold: string;
  readonly otherKernel: 'error' | 'warning';
  readonly cgroupV1: 'silent' | 'warning' | 'error-if-refused';
  /** The freezer of cgroup v2 is looked for; before, it was assumed to be there. */
  readonly probesFreezer: boolean;
  /** Kernel options for cgroups, by the cgroup version of the host. */
  readonly cgroupOptions: Readonly<Record<1 | 2, readonly string[]>>;
  /** The kubelet is asked for its version first, and nothing is judged without it. */
  readonly asksKubelet: boolean;
}

const v1Options = ['CGROUPS', 'CGROUP_CPUACCT', 'CGROUP_DEVICE', 'CGROUP_FREEZER', 'CGROUP_PIDS', 'CGROUP_SCHED'];
const v2Options = ['CGROUPS', 'CGROUP_BPF', 'CGROUP_PIDS', 'CGROUP_SCHED'];
const longTerm = {
  kernels: [/^5\.4/, /^5\.10/, /^5\.15/, /^(?:[6-9]|[1-9]\d+)\.\d+\.\d+/],
  kernelsTold: '5.4, 5.10, 5.15, 6 and later',
  otherKernel: 'warning',
  probesFreezer: true,
} as const;

const systemRows: readonly [SystemRow, ...SystemRow[]] = [
  // system-validators 1.8.0
  {
    since: 25,
    kernels: [/^3\.[1-9]\d/, /^(?:[4-9]|[1-9]\d+)\.\d+\.\d+/],
    kernelsTold: '3.10 and later',
    otherKernel: 'error',
    cgroupV1: 'silent',
    probesFreezer: false,
    cgroupOptions: { 1: v1Options, 2: v1Options },
    asksKubelet: false,
  },
  // 1.9.2
  {
    since: 32,
    kernels: [/^4\.19/, /^4\.[2-9]\d/, /^(?:[5-9]|[1-9]\d+)\.\d+\.\d+/],
    kernelsTold: '4.19 and later',
    otherKernel: 'error',
    cgroupV1: 'warning',
    probesFreezer: true,
    cgroupOptions: { 1: ['CGROUPS'], 2: ['CGROUPS'] },
    asksKubelet: false,
  },
  // 1.10.2
  {
    ...longTerm,
    since: 34,
    cgroupV1: 'warning',
    cgroupOptions: { 1: ['CGROUPS'], 2: ['CGROUPS'] },
    asksKubelet: false,
  },
  // 1.12.1
  {
    ...longTerm,
    since: 35,
    cgroupV1: 'error-if-refused',
    cgroupOptions: { 1: v1Options, 2: v2Options },
    asksKubelet: true,
  },
];

export function systemNeeds(version: KubeVersion): SystemRow {
  return rowFor(systemRows, version);
}

/** Every kernel option that some version asks for because of cgroups. */
export const allCgroupOptions: readonly string[] = [...new Set([...v1Options, ...v2Options])];
