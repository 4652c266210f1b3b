// The kubelet's files, against those that kubeadm wrote for the same config: byte for byte.
import { expect, test } from 'vitest';
import { kubeletArtifacts } from '../../src/manifests/kubelet-config.ts';
import { golden, goldenCases, goldenFiles, goldenHost, patchesOf, specOf } from './support/case.ts';

const kubeletFiles = ['config.yaml', 'instance-config.yaml', 'kubeadm-flags.env'];

test.each(goldenCases)("%s: the kubelet's files are what kubeadm wrote", (name) => {
  const { cluster, node } = specOf(name);
  const artifacts = kubeletArtifacts({
    cluster,
    node,
    host: goldenHost,
    role: 'control-plane',
    patches: patchesOf(name),
  });
  const written = Object.fromEntries(artifacts.map(({ path, body }) => [path, body]));
  const wanted = goldenFiles(name)
    .filter((file) => kubeletFiles.includes(file))
    .map((file) => [`/var/lib/kubelet/${file}`, golden(name, `files/${file}`)]);
  expect(written).toEqual(Object.fromEntries(wanted));
  expect(artifacts.map(({ mode }) => mode)).toEqual(artifacts.map(() => 0o644));
});
