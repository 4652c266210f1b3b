import { describe, expect, test } from 'vitest';
import { KbError } from '../../../src/errors.ts';
import { applyPatches, readPatches } from '../../../src/manifests/patches.ts';

const pod = {
  kind: 'Pod',
  metadata: { name: 'etcd', labels: { component: 'etcd' } },
  spec: { containers: [{ name: 'etcd', image: 'a' }] },
};

function problemsOf(run: () => unknown): readonly { code: string; detail: string }[] {
  try {
    run();
  } catch (error) {
    if (error instanceof KbError) return error.problems;
    throw error;
  }
  return [];
}

describe('the name of a patch file', () => {
  test.each([
    ['etcd.yaml', 'etcd', 'strategic'],
    ['etcd+json.json', 'etcd', 'json'],
    ['kube-apiserver0+merge.yaml', 'kube-apiserver', 'merge'],
    ['kube-scheduler-mine+strategic.yaml', 'kube-scheduler', 'strategic'],
    ['kubeletconfiguration1.json', 'kubeletconfiguration', 'strategic'],
    ['corednsdeployment.yaml', 'corednsdeployment', 'strategic'],
    // kubeadm's expression does not read to the end: what follows a type does not matter.
    ['etcd+jsonish.yaml', 'etcd', 'json'],
    ['etcd.v2+json.yaml', 'etcd', 'strategic'],
    ['sub/folder/etcd+merge.yaml', 'etcd', 'merge'],
  ])('%s patches %s by %s', (path, target, type) => {
    expect(readPatches([{ path, text: 'a: 1' }]).patches).toEqual([{ target, type, path, content: { a: 1 } }]);
  });

  test.each([
    ['README.md', 'extension'],
    ['etcd.yml', 'extension'],
    ['.yaml', 'extension'],
    ['kube-proxy.yaml', 'begins with none'],
  ])('%s is ignored', (path, reason) => {
    const { patches, ignored } = readPatches([{ path, text: 'a: 1' }]);
    expect(patches).toEqual([]);
    expect(ignored).toEqual([{ path, reason: expect.stringContaining(reason) }]);
  });

  test('a + without a known type is refused, every such file at once', () => {
    const files = ['etcd+.yaml', 'kube-apiserver+stragetic.yaml'].map((path) => ({ path, text: 'a: 1' }));
    const problems = problemsOf(() => readPatches(files));
    expect(problems.map(({ code }) => code)).toEqual(['KB_PATCH_NAME', 'KB_PATCH_NAME']);
  });
});

test('files apply in the order of a walk through the folder', () => {
  const paths = ['etcd2.yaml', 'b/etcd.yaml', 'etcd10.yaml', 'a/etcd.yaml', 'etcd.yaml', 'a.d/etcd.yaml'];
  const { patches } = readPatches(paths.map((path) => ({ path, text: 'a: 1' })));
  expect(patches.map(({ path }) => path)).toEqual([
    'a/etcd.yaml',
    'a.d/etcd.yaml',
    'b/etcd.yaml',
    'etcd.yaml',
    'etcd10.yaml',
    'etcd2.yaml',
  ]);
});

test('each document of a file is a patch, empty ones and empty files are none', () => {
  const { patches, ignored } = readPatches([
    { path: 'etcd.yaml', text: '---\na: 1\n---\n---\nb: 2\n' },
    { path: 'kube-scheduler.yaml', text: '' },
  ]);
  expect(patches.map(({ content }) => content)).toEqual([{ a: 1 }, { b: 2 }]);
  expect(ignored).toEqual([{ path: 'kube-scheduler.yaml', reason: 'the file is empty' }]);
});

test('a file that is no YAML is named', () => {
  expect(problemsOf(() => readPatches([{ path: 'etcd.yaml', text: 'a: [' }]))).toEqual([
    expect.objectContaining({ code: 'KB_PATCH_READ', detail: expect.stringContaining('etcd.yaml') }),
  ]);
});

test('patches of one target build on each other and leave other targets alone', () => {
  const { patches } = readPatches([
    { path: 'etcd0+json.json', text: '[{"op":"add","path":"/metadata/labels/a","value":"1"}]' },
    { path: 'etcd1+merge.yaml', text: 'metadata: {labels: {a: null, b: "2"}}' },
    { path: 'etcd2.yaml', text: 'spec: {containers: [{name: etcd, resources: {}}]}' },
    { path: 'kube-scheduler.yaml', text: 'metadata: {labels: {c: "3"}}' },
  ]);
  expect(applyPatches('etcd', pod, patches)).toEqual({
    kind: 'Pod',
    metadata: { name: 'etcd', labels: { component: 'etcd', b: '2' } },
    spec: { containers: [{ name: 'etcd', image: 'a', resources: {} }] },
  });
});

test('a patch that does not fit is named with its file and the reason', () => {
  const { patches } = readPatches([{ path: 'etcd+json.json', text: '[{"op":"remove","path":"/spec/none"}]' }]);
  expect(problemsOf(() => applyPatches('etcd', pod, patches))).toEqual([
    expect.objectContaining({
      code: 'KB_PATCH_APPLY',
      detail: 'etcd+json.json (json): "/spec/none" does not exist',
    }),
  ]);
});
