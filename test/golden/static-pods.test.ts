// The static Pods, against the files that kubeadm wrote for the same config: byte for byte.
import { expect, test } from 'vitest';
import { readYaml } from '../../src/util/yaml.ts';
import { foldersOnDisk, golden, goldenCases, goldenFiles, handWrittenCases } from './support/case.ts';
import { pods, staticPodsOf } from './support/pods.ts';

test('every golden folder is in the list of cases', () => {
  expect(foldersOnDisk()).toEqual([...goldenCases, ...handWrittenCases].toSorted());
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
