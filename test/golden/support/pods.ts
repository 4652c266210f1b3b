// The static Pods of a golden case, as kbinit renders them.
import type { Artifact } from '../../../src/host/host.ts';
import type { KubeObject } from '../../../src/manifests/object.ts';
import { apiserverPod } from '../../../src/manifests/apiserver.ts';
import { controllerManagerPod } from '../../../src/manifests/controller-manager.ts';
import { etcdPod } from '../../../src/manifests/etcd.ts';
import { staticPodArtifact, type PodContext } from '../../../src/manifests/pod.ts';
import { schedulerPod } from '../../../src/manifests/scheduler.ts';
import { patchesOf, podContextOf, specOf, type CaseName } from './case.ts';

/** By file name. */
export const pods: Readonly<Record<string, (ctx: PodContext) => KubeObject>> = {
  'etcd.yaml': etcdPod,
  'kube-apiserver.yaml': apiserverPod,
  'kube-controller-manager.yaml': controllerManagerPod,
  'kube-scheduler.yaml': schedulerPod,
};

/** The files of a case; without etcd's where etcd is external. */
export function staticPodsOf(name: CaseName): Record<string, Artifact> {
  const spec = specOf(name);
  const wanted = Object.entries(pods).filter(([file]) => file !== 'etcd.yaml' || spec.cluster.etcd.kind === 'local');
  return Object.fromEntries(
    wanted.map(([file, pod]) => [file, staticPodArtifact(pod(podContextOf(spec)), patchesOf(name))]),
  );
}
