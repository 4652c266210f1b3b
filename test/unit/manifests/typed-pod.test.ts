import { expect, test } from 'vitest';
import { etcdPod } from '../../../src/manifests/etcd.ts';
import { staticPodArtifact } from '../../../src/manifests/pod.ts';
import { asGoWrites } from '../../../src/manifests/typed-pod.ts';
import { podContext } from './fixture.ts';

const pod = (spec: Record<string, unknown>, metadata: Record<string, unknown> = { name: 'etcd' }) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata,
  spec: { containers: [{ name: 'etcd', resources: {} }], ...spec },
  status: {},
});

test.each([
  ['a plain boolean that is false', { hostNetwork: false, hostPID: false }, {}],
  ['an empty list', { volumes: [], tolerations: [] }, {}],
  ['null', { priority: null }, {}],
  ['an empty text', { schedulerName: '' }, {}],
  ['an empty mapping of labels', { nodeSelector: {} }, {}],
])('%s vanishes', (_what, spec, left) => {
  expect(asGoWrites(pod(spec))).toEqual(pod(left));
});

test.each([
  ['a pointer to false', { automountServiceAccountToken: false }],
  ['a pointer to zero', { priority: 0, terminationGracePeriodSeconds: 0 }],
  ['a pointer to an empty text', { volumes: [{ name: 'v', hostPath: { path: '/v', type: '' } }] }],
  ['a pointer to an empty struct', { volumes: [{ name: 'v', emptyDir: {} }], securityContext: {} }],
  ['an empty value among the user’s own keys', { nodeSelector: { disk: '' } }],
])('%s stays', (_what, spec) => {
  expect(asGoWrites(pod(spec))).toEqual(pod(spec));
});

test('a zero in a probe vanishes, and a container without resources gets empty ones', () => {
  const wanted = { name: 'etcd', livenessProbe: { httpGet: { path: '/', port: 1 } } };
  const patched = { ...wanted, tty: false, livenessProbe: { ...wanted.livenessProbe, initialDelaySeconds: 0 } };
  expect(asGoWrites(pod({ containers: [patched] }))).toEqual(pod({ containers: [{ ...wanted, resources: {} }] }));
});

test('creationTimestamp: null of Kubernetes until 1.33 and the empty status stay', () => {
  const old = pod({}, { name: 'etcd', creationTimestamp: null });
  expect(asGoWrites(old)).toEqual(old);
});

test('quantities are written as Go writes them, wherever a Pod has one', () => {
  const resources = (from: Record<string, unknown>, to: Record<string, unknown>) => ({ from, to });
  const { from, to } = resources(
    { limits: { cpu: 0.25, memory: '2048Mi' }, requests: { cpu: 2, memory: null } },
    { limits: { cpu: '250m', memory: '2Gi' }, requests: { cpu: '2', memory: '0' } },
  );
  const spec = (list: unknown, sizes: readonly string[]) => ({
    containers: [{ name: 'etcd', resources: list }],
    initContainers: [{ name: 'first', resources: list }],
    overhead: { cpu: sizes[0] },
    resources: list,
    volumes: [
      { name: 'e', emptyDir: { sizeLimit: sizes[1] } },
      {
        name: 'd',
        downwardAPI: { items: [{ path: 'x', resourceFieldRef: { resource: 'limits.cpu', divisor: sizes[2] } }] },
      },
    ],
  });
  expect(asGoWrites(pod(spec(from, ['1000m', '1024Mi', '1000k'])))).toEqual(pod(spec(to, ['1', '1Gi', '1M'])));
});

test('a label or an option of the same name as a quantity stays as it is', () => {
  const volumes = [{ name: 'v', flexVolume: { driver: 'd', options: { sizeLimit: '1024Mi', limits: '1000m' } } }];
  const spec = { nodeSelector: { limits: '1024Mi' }, volumes };
  expect(asGoWrites(pod(spec))).toEqual(pod(spec));
});

test('a resourceFieldRef has a divisor, a gRPC probe a service', () => {
  const container = (ref: object, grpc: object) => ({
    name: 'etcd',
    resources: {},
    env: [{ name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', ...ref } } }],
    livenessProbe: { grpc: { port: 1, ...grpc } },
  });
  const written = pod({ containers: [container({ divisor: '0' }, { service: null })] });
  expect(asGoWrites(pod({ containers: [container({}, {})] }))).toEqual(written);
});

test('what is not a quantity is named', () => {
  const containers = [{ name: 'etcd', resources: { limits: { memory: '1 GB' } } }];
  expect(() => asGoWrites(pod({ containers }))).toThrow('memory: "1 GB" is not a quantity');
});

test.each([
  ['removes', '[{"op":"remove","path":"/spec/containers/0"}]'],
  ['takes away all', '[{"op":"remove","path":"/spec/containers"}]'],
])('a patch that %s containers is refused: no kubelet would run that Pod', (_what, text) => {
  const patch = { path: 'etcd+json.json', text };
  expect(() => staticPodArtifact(etcdPod(podContext()), [patch])).toThrow('it has no container');
});
