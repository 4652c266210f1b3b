import { expect, test } from 'vitest';
import { sharedFiles } from '../../../src/certs/shared.ts';
import { spec } from './fixture.ts';

test('what control planes share has the names of the Secret, and keys are for root alone', () => {
  const files = sharedFiles(spec().cluster);
  expect(files.map(({ name, path, mode }) => `${name} ${path} ${mode.toString(8)}`)).toEqual([
    'ca.crt /etc/kubernetes/pki/ca.crt 644',
    'ca.key /etc/kubernetes/pki/ca.key 600',
    'front-proxy-ca.crt /etc/kubernetes/pki/front-proxy-ca.crt 644',
    'front-proxy-ca.key /etc/kubernetes/pki/front-proxy-ca.key 600',
    'sa.pub /etc/kubernetes/pki/sa.pub 600',
    'sa.key /etc/kubernetes/pki/sa.key 600',
    'etcd-ca.crt /etc/kubernetes/pki/etcd/ca.crt 644',
    'etcd-ca.key /etc/kubernetes/pki/etcd/ca.key 600',
  ]);
});

test('with an external etcd its client certificate is shared, from where the configuration has it', () => {
  const etcd = {
    kind: 'external',
    endpoints: ['https://10.0.0.1:2379'],
    httpEndpoints: [],
    caFile: '/opt/etcd/ca.pem',
    certFile: '/opt/etcd/client.pem',
    keyFile: '',
  } as const;
  expect(
    sharedFiles(spec({ etcd }).cluster)
      .slice(6)
      .map(({ name, path }) => `${name} ${path}`),
  ).toEqual(['external-etcd-ca.crt /opt/etcd/ca.pem', 'external-etcd.crt /opt/etcd/client.pem']);
});
