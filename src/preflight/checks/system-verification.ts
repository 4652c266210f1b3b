// SystemVerification: the kernel, its configuration and its cgroups, as kubeadm's system-validators judge them (spec 03 §6).
import { allCgroupOptions, systemNeeds, type SystemRow } from '../../kube/node-needs.ts';
import { kubeletRefusesCgroupV1 } from '../../kube/skew.ts';
import { parseVersion, type KubeVersion } from '../../kube/version.ts';
import { error, warning, type Check, type Finding, type Found } from '../check.ts';

const name = 'SystemVerification';

/** Where an option has an older name, either will do. */
const requiredOptions: readonly (readonly string[])[] = [
  ['NAMESPACES'],
  ['NET_NS'],
  ['PID_NS'],
  ['IPC_NS'],
  ['UTS_NS'],
  ['CPUSETS'],
  ['MEMCG'],
  ['INET'],
  ['EXT4_FS'],
  ['PROC_FS'],
  ['NETFILTER_XT_TARGET_REDIRECT', 'IP_NF_TARGET_REDIRECT'],
  ['NETFILTER_XT_MATCH_COMMENT'],
  ['FAIR_GROUP_SCHED'],
];

const controllers = {
  1: { required: ['cpu', 'cpuacct', 'cpuset', 'devices', 'freezer', 'memory', 'pids'], optional: ['hugetlb', 'blkio'] },
  2: { required: ['cpu', 'cpuset', 'devices', 'freezer', 'memory', 'pids'], optional: ['hugetlb', 'io'] },
} as const;

const allOptions = [...new Set([...requiredOptions.flat(), ...allCgroupOptions])];

/**
 * As kubeadm of this version does it. `kubelet` is the KubeletConfiguration where it is known: `failCgroupV1: false` in it
 * makes cgroup v1 a warning (R23).
 */
export function systemVerification(version: KubeVersion, kubelet?: Readonly<Record<string, unknown>>): Check {
  const needs = systemNeeds(version);
  return {
    name,
    asks: { kernelOptions: allOptions },
    run(found): readonly Finding[] {
      const own = parseVersion(found.facts.kubeletVersion ?? '');
      // Without it the rest can't be judged: what a kubelet refuses depends on its version.
      if (own === undefined && needs.asksKubelet) return [noKubelet];
      const isRefused =
        needs.cgroupV1 === 'error-if-refused' &&
        kubelet?.['failCgroupV1'] !== false &&
        own !== undefined &&
        kubeletRefusesCgroupV1(own);
      return [
        ...kernelRelease(found, needs),
        ...kernelConfig(found, needs),
        ...operatingSystem(found),
        ...cgroups(found, needs, isRefused),
      ];
    },
  };
}

const noKubelet = error(name, '`kubelet --version` gave no version', 'install the kubelet so that it is on the PATH');

function kernelRelease({ facts }: Found, needs: SystemRow): readonly Finding[] {
  if (needs.kernels.some((pattern) => pattern.test(facts.kernelRelease))) return [];
  if (needs.otherKernel === 'error') {
    const text = `kernel ${facts.kernelRelease} is too old: this Kubernetes requires ${needs.kernelsTold}`;
    return [error(name, text, 'install a newer kernel, or set up an older Kubernetes')];
  }
  const text = `kernel ${facts.kernelRelease} is not one that Kubernetes is tested with: ${needs.kernelsTold}`;
  return [warning(name, text, 'upgrade the kernel when you can')];
}

function kernelConfig({ survey }: Found, needs: SystemRow): readonly Finding[] {
  if (survey.kernel.source === undefined) {
    const text = 'the kernel configuration was not found in /proc/config.gz, /boot or /usr/lib/modules';
    return [error(name, text, '`modprobe configs` shows it in /proc, where the kernel has that module')];
  }
  const isOn = (option: string): boolean => /^[ym]$/.test(survey.kernel.options.get(option) ?? '');
  const wanted = [...requiredOptions, ...needs.cgroupOptions[survey.cgroups.version ?? 2].map((option) => [option])];
  const missing = wanted.filter((names) => !names.some(isOn)).map(([option]) => `CONFIG_${option}`);
  if (missing.length === 0) return [];
  return [error(name, `${survey.kernel.source} lacks ${missing.join(', ')}`, 'boot a kernel that has these options')];
}

function operatingSystem({ survey }: Found): readonly Finding[] {
  if (survey.kernelName === 'Linux') return [];
  return [error(name, `the operating system is ${survey.kernelName}, not Linux`, 'use a Linux host')];
}

function cgroups(found: Found, needs: SystemRow, isRefused: boolean): readonly Finding[] {
  const { version, controllers: seen } = found.survey.cgroups;
  if (version === undefined) return [error(name, 'no cgroup filesystem is mounted', 'mount cgroup2 at /sys/fs/cgroup')];
  const present = version === 2 && !needs.probesFreezer ? new Set([...seen, 'freezer']) : seen;
  const missing = (wanted: readonly string[]): string => wanted.filter((c) => !present.has(c)).join(', ');
  const { required, optional } = controllers[version];
  const [lacks, could] = [missing(required), missing(optional)];
  return [
    // A missing controller is told instead of the version: it is the worse of the two.
    ...(lacks === '' ? cgroupVersion(found, needs, isRefused) : [missingControllers(version, lacks)]),
    ...(could === ''
      ? []
      : [warning(name, `cgroup v${version} has no controller ${could}`, 'enable it in the kernel')]),
  ];
}

function missingControllers(version: 1 | 2, list: string): Finding {
  const text = `cgroup v${version} has no controller ${list}`;
  return error(name, text, 'enable it in the kernel or on its command line (cgroup_enable=)');
}

/** Where the kubelet would refuse to start, it is an error, unless its configuration says otherwise. */
function cgroupVersion({ survey, facts }: Found, needs: SystemRow, isRefused: boolean): readonly Finding[] {
  if (survey.cgroups.version !== 1 || needs.cgroupV1 === 'silent') return [];
  const move = 'move the host to cgroup v2 (boot with systemd.unified_cgroup_hierarchy=1)';
  if (!isRefused) return [warning(name, 'the host uses cgroup v1, which Kubernetes no longer develops', move)];
  const text = `the host uses cgroup v1; kubelet ${facts.kubeletVersion} refuses it unless failCgroupV1 is false`;
  return [error(name, text, `${move}, or set failCgroupV1: false in the KubeletConfiguration`)];
}
