// KubeletVersion: the installed kubelet fits the control plane.
import { formatVersion, parseVersion, type KubeVersion } from '../../kube/version.ts';
import { error, type Check } from '../check.ts';
import { isKubeletAhead, isKubeletTooOld, oldestKubelet } from '../../kube/skew.ts';

const name = 'KubeletVersion';

/** Not too old, and not newer than the control plane; a joining worker does not know that one (spec 03 §4 #10). */
export function kubeletVersion(controlPlane?: KubeVersion): Check {
  return {
    name,
    run({ facts }) {
      const kubelet = parseVersion(facts.kubeletVersion ?? '');
      if (kubelet === undefined) {
        return [error(name, '`kubelet --version` gave no version', 'install the kubelet so that it is on the PATH')];
      }
      if (isKubeletTooOld(kubelet)) {
        const text = `the kubelet is ${formatVersion(kubelet)}, the oldest supported one is ${formatVersion(oldestKubelet())}`;
        return [error(name, text, 'install a newer kubelet')];
      }
      if (controlPlane === undefined || !isKubeletAhead(kubelet, controlPlane)) return [];
      const text = `the kubelet is ${formatVersion(kubelet)}, newer than the control plane's ${formatVersion(controlPlane)}`;
      return [error(name, text, `install a kubelet of ${formatVersion(controlPlane)}, or set kubernetesVersion`)];
    },
  };
}
