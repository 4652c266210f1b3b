// KubeletVersion: the installed kubelet fits the control plane.
import { formatVersion, parseVersion, type KubeVersion } from '../../kube/version.ts';
import { error, type Check } from '../check.ts';
import { oldestVersion, releaseOf } from '../../kube/releases.ts';
import { isKubeletAhead, isKubeletTooOld, oldestKubelet } from '../../kube/skew.ts';

const name = 'KubeletVersion';

/**
 * Not too old, and not newer than the control plane (spec 03 §4 #10). A joining worker does not know that one: there it
 * may be the oldest that kbinit knows.
 */
export function kubeletVersion(controlPlane?: KubeVersion): Check {
  return {
    name,
    run({ facts }) {
      const kubelet = parseVersion(facts.kubeletVersion ?? '');
      if (kubelet === undefined) {
        return [error(name, '`kubelet --version` gave no version', 'install the kubelet so that it is on the PATH')];
      }
      const least = controlPlane ?? oldestVersion();
      if (isKubeletTooOld(kubelet, least)) {
        const text = `the kubelet is ${formatVersion(kubelet)}, the oldest supported one is ${formatVersion(oldestKubelet(least))}`;
        const isKnown = controlPlane !== undefined && releaseOf(kubelet) !== undefined;
        const or = isKnown ? `, or set kubernetesVersion to ${formatVersion(kubelet)} for a new cluster` : '';
        return [error(name, text, `install a newer kubelet${or}`)];
      }
      if (controlPlane === undefined || !isKubeletAhead(kubelet, controlPlane)) return [];
      const text = `the kubelet is ${formatVersion(kubelet)}, newer than the control plane's ${formatVersion(controlPlane)}`;
      return [error(name, text, `install a kubelet of ${formatVersion(controlPlane)}, or set kubernetesVersion`)];
    },
  };
}
