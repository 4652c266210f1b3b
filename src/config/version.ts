// kubernetesVersion: which texts name a version kbinit knows.
import { releaseOf, supportedRange } from '../kube/releases.ts';
import { parseVersion, type KubeVersion } from '../kube/version.ts';
import { newestVersion } from '../kube/releases.ts';
import { formatVersion } from '../kube/version.ts';

/** Why a text is not a usable version, and what to write. */
export interface VersionFault {
  readonly message: string;
  readonly fix: string;
}

/** The version that a text names. */
export function readVersion(text: string): KubeVersion | VersionFault {
  const exact = `write an exact version, for example ${formatVersion(newestVersion())}`;
  const version = parseVersion(text);
  if (version === undefined) return { message: `${JSON.stringify(text)} is not an exact version`, fix: exact };
  if (text.includes('+')) return { message: `${JSON.stringify(text)} carries build metadata`, fix: exact };
  if (releaseOf(version) === undefined) {
    const message = `${formatVersion(version)} is outside what kbinit knows, ${supportedRange()}`;
    return { message, fix: `use a version of ${supportedRange()}` };
  }
  return version;
}
