import { expect, test } from 'vitest';
import { asGoWrites } from '../../../src/manifests/typed-pod.ts';

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
