// SystemVerification: the kernel, its configuration and its cgroups (kubeadm's system-validators 1.12, spec 03 §6).
import { parseVersion } from '../../kube/version.ts';
import { error, warning, type Check, type Finding, type Found } from '../check.ts';
import { kubeletRefusesCgroupV1 } from '../../kube/skew.ts';

const name = 'SystemVerification';

const longTermKernels = [/^5\.4/, /^5\.10/, /^5\.15/, /^(?:[6-9]|[1-9]\d+)\.\d+\.\d+/];

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
const cgroupOptions = {
  1: ['CGROUPS', 'CGROUP_CPUACCT', 'CGROUP_DEVICE', 'CGROUP_FREEZER', 'CGROUP_PIDS', 'CGROUP_SCHED'],
  2: ['CGROUPS', 'CGROUP_BPF', 'CGROUP_PIDS', 'CGROUP_SCHED'],
} as const;

const controllers = {
  1: { required: ['cpu', 'cpuacct', 'cpuset', 'devices', 'freezer', 'memory', 'pids'], optional: ['hugetlb', 'blkio'] },
  2: { required: ['cpu', 'cpuset', 'devices', 'freezer', 'memory', 'pids'], optional: ['hugetlb', 'io'] },
} as const;

const allOptions = [...new Set([...requiredOptions.flat(), ...cgroupOptions[1], ...cgroupOptions[2]])];

/** `kubelet` is the KubeletConfiguration where it is known: `failCgroupV1: false` in it makes cgroup v1 a warning. */
export function systemVerification(kubelet?: Readonly<Record<string, unknown>>): Check {
  return {
    name,
    asks: { kernelOptions: allOptions },
    run(found): readonly Finding[] {
      const version = parseVersion(found.facts.kubeletVersion ?? '');
      // Without it the rest can't be judged: what a kubelet refuses depends on its version.
      if (version === undefined) return [noKubelet];
      return [
        ...kernelRelease(found),
        ...kernelConfig(found),
        ...operatingSystem(found),
        ...cgroups(found, kubelet?.['failCgroupV1'] === false || !kubeletRefusesCgroupV1(version)),
      ];
    },
  };
}

const noKubelet = error(name, '`kubelet --version` gave no version', 'install the kubelet so that it is on the PATH');

function kernelRelease({ facts }: Found): readonly Finding[] {
  if (longTermKernels.some((pattern) => pattern.test(facts.kernelRelease))) return [];
  const text = `kernel ${facts.kernelRelease} is not one that Kubernetes is tested with: 5.4, 5.10, 5.15, 6 and later`;
  return [warning(name, text, 'upgrade the kernel when you can')];
}

function kernelConfig({ survey }: Found): readonly Finding[] {
  if (survey.kernel.source === undefined) {
    const text = 'the kernel configuration was not found in /proc/config.gz, /boot or /usr/lib/modules';
    return [error(name, text, '`modprobe configs` shows it in /proc, where the kernel has that module')];
  }
  const isOn = (option: string): boolean => /^[ym]$/.test(survey.kernel.options.get(option) ?? '');
  const wanted = [...requiredOptions, ...cgroupOptions[survey.cgroups.version ?? 2].map((option) => [option])];
  const missing = wanted.filter((names) => !names.some(isOn)).map(([option]) => `CONFIG_${option}`);
  if (missing.length === 0) return [];
  return [error(name, `${survey.kernel.source} lacks ${missing.join(', ')}`, 'boot a kernel that has these options')];
}

function operatingSystem({ survey }: Found): readonly Finding[] {
  if (survey.kernelName === 'Linux') return [];
  return [error(name, `the operating system is ${survey.kernelName}, not Linux`, 'use a Linux host')];
}

function cgroups(found: Found, mayUseV1: boolean): readonly Finding[] {
  const { version, controllers: present } = found.survey.cgroups;
  if (version === undefined) return [error(name, 'no cgroup filesystem is mounted', 'mount cgroup2 at /sys/fs/cgroup')];
  const missing = (wanted: readonly string[]): string => wanted.filter((c) => !present.has(c)).join(', ');
  const { required, optional } = controllers[version];
  const [lacks, could] = [missing(required), missing(optional)];
  return [
    // A missing controller is told instead of the version: it is the worse of the two.
    ...(lacks === '' ? cgroupVersion(found, mayUseV1) : [missingControllers(version, lacks)]),
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
function cgroupVersion({ survey, facts }: Found, mayUseV1: boolean): readonly Finding[] {
  if (survey.cgroups.version !== 1) return [];
  const move = 'move the host to cgroup v2 (boot with systemd.unified_cgroup_hierarchy=1)';
  if (mayUseV1) return [warning(name, 'the host uses cgroup v1, which Kubernetes no longer develops', move)];
  const text = `the host uses cgroup v1; kubelet ${facts.kubeletVersion} refuses it unless failCgroupV1 is false`;
  return [error(name, text, `${move}, or set failCgroupV1: false in the KubeletConfiguration`)];
}
