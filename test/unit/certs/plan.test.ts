import { expect, test } from 'vitest';
import { apiserverAltNames, etcdAltNames } from '../../../src/certs/alt-names.ts';
import { certificatePhaseNames, certificatePlan, neededKeys, pkiPaths } from '../../../src/certs/plan.ts';
import { localEtcd, spec, version } from './fixture.ts';

function organizations(release: string): Readonly<Record<string, readonly string[]>> {
  const rows = certificatePlan(spec({ version: version(release) })).filter(
    ({ subject }) => subject.organizations.length > 0,
  );
  return Object.fromEntries(rows.map(({ name, subject }) => [name, subject.organizations]));
}

test('clients of the API server leave system:masters in 1.29, and the kubelet client every group when it gets a binding', () => {
  const masters = ['system:masters'];
  expect(organizations('v1.28.15')).toEqual({
    'apiserver-kubelet-client': masters,
    'etcd-healthcheck-client': masters,
    'apiserver-etcd-client': masters,
  });
  expect(organizations('v1.29.0')).toEqual({ 'apiserver-kubelet-client': ['kubeadm:cluster-admins'] });
  expect(organizations('v1.35.4')).toEqual({ 'apiserver-kubelet-client': ['kubeadm:cluster-admins'] });
  for (const release of ['v1.33.12', 'v1.34.8', 'v1.35.5', 'v1.36.1']) expect(organizations(release)).toEqual({});
});

test('every row has its sub-phase, and a CA stands before what it signs', () => {
  const plan = certificatePlan(spec());
  expect([...plan.map(({ name }) => name), 'sa']).toEqual(certificatePhaseNames.map(({ name }) => name));
  for (const [index, { signer }] of plan.entries()) {
    if (signer !== 'self') expect(plan.slice(0, index).map(({ name }) => name)).toContain(signer);
  }
});

test('all files of the plan are read, the service-account pair too', () => {
  const plan = certificatePlan(spec());
  const paths = pkiPaths(plan, '/pki');
  expect(paths).toHaveLength(22);
  expect(paths).toContain('/pki/etcd/healthcheck-client.crt');
  expect(paths).toContain('/pki/sa.pub');
  expect(neededKeys(plan)).toBe(16);
});

test('the API server is reached by names of the service, the node, the endpoint and the user', () => {
  const from = spec({
    controlPlaneEndpoint: 'api.lab:6443',
    apiServer: {
      extraArgs: [],
      extraVolumes: [],
      extraEnvs: [],
      certSANs: ['*.lab', '10.0.0.9', '192.168.3.129', 'fd00:0::5', 'not a name'],
    },
  });
  expect(apiserverAltNames(from)).toEqual({
    dnsNames: [
      '*.lab',
      'api.lab',
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
      'master1',
    ],
    ipAddresses: ['10.96.0.1', '192.168.3.129', '10.0.0.9', 'fd00::5'],
  });
});

test.each([
  ['192.168.3.33', '192.168.3.33'],
  ['192.168.3.33:6443', '192.168.3.33'],
  ['[fd00::1]:6443', 'fd00::1'],
  ['fd00::1', 'fd00::1'],
])('the endpoint %s is the address %s', (controlPlaneEndpoint, address) => {
  expect(apiserverAltNames(spec({ controlPlaneEndpoint })).ipAddresses).toEqual([
    '10.96.0.1',
    '192.168.3.129',
    address,
  ]);
});

test('the service address is the first one’s of a dual-stack subnet, whichever family it has', () => {
  const networking = { serviceSubnet: 'fd00:10:96::/112,10.96.0.0/16', podSubnet: '', dnsDomain: '' };
  const names = apiserverAltNames(spec({ networking }));
  expect(names.ipAddresses[0]).toBe('fd00:10:96::1');
  expect(names.dnsNames).not.toContain('kubernetes.default.svc.');
});

test('etcd is reached over loopback, at the advertise address and by the user’s names', () => {
  expect(etcdAltNames(spec(), ['etcd.example', '::1'])).toEqual({
    dnsNames: ['etcd.example', 'localhost', 'master1'],
    ipAddresses: ['192.168.3.129', '127.0.0.1', '::1'],
  });
  const plan = certificatePlan(spec({ etcd: { ...localEtcd, peerCertSANs: ['peer.example'] } }));
  const names = (name: string): readonly string[] => plan.find((row) => row.name === name)?.altNames.dnsNames ?? [];
  expect(names('etcd-peer')).toContain('peer.example');
  expect(names('etcd-server')).not.toContain('peer.example');
});
