// Documents of a file, read as the kinds they say they are: versions checked, each finding with its line and path.
import { kubeProxyConfiguration } from '../kube/kube-proxy-fields.ts';
import { kubeletConfiguration } from '../kube/kubelet-fields.ts';
import type { GoDocument } from '../kube/go-fields.ts';
import type { KubeVersion } from '../kube/version.ts';
import { checkComponent } from './component.ts';
import type { ConfigDocument } from './documents.ts';
import type { ComponentDocument } from './draft.ts';
import type { Finding } from './finding.ts';
import type { Report } from './report.ts';
import { readVersion, type VersionLabels } from './version.ts';
import { kubeadmVersions, migrateWith, newestKubeadmVersion } from './versions/index.ts';
import type { DocumentKind } from './versions/kind.ts';
import type { ClusterParts, KubeadmVersion } from './versions/parts.ts';

const componentKinds: readonly GoDocument[] = [kubeletConfiguration, kubeProxyConfiguration];

const group = (apiVersion: string): string => apiVersion.split('/')[0] ?? '';

function findingsOf(
  document: ConfigDocument,
  report: Report,
  wrong: readonly Finding[],
  unknown: readonly Finding[],
): void {
  const placed = (finding: Finding): { line: number; path: Finding['path'] } => ({
    line: document.lineOf(finding.path),
    path: finding.path,
  });
  for (const finding of wrong) report.refuse(placed(finding), finding.message, finding.fix);
  for (const finding of unknown) report.warn(placed(finding), finding.message, true, finding.fix);
}

/** The value of a document read as a kind; undefined when something is wrong with it. */
function readKind<T>(document: ConfigDocument, kind: DocumentKind<T>, report: Report): T | undefined {
  const reading = kind.read(document.value);
  findingsOf(document, report, reading.wrong, reading.unknown);
  return reading.value;
}

/** The kubeadm API version of a document; undefined, with the reason reported, when it is not read. */
export function versionOf(document: ConfigDocument, report: Report): KubeadmVersion | undefined {
  const top = { line: document.lineOf(['apiVersion']), path: ['apiVersion'] };
  const version = kubeadmVersions.find((candidate) => candidate.apiVersion === document.apiVersion);
  if (version !== undefined) {
    if (version.isDeprecated) {
      report.deprecate(top, `${document.apiVersion} is deprecated; ${newestKubeadmVersion.apiVersion} replaces it`);
    }
    return version;
  }
  const tool = migrateWith[document.apiVersion];
  const known = kubeadmVersions.map((candidate) => candidate.apiVersion).join(' and ');
  if (tool === undefined) report.refuse(top, `${document.apiVersion} is not known`, `use ${known}`);
  else {
    const fix = `convert the file with kubeadm ${tool}: kubeadm config migrate --old-config OLD --new-config NEW`;
    report.refuse(top, `${document.apiVersion} is too old`, fix);
  }
  return undefined;
}

/** Documents of the kubeadm group and the others; what will not be used is named in a warning. */
export function sortDocuments(
  documents: readonly ConfigDocument[],
  used: readonly string[],
  takesComponents: boolean,
  report: Report,
): { readonly kubeadm: readonly ConfigDocument[]; readonly components: readonly ConfigDocument[] } {
  const kubeadm: ConfigDocument[] = [];
  const components: ConfigDocument[] = [];
  for (const document of documents) {
    const isKubeadm = group(document.apiVersion) === 'kubeadm.k8s.io';
    const isComponent = componentKinds.some(({ kind, apiVersion }) => {
      return kind === document.kind && group(apiVersion) === group(document.apiVersion);
    });
    if (isKubeadm && used.includes(document.kind)) kubeadm.push(document);
    else if (isComponent && takesComponents) components.push(document);
    else {
      const isKnown = isComponent || (isKubeadm && kubeadmKinds.includes(document.kind));
      const what = `${document.apiVersion} ${document.kind}`;
      const why = isKnown ? 'not used by this command' : 'unknown kind';
      report.warn({ line: document.lineOf([]), path: [] }, `${what}: ${why}, ignored`, !isKnown);
    }
  }
  return { kubeadm, components };
}

/** Every kind of the group kubeadm.k8s.io that is read. */
export const kubeadmKinds: readonly string[] = [
  'InitConfiguration',
  'ClusterConfiguration',
  'JoinConfiguration',
  'ResetConfiguration',
  'UpgradeConfiguration',
];

/** The part of a kind from its document; the default when there is none or it is wrong (then reported). */
export function partOf<T>(
  documents: readonly ConfigDocument[],
  kindOf: (version: KubeadmVersion) => DocumentKind<T> | undefined,
  report: Report,
): T | undefined {
  for (const document of documents) {
    const version = kubeadmVersions.find((candidate) => candidate.apiVersion === document.apiVersion);
    const kind = version && kindOf(version);
    if (kind?.kind === document.kind) return readKind(document, kind, report);
  }
  return undefined;
}

/** Every default, as an empty document gives it. */
export function defaultPart<T>(kind: DocumentKind<T>): T {
  const { value } = kind.read({ apiVersion: newestKubeadmVersion.apiVersion, kind: kind.kind });
  if (value === undefined) throw new Error(`an empty ${kind.kind} does not read`);
  return value;
}

/** A component's document, checked against what its kind has in this version. */
export function componentOf(
  documents: readonly ConfigDocument[],
  kind: GoDocument,
  version: KubeVersion,
  report: Report,
): ComponentDocument | undefined {
  const document = documents.find((candidate) => candidate.kind === kind.kind);
  if (document === undefined) return undefined;
  if (document.apiVersion !== kind.apiVersion) {
    const place = { line: document.lineOf(['apiVersion']), path: ['apiVersion'] };
    report.refuse(place, `${document.apiVersion} is not supported`, `convert the document to ${kind.apiVersion}`);
    return undefined;
  }
  const checked = checkComponent(kind, document.value, version);
  findingsOf(document, report, checked.wrong, checked.unknown);
  return checked.value;
}

/** kubernetesVersion of the cluster's document; undefined when there is none, or a wrong one (then reported). */
export function clusterVersion(
  cluster: ClusterParts,
  documents: readonly ConfigDocument[],
  labels: VersionLabels,
  report: Report,
): KubeVersion | undefined {
  if (cluster.kubernetesVersion === undefined) return undefined;
  const read = readVersion(cluster.kubernetesVersion, labels);
  if ('major' in read) return read;
  const document = documents.find((candidate) => candidate.kind === 'ClusterConfiguration');
  const path = ['kubernetesVersion'];
  report.refuse({ line: document?.lineOf(path) ?? 1, path }, read.message, read.fix);
  return undefined;
}
