// Swap: the kubelet's default is not to start with swap on.
import { warning, type Check } from '../check.ts';

const name = 'Swap';

/** A warning, never an error: the kubelet's own configuration decides (spec 03 §4 #3). */
export const swap: Check = {
  name,
  run({ survey }) {
    if (survey.swaps.length === 0) return [];
    const rule =
      survey.cgroups.version === 1
        ? 'with cgroup v1 the kubelet cannot use it and does not start unless failSwapOn is false'
        : 'the kubelet does not start unless failSwapOn is false';
    return [
      warning(
        name,
        `swap is on (${survey.swaps.join(', ')}); ${rule}`,
        '`swapoff -a` and remove it from /etc/fstab, or set failSwapOn: false in the KubeletConfiguration',
      ),
    ];
  },
};
