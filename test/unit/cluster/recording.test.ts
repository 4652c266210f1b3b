import { expect, test } from 'vitest';
import { recordingApi } from '../../../src/cluster/recording.ts';
import { FakeApi } from '../../fakes/api.ts';
import { recordingReporter } from '../../fakes/host.ts';

const secret = { apiVersion: 'v1', kind: 'Secret', namespace: 'kube-system', name: 'bootstrap-token-abcdef' };

test('a dry run plans to remove only what is there', async () => {
  const inner = new FakeApi([
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: secret.name, namespace: secret.namespace } },
  ]).open({ server: 'https://a:6443' });
  const reporter = recordingReporter();
  const credentials = { server: 'https://a:6443', ca: '' };
  const api = recordingApi({ host: 'master1', reporter, inner, credentials });
  expect(await api.remove({ ...secret, name: 'bootstrap-token-nosuch' })).toBe(false);
  expect(await api.remove(secret)).toBe(true);
  expect(reporter.events).toMatchObject([
    { action: 'delete', text: 'remove Secret kube-system/bootstrap-token-abcdef' },
  ]);
});
