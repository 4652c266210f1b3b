// The journal on a control-plane host: which spec an init is for and which files it was about to write. With it a
// killed run's half-written files can be told from a user's own, and another spec's cluster from this one's.
import { clusterConfigurationDocument } from '../config/write.ts';
import { paths } from '../kube/paths.ts';
import type { Artifact } from '../host/host.ts';
import type { InitContext } from './context.ts';
import { isJsonArray, isJsonObject, parseJson } from '../util/json.ts';

export const journalFolder: string = `${paths.state}/journal`;
export const journalPath: string = `${journalFolder}/init.json`;
/** A reset's own: etcd's member has left, only this host is still to be cleaned. */
export const resetJournalPath: string = `${journalFolder}/reset.json`;

export interface Journal {
  readonly format: 1;
  /** What the run was for: no secrets in it. */
  readonly spec: Readonly<Record<string, unknown>>;
  readonly startedAt: string;
  /** Files that did not exist before and that this run makes. */
  readonly makes: readonly string[];
  /** When the cluster was found to serve. */
  readonly finishedAt?: string;
  /** `finishedAt` was or will be set as soon as the cluster serves. Older runs set it behind their last phase, or never. */
  readonly finishes?: 'serving';
  /** What phases alone made, whether a whole init came before, behind them or never; see init/made.ts. */
  readonly made?: Readonly<Record<string, readonly string[]>>;
}

/** The journal of an earlier init; undefined when there is none, it cannot be read, or phases alone were here. */
export function parseJournal(text: string | undefined): Journal | undefined {
  return parseJson(text, isJournal);
}

function isJournal(value: unknown): value is Journal {
  if (!isJsonObject(value) || value['format'] !== 1 || !isJsonObject(value['spec'])) return false;
  const { makes, startedAt, finishedAt } = value;
  const isText = (field: unknown): boolean => typeof field === 'string';
  return (
    isJsonArray(makes) && makes.every(isText) && isText(startedAt) && (finishedAt === undefined || isText(finishedAt))
  );
}

/** What makes two inits the same cluster: everything of the spec that ends up in files and objects. */
export function specIdentity(ctx: Pick<InitContext, 'spec'>): Readonly<Record<string, unknown>> {
  const { cluster, node, localAPIEndpoint } = ctx.spec;
  return {
    ...clusterConfigurationDocument(cluster),
    'nodeRegistration.name': node.name,
    'nodeRegistration.criSocket': node.criSocket,
    'localAPIEndpoint.advertiseAddress': localAPIEndpoint.advertiseAddress,
    'localAPIEndpoint.bindPort': localAPIEndpoint.bindPort,
    // In the static Pods: how long their startup probes are patient.
    'timeouts.controlPlaneComponentHealthCheck': ctx.spec.timeouts.controlPlaneComponentHealthCheck,
    kubelet: cluster.kubelet.document,
    kubeProxy: cluster.kubeProxy.document,
  };
}

/** An unfinished init is of a spec that differs from this one only in what may still be corrected. */
export function isCorrection(journal: Journal, found: readonly Difference[]): boolean {
  return journal.finishedAt === undefined && found.length > 0 && found.every(({ path }) => correctable.test(path));
}

/**
 * What an init that never came up may be run again with: it ends in manifests, addons and the kubelet's files, which
 * are written anew, and in no certificate, kubeconfig or data of etcd.
 */
const correctable =
  /^(?:apiServer\.extra\w+|controllerManager|scheduler|etcd\.local\.(?:extra\w+|image\w+)|imageRepository|dns|proxy|kubelet|kubeProxy|nodeRegistration\.criSocket|timeouts)(?:\W|$)/;

/** Where the spec of an earlier run and this one differ; what the component configs say comes last. */
export function specDifferences(journal: Journal, ctx: Pick<InitContext, 'spec'>): readonly Difference[] {
  // A journal has been through JSON; so must be what it is compared with.
  const here: unknown = JSON.parse(JSON.stringify(specIdentity(ctx)));
  const isComponent = ({ path }: Difference): number => (/^kube(?:let|Proxy)\./.test(path) ? 1 : 0);
  return differences(journal.spec, here).toSorted((a, b) => isComponent(a) - isComponent(b));
}

/** The journal's file; it holds no secret, but is nobody's business. */
export function journalArtifact(journal: Journal): Artifact {
  return { path: journalPath, mode: 0o600, body: `${JSON.stringify(journal, undefined, 2)}\n` };
}

export interface Difference {
  /** `networking.serviceSubnet` */
  readonly path: string;
  readonly there: string;
  readonly here: string;
}

/** Where two JSON values differ, leaf by leaf; of lists that differ in length, the items that only one of them has. */
export function differences(there: unknown, here: unknown, path = ''): readonly Difference[] {
  if (isJsonObject(there) && isJsonObject(here)) {
    const keys = [...new Set([...Object.keys(there), ...Object.keys(here)])].toSorted();
    return keys.flatMap((key) => differences(there[key], here[key], path === '' ? key : `${path}.${key}`));
  }
  if (Array.isArray(there) && Array.isArray(here)) return listDifferences(there, here, path);
  const [left, right] = [inJson(there), inJson(here)];
  return left === right ? [] : [{ path, there: clipped(left), here: clipped(right) }];
}

function listDifferences(there: readonly unknown[], here: readonly unknown[], path: string): readonly Difference[] {
  if (there.length === here.length) {
    return there.flatMap((item, index) => differences(item, here[index], `${path}[${index}]`));
  }
  const without = (list: readonly unknown[], others: readonly unknown[]): string => {
    const texts = new Set(others.map(inJson));
    const rest = list.map(inJson).filter((item) => !texts.has(item));
    return rest.length === 0 ? 'nothing more' : clipped(rest.join(' '));
  };
  return [{ path, there: without(there, here), here: without(here, there) }];
}

function inJson(value: unknown): string {
  return JSON.stringify(value) ?? 'not set';
}

function clipped(text: string): string {
  return text.length <= 160 ? text : `${text.slice(0, 159)}…`;
}
