// KubernetesVersion: the wanted version is not newer than what kbinit knows.
import { newestVersion } from '../../kube/releases.ts';
import { formatVersion, type KubeVersion } from '../../kube/version.ts';
import { warning, type Check } from '../check.ts';
import { isTooNew } from '../../kube/skew.ts';

const name = 'KubernetesVersion';

/** A warning for a version of a later minor (spec 03 §2 #3). */
export function kubernetesVersion(version: KubeVersion): Check {
  return {
    name,
    run: () =>
      isTooNew(version)
        ? [
            warning(
              name,
              `${formatVersion(version)} is newer than the versions this kbinit knows (up to ${formatVersion(newestVersion())})`,
              'use a newer kbinit',
            ),
          ]
        : [],
  };
}
