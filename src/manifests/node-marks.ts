// What marks a node as a control plane: labels, taints and the annotation of older versions (spec 04 §5).
import type { Taint } from '../config/spec.ts';
import { hasNodeLocalCriSocket } from '../kube/traits.ts';
import type { KubeVersion } from '../kube/version.ts';
import { isJsonArray, isJsonObject, jsonEquals } from '../util/json.ts';
import type { KubeObject } from './object.ts';

/** A patch of a Node. */
export type NodePatch = Readonly<Record<string, unknown>>;

/** The labels of a control-plane node. */
export const controlPlaneLabels: Readonly<Record<string, string>> = {
  'node-role.kubernetes.io/control-plane': '',
  'node.kubernetes.io/exclude-from-external-load-balancers': '',
};

/** What keeps ordinary Pods off a control plane, unless the user says otherwise. */
const controlPlaneTaint: Taint = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' };

/** The annotation that tells a node's CRI socket where no local file does. */
const criSocketAnnotation = 'kubeadm.alpha.kubernetes.io/cri-socket';

/** What is missing on a control-plane node; undefined when nothing is. `taints` undefined means the default one. */
export function nodeMarksPatch(node: KubeObject, taints: readonly Taint[] | undefined): NodePatch | undefined {
  const labels = missing(controlPlaneLabels, node.metadata.labels);
  const existing = taintsOf(node);
  const wanted = mergeTaints(taints ?? [controlPlaneTaint], existing);
  const patch = {
    ...(Object.keys(labels).length === 0 ? {} : { metadata: { labels } }),
    ...(jsonEquals(wanted, existing) ? {} : { spec: { taints: wanted } }),
  };
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** The node's CRI socket as an annotation; undefined when it is there, or belongs into a local file. */
export function criSocketPatch(
  node: KubeObject,
  criSocket: string,
  cluster: { readonly version: KubeVersion; readonly featureGates: Readonly<Record<string, boolean>> },
): NodePatch | undefined {
  if (hasNodeLocalCriSocket(cluster.version, cluster.featureGates)) return undefined;
  if (node.metadata.annotations?.[criSocketAnnotation] === criSocket) return undefined;
  return { metadata: { annotations: { [criSocketAnnotation]: criSocket } } };
}

/** New taints first, then the node's own that are not among them; a taint is the same only when all of it is. */
function mergeTaints(wanted: readonly Taint[], existing: readonly Taint[]): readonly Taint[] {
  const missingTaints = wanted.filter((taint) => !existing.some((other) => isSameTaint(taint, other)));
  if (missingTaints.length === 0) return existing;
  return [...wanted, ...existing.filter((taint) => !wanted.some((other) => isSameTaint(taint, other)))];
}

function isSameTaint(a: Taint, b: Taint): boolean {
  return a.key === b.key && a.effect === b.effect && (a.value ?? '') === (b.value ?? '') && a.timeAdded === b.timeAdded;
}

function taintsOf(node: KubeObject): readonly Taint[] {
  const spec = node['spec'];
  const taints = isJsonObject(spec) ? spec['taints'] : undefined;
  return isJsonArray(taints) ? taints.filter(isTaint) : [];
}

function isTaint(value: unknown): value is Taint {
  return isJsonObject(value) && typeof value['key'] === 'string' && typeof value['effect'] === 'string';
}

function missing(
  wanted: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(wanted).filter(([key, value]) => found[key] !== value));
}
