import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/util/json.ts';
import { applyStrategicMerge, mergeSchemas } from '../../../src/manifests/strategic-merge.ts';

const container = { name: 'main', image: 'a', env: [{ name: 'A', value: '1' }], args: ['x', 'y'] };
const pod = { metadata: { labels: { a: '1' } }, spec: { containers: [container], tolerations: [{ key: 'k' }] } };

const merge = (patch: unknown, target: JsonObject = pod): unknown =>
  applyStrategicMerge(target, patch, mergeSchemas.Pod);

test('objects merge by key, null removes', () => {
  expect(merge({ metadata: { labels: { a: null, b: '2' } } })).toEqual({ ...pod, metadata: { labels: { b: '2' } } });
});

describe('lists with a merge key', () => {
  test('an item of the same key merges, the order of the patch counts', () => {
    const patch = {
      spec: {
        containers: [
          { name: 'main', image: 'b' },
          { name: 'side', image: 'c' },
        ],
      },
    };
    expect(merge(patch)).toMatchObject({
      spec: {
        containers: [
          { ...container, image: 'b' },
          { name: 'side', image: 'c' },
        ],
      },
    });
  });

  test('lists within an item merge by their own keys', () => {
    const patch = {
      spec: {
        containers: [
          {
            name: 'main',
            env: [
              { name: 'A', value: '2' },
              { name: 'B', value: '3' },
            ],
          },
        ],
      },
    };
    expect(merge(patch)).toMatchObject({
      spec: {
        containers: [
          {
            env: [
              { name: 'A', value: '2' },
              { name: 'B', value: '3' },
            ],
          },
        ],
      },
    });
  });

  test('mounts merge by where they are, not by what they are called; new ones come first', () => {
    const mounts = (...items: unknown[]) => ({ spec: { containers: [{ name: 'main', volumeMounts: items }] } });
    const [old, added] = [
      { mountPath: '/a', name: 'v' },
      { mountPath: '/b', name: 'v' },
    ];
    expect(merge(mounts(added), mounts(old))).toEqual(mounts(added, old));
  });

  test('items that are not named keep their places around those that are', () => {
    const env = (...names: string[]) => names.map((name) => ({ name }));
    const target = { spec: { containers: [{ name: 'main', env: env('a', 'b', 'c', 'd') }] } };
    const patch = { spec: { containers: [{ name: 'main', env: env('new', 'c') }] } };
    expect(merge(patch, target)).toEqual({
      spec: { containers: [{ name: 'main', env: env('new', 'a', 'b', 'c', 'd') }] },
    });
  });

  test('$patch: delete removes the item of its key', () => {
    const containers = [
      { name: 'main', $patch: 'delete' },
      { name: 'gone', $patch: 'delete' },
    ];
    expect(merge({ spec: { containers } })).toEqual({ ...pod, spec: { ...pod.spec, containers: [] } });
  });

  test('$patch: replace puts the other items of the patch in the place of the list', () => {
    const containers = [{ $patch: 'replace' }, { name: 'only' }];
    expect(merge({ spec: { containers } })).toEqual({ ...pod, spec: { ...pod.spec, containers: [{ name: 'only' }] } });
  });

  test('a new item loses its directives and nothing else', () => {
    const side = {
      name: 'side',
      resources: { $patch: 'replace', requests: { cpu: '1', memory: null } },
      env: [{ name: 'A', $patch: 'delete' }, { name: 'B' }],
    };
    expect(merge({ spec: { containers: [side] } })).toMatchObject({
      spec: { containers: [{ name: 'side', resources: { requests: { cpu: '1' } }, env: [{ name: 'B' }] }, container] },
    });
    expect(JSON.stringify(merge({ spec: { containers: [side] } }))).not.toMatch(/patch|null/);
  });

  test('an item without the merge key is refused', () => {
    expect(() => merge({ spec: { containers: [{ image: 'b' }] } })).toThrow('an item of containers has no name');
  });
});

test('a list without a merge key is replaced', () => {
  expect(merge({ spec: { tolerations: [{ key: 'n' }], containers: [{ name: 'main', args: ['z'] }] } })).toEqual({
    ...pod,
    spec: { tolerations: [{ key: 'n' }], containers: [{ ...container, args: ['z'] }] },
  });
});

test('a list that is a set grows by what it lacks', () => {
  const target = { metadata: { finalizers: ['a', 'b'] } };
  expect(merge({ metadata: { finalizers: ['b', 'c'] } }, target)).toEqual({
    metadata: { finalizers: ['a', 'b', 'c'] },
  });
});

describe('directives', () => {
  test('$patch: replace puts an object in the place of another', () => {
    expect(merge({ metadata: { $patch: 'replace', annotations: { b: '1' } } })).toEqual({
      ...pod,
      metadata: { annotations: { b: '1' } },
    });
  });

  test('$patch: delete empties an object', () => {
    expect(merge({ metadata: { $patch: 'delete' } })).toEqual({ metadata: {}, spec: pod.spec });
  });

  test('$retainKeys keeps only the keys it names', () => {
    const target = { spec: { volumes: [{ name: 'v', hostPath: { path: '/a' } }] } };
    const patch = { spec: { volumes: [{ name: 'v', $retainKeys: ['name', 'emptyDir'], emptyDir: {} }] } };
    expect(merge(patch, target)).toEqual({ spec: { volumes: [{ name: 'v', emptyDir: {} }] } });
  });

  test('$deleteFromPrimitiveList takes values out of a list', () => {
    const target = { metadata: { finalizers: ['a', 'b'] } };
    expect(merge({ metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } }, target)).toEqual({
      metadata: { finalizers: ['b'] },
    });
  });

  test('$setElementOrder orders a merged list', () => {
    const patch = {
      spec: { '$setElementOrder/containers': [{ name: 'side' }, { name: 'main' }], containers: [{ name: 'side' }] },
    };
    expect(merge(patch)).toMatchObject({ spec: { containers: [{ name: 'side' }, { name: 'main' }] } });
  });

  test('an unknown directive is refused', () => {
    expect(() => merge({ metadata: { $patch: 'remove' } })).toThrow('unknown directive');
  });

  test('a new object keeps neither nulls nor anything with a directive', () => {
    const affinity = { nodeAffinity: { x: null, y: 1 }, podAffinity: { $patch: 'replace', z: 1 } };
    expect(merge({ spec: { affinity } })).toEqual({
      ...pod,
      spec: { ...pod.spec, affinity: { nodeAffinity: { y: 1 } } },
    });
  });
});

test('a Deployment merges the containers of its template', () => {
  const target = { spec: { template: { spec: { containers: [container] } } } };
  const patch = { spec: { replicas: 3, template: { spec: { containers: [{ name: 'main', image: 'b' }] } } } };
  expect(applyStrategicMerge(target, patch, mergeSchemas.Deployment)).toEqual({
    spec: { replicas: 3, template: { spec: { containers: [{ ...container, image: 'b' }] } } },
  });
});

test('what is patched stays as it was', () => {
  merge({ spec: { containers: [{ name: 'main', image: 'b' }] } });
  expect(container.image).toBe('a');
});
