import { describe, expect, test } from 'vitest';
import { recordingApi } from '../../../src/cluster/recording.ts';
import type { KubeObject } from '../../../src/cluster/types.ts';
import { FakeApi } from '../../fakes/api.ts';
import { recordingReporter } from '../../fakes/host.ts';
import { apiServer } from './api-server.ts';

const pod = { namespace: 'default', name: 'web-1', uid: 'u-1' };
const said = (message: string, causes: readonly string[] = []): Record<string, unknown> => ({
  kind: 'Status',
  message,
  details: { causes: causes.map((text) => ({ reason: 'DisruptionBudget', message: text })) },
});

describe('an eviction', () => {
  test('is asked for this very Pod', async () => {
    const { api, asked } = await apiServer({ status: 201, body: { kind: 'Status', status: 'Success' } });
    expect(await api.evict(pod)).toEqual({ kind: 'accepted' });
    expect(asked).toEqual([
      {
        method: 'POST',
        path: '/api/v1/namespaces/default/pods/web-1/eviction',
        body: {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { namespace: 'default', name: 'web-1' },
          deleteOptions: { preconditions: { uid: 'u-1' } },
        },
      },
    ]);
  });

  test('that a budget refuses is not tried again, and says which budget', async () => {
    const words = 'The disruption budget web needs 1 healthy pods and has 1 currently';
    const { api, asked } = await apiServer({ status: 429, body: said('Cannot evict pod', [words]) });
    expect(await api.evict(pod)).toEqual({ kind: 'refused', reason: words });
    expect(asked).toHaveLength(1);
  });

  test('of a Pod with two budgets is refused with the reason', async () => {
    const words = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    const { api } = await apiServer({ status: 500, body: said(words) });
    expect(await api.evict(pod)).toEqual({ kind: 'refused', reason: `500 ${words}` });
  });

  test.each([
    ['is not there', 404],
    ['is another one by now', 409],
  ])('of a Pod that %s has nothing left to do', async (_, status) => {
    const { api } = await apiServer({ status, body: said('no') });
    expect(await api.evict(pod)).toEqual({ kind: 'gone' });
  });

  test('is tried again while the server is not available', async () => {
    const { api, asked } = await apiServer({ status: 503, body: {} }, { status: 201, body: { kind: 'Status' } });
    expect(await api.evict(pod)).toEqual({ kind: 'accepted' });
    expect(asked).toHaveLength(2);
  });

  test('that is not allowed is an error', async () => {
    const { api } = await apiServer({ status: 403, body: said('pods is forbidden') });
    await expect(api.evict(pod)).rejects.toMatchObject({ problems: [{ code: 'KB_API_FORBIDDEN' }] });
  });
});

describe('a removal', () => {
  const ref = { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'web-1' };

  test('without wishes sends no options', async () => {
    const { api, asked } = await apiServer({ status: 200, body: { kind: 'Status' } });
    expect(await api.remove(ref)).toBe(true);
    expect(asked).toEqual([{ method: 'DELETE', path: '/api/v1/namespaces/default/pods/web-1', body: undefined }]);
  });

  test('may leave the kubelet out and name the one object that is meant', async () => {
    const { api, asked } = await apiServer({ status: 200, body: { kind: 'Status' } });
    await api.remove(ref, { graceSeconds: 0, uid: 'u-1' });
    expect(asked[0]?.body).toMatchObject({ gracePeriodSeconds: 0, preconditions: { uid: 'u-1' } });
  });

  test('of an object that has been replaced meanwhile removes nothing', async () => {
    const { api } = await apiServer({ status: 409, body: said('the UID in the precondition does not match') });
    expect(await api.remove(ref, { uid: 'u-1' })).toBe(false);
  });
});

describe('in a dry run', () => {
  test('an evicted Pod and a removed object are planned and not found any more', async () => {
    const web: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-1', namespace: 'default' } };
    const other: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-2', namespace: 'default' } };
    const server = new FakeApi([web, other]);
    const inner = server.open({ server: 'https://a:6443' });
    const reporter = recordingReporter();
    const api = recordingApi({ host: 'master1', reporter, inner, credentials: { server: inner.server } });
    await api.evict(pod);
    const found = await api.list({ apiVersion: 'v1', kind: 'Pod' });
    expect(found.map(({ metadata }) => metadata.name)).toEqual(['web-2']);
    await api.remove({ apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'web-2' });
    expect(await api.get({ apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'web-2' })).toBeUndefined();
    expect(server.changes).toEqual([]);
    expect(reporter.events.flatMap((event) => (event.kind === 'plan' ? [event.text] : []))).toEqual([
      'evict Pod default/web-1',
      'remove Pod default/web-2',
    ]);
  });
});
