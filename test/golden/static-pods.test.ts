// The static Pods, against the files that kubeadm wrote for the same config: byte for byte.
import { expect, test } from 'vitest';
import type { Artifact } from '../../src/host/host.ts';
import { apiserverPod } from '../../src/manifests/apiserver.ts';
import { controllerManagerPod } from '../../src/manifests/controller-manager.ts';
import { etcdPod } from '../../src/manifests/etcd.ts';
import { staticPodArtifact } from '../../src/manifests/pod.ts';
import { schedulerPod } from '../../src/manifests/scheduler.ts';
import { readYaml } from '../../src/util/yaml.ts';
import {
  foldersOnDisk,
  golden,
  goldenCases,
  goldenFiles,
  type GoldenName,
  patchesOf,
  podContextOf,
  specOf,
} from './support/case.ts';

const pods = {
  'etcd.yaml': etcdPod,
  'kube-apiserver.yaml': apiserverPod,
  'kube-controller-manager.yaml': controllerManagerPod,
  'kube-scheduler.yaml': schedulerPod,
};

test('every golden folder is in the list of cases', () => {
  expect(foldersOnDisk()).toEqual([...goldenCases].toSorted());
});

test.each(goldenCases)('%s: the static Pods are what kubeadm wrote', (name) => {
  const artifacts = staticPodsOf(name);
  expect(Object.keys(artifacts).toSorted()).toEqual(goldenFiles(name).filter((file) => file in pods));
  for (const [file, artifact] of Object.entries(artifacts)) {
    const wanted = golden(name, `files/${file}`);
    expect(readYaml(artifact.body), file).toEqual(readYaml(wanted));
    expect(artifact.body, file).toBe(wanted);
    expect(artifact, file).toMatchObject({ path: `/etc/kubernetes/manifests/${file}`, mode: 0o600 });
  }
});

function staticPodsOf(name: GoldenName): Record<string, Artifact> {
  const spec = specOf(name);
  const wanted = Object.entries(pods).filter(([file]) => file !== 'etcd.yaml' || spec.cluster.etcd.kind === 'local');
  return Object.fromEntries(
    wanted.map(([file, pod]) => [file, staticPodArtifact(pod(podContextOf(spec)), patchesOf(name))]),
  );
}
