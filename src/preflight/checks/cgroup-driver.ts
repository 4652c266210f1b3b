// CgroupDriver: kubelet and container runtime manage cgroups the same way; kubeadm leaves that to be found out (R22).
import { error, type Check, type Finding } from '../check.ts';
import type { Survey } from '../survey-parse.ts';

const name = 'CgroupDriver';

/**
 * Only of a runtime that does not tell the kubelet its driver itself (containerd before 2, CRI-O before 1.28). `kubelet` is
 * the KubeletConfiguration; nothing is judged while it is not known.
 */
export function cgroupDriver(criSocket: string, kubelet: Readonly<Record<string, unknown>> | undefined): Check {
  return {
    name,
    asks: { criSocket },
    run: ({ survey }) => (kubelet === undefined ? [] : judge(survey.runtime, kubelet['cgroupDriver'] ?? 'systemd')),
  };
}

function judge(runtime: Survey['runtime'], wanted: unknown): readonly Finding[] {
  const own = runtime?.cgroupDriver;
  if (runtime?.hasRuntimeConfig !== false || own === undefined || own === wanted) return [];
  const text = `the container runtime manages cgroups by ${own}, the kubelet is to do it by ${String(wanted)}: Pods would be restarted again and again`;
  const fix = `set SystemdCgroup = ${own !== 'systemd'} for runc in /etc/containerd/config.toml and restart containerd, or cgroupDriver: ${own} in the KubeletConfiguration`;
  return [error(name, text, fix)];
}
