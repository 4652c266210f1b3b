// Configuration files and flags, read into drafts: every problem at once, every warning with its place.
import { kubeProxyConfiguration } from '../kube/kube-proxy-fields.ts';
import { kubeletConfiguration } from '../kube/kubelet-fields.ts';
import type { GoDocument } from '../kube/go-fields.ts';
import { newestVersion } from '../kube/releases.ts';
import type { KubeVersion } from '../kube/version.ts';
import { checkComponent } from './component.ts';
import { defaultToken } from './defaults.ts';
import { readDocuments, type ConfigDocument } from './documents.ts';
import type { ComponentDocument, ConfigWarning, InitDraft, JoinDraft, ResetSpec } from './draft.ts';
import type { Finding } from './finding.ts';
import type { InitFlags, JoinFlags, ResetFlags } from './flags.ts';
import { joinDraftOfFlags } from './join-flags.ts';
import { mergeInitFlags, mergeJoinFlags, mergeResetFlags } from './merge-flags.ts';
import { Report } from './report.ts';
import { readVersion } from './version.ts';
import { kubeadmVersions, migrateWith, newestKubeadmVersion } from './versions/index.ts';
import type { DocumentKind } from './versions/kind.ts';
import type { ClusterParts, InitParts, KubeadmVersion } from './versions/parts.ts';

/** What was read, and what the user should know about it. */
export interface Loaded<T> {
  readonly draft: T;
  readonly warnings: readonly ConfigWarning[];
}

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
  for (const finding of unknown) report.warn(placed(finding), finding.message, true);
}

/** The value of a document read as a kind; undefined when something is wrong with it. */
function readKind<T>(document: ConfigDocument, kind: DocumentKind<T>, report: Report): T | undefined {
  const reading = kind.read(document.value);
  findingsOf(document, report, reading.wrong, reading.unknown);
  return reading.value;
}

