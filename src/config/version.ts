// kubernetesVersion: which texts name a version kbinit knows, exactly or by a label.
import { isLabel, labelFault } from '../kube/labels.ts';
import { newestVersion, releaseOf, supportedRange } from '../kube/releases.ts';
import { formatVersion, parseVersion, type KubeVersion } from '../kube/version.ts';
import { readYamlFile } from '../util/yaml.ts';
import { isMapping } from './finding.ts';

/** The versions behind labels, by the label's text. */
export type VersionLabels = ReadonlyMap<string, KubeVersion>;

/** Why a text is not a usable version, and what to write. */
export interface VersionFault {
  readonly message: string;
  readonly fix: string;
}

/** The version that a text names. */
export function readVersion(text: string, labels: VersionLabels): KubeVersion | VersionFault {
  const exact = `write an exact version, for example ${formatVersion(newestVersion())}`;
  const quoted = JSON.stringify(text);
  if (isLabel(text)) {
    const outside = labelFault(text);
    if (outside !== undefined) return { message: `${quoted} ${outside}`, fix: `use a version of ${supportedRange()}` };
    return labels.get(text) ?? { message: `${quoted} is a version label that could not be resolved`, fix: exact };
  }
  if (text.startsWith('ci/')) return { message: `${quoted} is a build of Kubernetes' CI, not a release`, fix: exact };
  // kubeadm takes the folder of its download page before a version.
  const version = parseVersion(text.replace(/^release\//, ''));
  if (version === undefined) return { message: `${quoted} is neither an exact version nor a label`, fix: exact };
  if (releaseOf(version) === undefined) {
    const message = `${formatVersion(version)} is outside what kbinit knows, ${supportedRange()}`;
    return { message, fix: `use a version of ${supportedRange()}` };
  }
  return version;
}

/** The label that must be looked up before a configuration can be read: the flag's, else the file's. */
export function labelIn(text: string | Uint8Array | undefined, flag: string | undefined): string | undefined {
  if (flag !== undefined && flag !== '') return isUsable(flag) ? flag : undefined;
  const source = typeof text === 'string' ? text : new TextDecoder().decode(text);
  // Nearly every file names an exact version: it need not be read twice.
  if (!/(?:stable|latest)/.test(source)) return undefined;
  const versions = readYamlFile(source).documents.map(({ value }) =>
    isMapping(value) && value['kind'] === 'ClusterConfiguration' ? value['kubernetesVersion'] : undefined,
  );
  return versions.find((version): version is string => typeof version === 'string' && isUsable(version));
}

function isUsable(text: string): boolean {
  return isLabel(text) && labelFault(text) === undefined;
}
