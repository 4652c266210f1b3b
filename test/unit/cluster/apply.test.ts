import { expect, test } from 'vitest';
import type { KubeObject } from '../../../src/cluster/types.ts';
import { apiServer } from './api-server.ts';

const object = (data: Record<string, string>, resourceVersion?: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'kube-system', name: 'kubeadm-config', ...(resourceVersion ? { resourceVersion } : {}) },
  data,
});
const path = '/api/v1/namespaces/kube-system/configmaps/kubeadm-config';
const status = (code: number): { status: number; body: unknown } => ({ status: code, body: { kind: 'Status', code } });

test('an object that an administrator changed between the read and the write is read again before it is replaced (R58)', async () => {
  const { api, asked } = await apiServer(
    status(409),
    { status: 200, body: object({ a: 'old' }, '7') },
    status(409),
    status(409),
    { status: 200, body: object({ a: 'older still', b: 'of an administrator' }, '8') },
    { status: 200, body: object({ a: 'new' }, '9') },
  );
  const { outcome } = await api.apply(object({ a: 'new' }));
  expect(outcome).toBe('updated');
  const writes = asked.filter(({ method }) => method === 'PUT');
  expect(writes.map(({ body }) => body)).toEqual([object({ a: 'new' }, '7'), object({ a: 'new' }, '8')]);
  expect(asked.map((one) => `${one.method} ${one.path}`).slice(3)).toEqual([
    `POST ${path.replace('/kubeadm-config', '')}`,
    `GET ${path}`,
    `PUT ${path}`,
  ]);
  api.close();
});

test('an object that is as it should be is not written (R58)', async () => {
  const { api, asked } = await apiServer(status(409), { status: 200, body: object({ a: 'new', b: 'more' }, '7') });
  expect((await api.apply(object({ a: 'new' }))).outcome).toBe('unchanged');
  expect(asked.map(({ method }) => method)).toEqual(['POST', 'GET']);
  api.close();
});