/** The kubeadm API version of a document; undefined, with the reason reported, when it is not read. */
function versionOf(document: ConfigDocument, report: Report): KubeadmVersion | undefined {
  const top = { line: document.lineOf(['apiVersion']), path: ['apiVersion'] };
  const version = kubeadmVersions.find((candidate) => candidate.apiVersion === document.apiVersion);
  if (version !== undefined) {
    if (version.isDeprecated) {
      report.warn(top, `${document.apiVersion} is deprecated; ${newestKubeadmVersion.apiVersion} replaces it`, false);
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
function sort(
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

const kubeadmKinds: readonly string[] = [
  'InitConfiguration',
  'ClusterConfiguration',
  'JoinConfiguration',
  'ResetConfiguration',
  'UpgradeConfiguration',
];

/** The part of a kind from its document; the default when there is none or it is wrong (then reported). */
function partOf<T>(
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
function defaultPart<T>(kind: DocumentKind<T>): T {
  const { value } = kind.read({ apiVersion: newestKubeadmVersion.apiVersion, kind: kind.kind });
  if (value === undefined) throw new Error(`an empty ${kind.kind} does not read`);
  return value;
}

function componentOf(
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

function clusterVersion(
  cluster: ClusterParts,
  documents: readonly ConfigDocument[],
  report: Report,
): KubeVersion | undefined {
  if (cluster.kubernetesVersion === undefined) return undefined;
  const read = readVersion(cluster.kubernetesVersion);
  if ('major' in read) return read;
  const document = documents.find((candidate) => candidate.kind === 'ClusterConfiguration');
  const path = ['kubernetesVersion'];
  report.refuse({ line: document?.lineOf(path) ?? 1, path }, read.message, read.fix);
  return undefined;
}

/** v1beta3's timeoutForControlPlane lives in the other document (spec 02 §3.4). */
function withControlPlaneTimeout(init: InitParts, seconds: number | undefined): InitParts {
  if (seconds === undefined || seconds === 0 || seconds === 240) return init;
  return { ...init, timeouts: { ...init.timeouts, controlPlaneComponentHealthCheck: seconds } };
}

/** A token made by flags says where it is from, as kubeadm's does. */
function describedToken(init: InitParts): InitParts {
  return {
    ...init,
    bootstrapTokens: [{ ...defaultToken, description: "The default bootstrap token generated by 'kbinit init'." }],
  };
}

/**
 * What `init` is to do. The file's name is for messages only.
 * @throws KbError KB_CONFIG with every problem
 */
export function loadInit(text: string | Uint8Array | undefined, source: string, flags: InitFlags): Loaded<InitDraft> {
  const report = new Report(source);
  const all = text === undefined ? [] : readDocuments(text, source, report);
  const { kubeadm, components } = sort(all, ['InitConfiguration', 'ClusterConfiguration'], true, report);
  const readable = kubeadm.filter((document) => versionOf(document, report) !== undefined);
  if (text !== undefined && kubeadm.length === 0 && report.problems.length === 0) {
    const fix = `add a document with apiVersion ${newestKubeadmVersion.apiVersion} and kind ClusterConfiguration`;
    report.refuseAll(`${source}: no InitConfiguration or ClusterConfiguration in it`, fix);
  }
  const readInit = partOf(readable, (version) => version.init, report) ?? defaultPart(newestKubeadmVersion.init);
  const cluster = partOf(readable, (version) => version.cluster, report) ?? defaultPart(newestKubeadmVersion.cluster);
  const { kubernetesVersion: _text, timeoutForControlPlaneSeconds, ...parts } = cluster;
  const version = clusterVersion(cluster, readable, report);
  const init = withControlPlaneTimeout(
    text === undefined ? describedToken(readInit) : readInit,
    timeoutForControlPlaneSeconds,
  );
  const bare: InitDraft = { ...init, cluster: { ...parts, version, kubelet: undefined, kubeProxy: undefined } };
  const merged = mergeInitFlags(bare, flags, report);
  const shape = merged.cluster.version ?? newestVersion();
  const kubelet = componentOf(components, kubeletConfiguration, shape, report);
  const kubeProxy = componentOf(components, kubeProxyConfiguration, shape, report);
  report.check();
  return { draft: { ...merged, cluster: { ...merged.cluster, kubelet, kubeProxy } }, warnings: report.warnings };
}

/** The one document a command wants; a problem when the file has none. */
function onlyPart<T>(
  input: { readonly text: string | Uint8Array; readonly source: string; readonly name: string },
  kindOf: (version: KubeadmVersion) => DocumentKind<T> | undefined,
  report: Report,
): T | undefined {
  const { kubeadm } = sort(readDocuments(input.text, input.source, report), [input.name], false, report);
  const readable = kubeadm.filter((document) => versionOf(document, report) !== undefined);
  const part = partOf(readable, kindOf, report);
  if (part === undefined && report.problems.length === 0) {
    const fix = `add a document with apiVersion ${newestKubeadmVersion.apiVersion} and kind ${input.name}`;
    report.refuseAll(`${input.source}: no ${input.name} in it`, fix);
  }
  return part;
}

/**
 * How `join` is to join.
 * @throws KbError KB_CONFIG with every problem
 */
export function loadJoin(text: string | Uint8Array | undefined, source: string, flags: JoinFlags): Loaded<JoinDraft> {
  const report = new Report(source);
  if (text === undefined) {
    const draft = joinDraftOfFlags(flags, report);
    report.check();
    return { draft, warnings: report.warnings };
  }
  const part = onlyPart({ text, source, name: 'JoinConfiguration' }, (version) => version.join, report);
  if (flags.apiServerEndpoint !== undefined) {
    report.warnAll(`the argument ${flags.apiServerEndpoint} is ignored: discovery is in ${source}`);
  }
  report.check();
  if (part === undefined) throw new Error('a join configuration that is neither there nor refused');
  return { draft: mergeJoinFlags(part, flags), warnings: report.warnings };
}

/**
 * What `reset` is to remove.
 * @throws KbError KB_CONFIG with every problem
 */
export function loadReset(text: string | Uint8Array | undefined, source: string, flags: ResetFlags): Loaded<ResetSpec> {
  const report = new Report(source);
  const kind = newestKubeadmVersion.reset;
  if (kind === undefined) throw new Error('the newest API version has no ResetConfiguration');
  const part =
    text === undefined
      ? defaultPart(kind)
      : onlyPart({ text, source, name: 'ResetConfiguration' }, (version) => version.reset, report);
  report.check();
  if (part === undefined) throw new Error('a reset configuration that is neither there nor refused');
  return { draft: mergeResetFlags(part, flags), warnings: report.warnings };
}
