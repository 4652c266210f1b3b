// Which Pods leave a node that is drained, which stay, and which want a flag first (kubectl drain's rules).
import type { Api, KubeObject, PodRef } from '../../cluster/types.ts';
import { isJsonArray, isJsonObject, type JsonObject } from '../../util/json.ts';

export interface Sorted {
  /** To be evicted. */
  readonly leaving: readonly PodRef[];
  /** With data in an emptyDir, which ends with the Pod. */
  readonly withData: readonly PodRef[];
  /** That nothing makes again elsewhere. */
  readonly unmanaged: readonly PodRef[];
}

/** Every Pod on a node. */
export function podsOf(api: Api, node: string): Promise<readonly KubeObject[]> {
  return api.list({ apiVersion: 'v1', kind: 'Pod' }, { fields: `spec.nodeName=${node}` });
}

/** Sort a node's Pods. Those of DaemonSets would come back at once, and static Pods are the host's own. */
export function sortPods(pods: readonly KubeObject[]): Sorted {
  const candidates = pods.filter((pod) => !isMirror(pod) && controller(pod)?.['kind'] !== 'DaemonSet');
  const running = candidates.filter((pod) => !isFinished(pod));
  return {
    leaving: candidates.map(refOf),
    withData: running.filter(hasEmptyDir).map(refOf),
    unmanaged: running.filter((pod) => controller(pod) === undefined).map(refOf),
  };
}

/** `default/web-1` */
export function podName({ namespace, name }: PodRef): string {
  return `${namespace}/${name}`;
}

function refOf({ metadata }: KubeObject): PodRef {
  return { namespace: metadata.namespace ?? 'default', name: metadata.name, uid: metadata.uid ?? '' };
}

function isMirror({ metadata }: KubeObject): boolean {
  return metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined;
}

function controller({ metadata }: KubeObject): JsonObject | undefined {
  const owners = metadata['ownerReferences'];
  return isJsonArray(owners) ? owners.filter(isJsonObject).find((owner) => owner['controller'] === true) : undefined;
}

function isFinished({ status }: KubeObject): boolean {
  const phase = isJsonObject(status) ? status['phase'] : undefined;
  return phase === 'Succeeded' || phase === 'Failed';
}

function hasEmptyDir({ spec }: KubeObject): boolean {
  const volumes = isJsonObject(spec) ? spec['volumes'] : undefined;
  return isJsonArray(volumes) && volumes.some((volume) => isJsonObject(volume) && volume['emptyDir'] !== undefined);
}
