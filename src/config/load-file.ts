// A whole file with every kind it may hold, for `config validate` and `config migrate`: what is only a warning elsewhere is refused.
import type { InitDraft, JoinDraft, ResetSpec, UpgradeSpec } from './draft.ts';
import { readDocuments, type ConfigDocument } from './documents.ts';
import { initDraftOf, type Loaded } from './load.ts';
import { kubeadmKinds, partOf, sortDocuments, versionOf } from './read.ts';
import { Report } from './report.ts';
import type { VersionLabels } from './version.ts';

/** What a file holds; a kind that it does not have is undefined. */
export interface WholeFile {
  readonly init: InitDraft | undefined;
  readonly join: JoinDraft | undefined;
  readonly reset: ResetSpec | undefined;
  readonly upgrade: UpgradeSpec | undefined;
}

const has = (documents: readonly ConfigDocument[], ...kinds: readonly string[]): boolean =>
  documents.some(({ kind }) => kinds.includes(kind));

/** What v1beta3's ClusterConfiguration says about the control plane's time is true for a join in the same file too. */
function withClusterTimeout(
  join: JoinDraft,
  init: InitDraft | undefined,
  documents: readonly ConfigDocument[],
): JoinDraft {
  const isOld = (kind: string): boolean =>
    documents.some((document) => document.kind === kind && document.apiVersion.endsWith('/v1beta3'));
  if (init === undefined || !isOld('ClusterConfiguration') || !isOld('JoinConfiguration')) return join;
  const { controlPlaneComponentHealthCheck } = init.timeouts;
  return { ...join, timeouts: { ...join.timeouts, controlPlaneComponentHealthCheck } };
}

/**
 * Every document of a file.
 * @throws KbError KB_CONFIG with every problem: unknown, misspelt and duplicate fields and unknown kinds are among them
 */
export function loadFile(
  text: string | Uint8Array,
  source: string,
  labels: VersionLabels = new Map(),
): Loaded<WholeFile> {
  const report = new Report(source);
  const all = readDocuments(text, source, report);
  const { kubeadm, components } = sortDocuments(all, kubeadmKinds, true, report);
  const readable = kubeadm.filter((document) => versionOf(document, report) !== undefined);
  if (all.length === 0 && report.problems.length === 0) {
    report.refuseAll(`${source}: no configuration in it`, `add a document of kind ${kubeadmKinds.join(', ')}`);
  }
  const isInit = has(kubeadm, 'InitConfiguration', 'ClusterConfiguration') || components.length > 0;
  const documents = { kubeadm: readable, components, isFile: true };
  const init = isInit ? initDraftOf(documents, {}, labels, report) : undefined;
  const join = partOf(readable, (version) => version.join, report);
  const draft: WholeFile = {
    init,
    join: join && withClusterTimeout(join, init, readable),
    reset: partOf(readable, (version) => version.reset, report),
    upgrade: partOf(readable, (version) => version.upgrade, report),
  };
  report.refuseStrictWarnings();
  report.check();
  return { draft, warnings: report.warnings };
}
