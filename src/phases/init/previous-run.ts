// What an earlier init on this host means for this one: nothing there, the same cluster, or another one.
import type { Finding } from '../../preflight/check.ts';
import { KbError, type Problem } from '../../errors.ts';
import { manifestPath, staticPods } from '../../kube/paths.ts';
import type { Artifact } from '../../host/host.ts';
import { readYaml, withoutText } from '../../util/yaml.ts';
import type { InitContext } from '../context.ts';
import { differences, isCorrection, specDifferences, type Difference, type Journal } from '../journal.ts';

/** `none`: this host was never initialised. `same`: by an init of the same spec, finished or not. */
export interface EarlierInit {
  readonly kind: 'none' | 'same';
  readonly isFinished: boolean;
  /** What this run corrects of an init that did not come up; in words. */
  readonly corrections: readonly string[];
}

/** How many differences a message lists. */
const listed = 6;

/**
 * Compare the journal (kbinit's own earlier init) and the static Pods (anybody's) with what this run would make.
 * @throws KbError KB_OTHER_SPEC naming the differences
 */
export function judgeEarlier(
  ctx: InitContext,
  existing: ReadonlyMap<string, string>,
  rendered: readonly Artifact[],
  journal: Journal | undefined,
): EarlierInit {
  const found = staticPods.map(manifestPath).filter((path) => existing.has(path));
  const fromJournal = journal === undefined ? [] : specDifferences(journal, ctx);
  if (journal !== undefined && isCorrection(journal, fromJournal)) {
    return { kind: 'same', isFinished: false, corrections: fromJournal.map(asText) };
  }
  const fromManifests = rendered.flatMap(({ path, body }) => manifestDifferences(path, existing.get(path), body));
  const all = [...fromJournal, ...fromManifests];
  if (all.length > 0 && !isAccepted(ctx)) throw new KbError(otherSpec(ctx, all, journal !== undefined));
  return {
    kind: journal === undefined && found.length === 0 ? 'none' : 'same',
    isFinished: journal?.finishedAt !== undefined,
    corrections: [],
  };
}

function asText({ path, there, here }: Difference): string {
  return `${path}: ${there} (current) → ${here} (requested)`;
}

function manifestDifferences(path: string, there: string | undefined, here: string): readonly Difference[] {
  if (there === undefined || there === here) return [];
  const name = path.slice(path.lastIndexOf('/') + 1);
  try {
    return differences(readYaml(there), readYaml(here), name);
  } catch (error) {
    return [{ path: name, there: `no YAML that can be read (${withoutText(error)})`, here: 'a static Pod' }];
  }
}

/** Who ignores the manifests' checks wants them overwritten, as kubeadm does. */
function isAccepted(ctx: InitContext): boolean {
  const names = ['all', ...staticPods.map((name) => `fileavailable--etc-kubernetes-manifests-${name}.yaml`)];
  return names.some((name) => ctx.ignorePreflightErrors.has(name));
}

function otherSpec(ctx: InitContext, found: readonly Difference[], isOurs: boolean): Problem {
  const lines = found.slice(0, listed).map(asText);
  const more = found.length > listed ? `; and ${found.length - listed} more` : '';
  return {
    code: 'KB_OTHER_SPEC',
    summary: 'this host was initialised with a different configuration',
    host: ctx.host.name,
    detail: `${lines.join('; ')}${more}`,
    fix: isOurs
      ? 'run init with the configuration of the first run, or `kbinit reset` this host first (that destroys its cluster)'
      : 'this cluster was not made by kbinit with this configuration; use its own, or `kbinit reset` the host first (that destroys its cluster)',
  };
}

/** Why a finding is no news on a host that this same init has worked on before. */
export function explain(finding: Finding, earlier: EarlierInit, ctx: InitContext): string | undefined {
  if (earlier.kind === 'none' || finding.about === undefined) return undefined;
  const { about } = finding;
  if (about.kind === 'port') {
    return about.isOwnComponent ? `${about.component} of this cluster is running` : undefined;
  }
  if (about.kind === 'leftovers') return 'of this cluster';
  const { etcd } = ctx.spec.cluster;
  const own: readonly string[] = [...staticPods.map(manifestPath), ...(etcd.kind === 'local' ? [etcd.dataDir] : [])];
  return own.includes(about.path) ? 'made by an earlier init of the same configuration' : undefined;
}
