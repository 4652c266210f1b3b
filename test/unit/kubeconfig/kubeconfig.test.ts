import { expect, test } from 'vitest';
import {
  bootstrapKubeconfig,
  clientOf,
  clusterInfoKubeconfig,
  parseClusterInfo,
  parseKubeconfig,
  renderKubeconfig,
  rotatedKubeletKubeconfig,
} from '../../../src/kubeconfig/kubeconfig.ts';
import { toBase64 } from '../../../src/util/text.ts';
import { version } from '../certs/fixture.ts';

const server = 'https://192.168.3.129:6443';
const ca = 'CA PEM\n';
const admin = {
  clusterName: 'kubernetes',
  server,
  ca,
  user: 'kubernetes-admin',
  identity: { kind: 'certificate', certificate: 'CERT PEM\n', key: 'KEY PEM\n' },
} as const;
const path = '/etc/kubernetes/admin.conf';

test('a kubeconfig has kubeadm’s keys in kubeadm’s order', () => {
  expect(renderKubeconfig(admin)).toBe(`apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${toBase64(ca)}
    server: ${server}
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: kubernetes-admin
  name: kubernetes-admin@kubernetes
current-context: kubernetes-admin@kubernetes
kind: Config
users:
- name: kubernetes-admin
  user:
    client-certificate-data: ${toBase64('CERT PEM\n')}
    client-key-data: ${toBase64('KEY PEM\n')}
`);
});

test('preferences are written until 1.33', () => {
  expect(renderKubeconfig(admin, version('v1.33.13'))).toContain('\nkind: Config\npreferences: {}\nusers:');
  expect(renderKubeconfig(admin, version('v1.34.0'))).not.toContain('preferences');
});

test('what was rendered is read back for the API client', () => {
  expect(clientOf(renderKubeconfig(admin), path)).toEqual({
    server,
    ca,
    clientCert: 'CERT PEM\n',
    clientKey: 'KEY PEM\n',
  });
});

test('bootstrap-kubelet.conf has a token and no certificate', () => {
  const text = bootstrapKubeconfig({ server, ca, token: 'abcdef.0123456789abcdef', clusterName: 'prod-east' });
  expect(clientOf(text, path)).toEqual({ server, ca, token: 'abcdef.0123456789abcdef' });
  expect(parseKubeconfig(text, path)).toMatchObject({ clusterName: 'prod-east', userName: 'tls-bootstrap-token-user' });
});

test('bootstrap-kubelet.conf logs in as the discovery file does: with a certificate where that has one', () => {
  const user = { clientCert: 'CERT PEM\n', clientKey: 'KEY PEM\n' };
  expect(clientOf(bootstrapKubeconfig({ server, ca, ...user }), path)).toEqual({ server, ca, ...user });
  expect(clientOf(bootstrapKubeconfig({ server, ca, token: 'abc', clientCert: 'half' }), path)).toEqual({
    server,
    ca,
    token: 'abc',
  });
});

test('a token that looks like a number stays text', () => {
  expect(clientOf(bootstrapKubeconfig({ server, ca, token: '123456.0123456789012345' }), path).token).toBe(
    '123456.0123456789012345',
  );
});

test('cluster-info has one nameless cluster and nulls', () => {
  const text = clusterInfoKubeconfig({ server, ca });
  expect(text).toBe(`apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${toBase64(ca)}
    server: ${server}
  name: ""
contexts: null
current-context: ""
kind: Config
users: null
`);
  expect(parseClusterInfo(text)).toEqual({ server, ca });
});

test('a cluster-info with a current context is read through it', () => {
  expect(parseClusterInfo(renderKubeconfig(admin))).toMatchObject({ server, ca });
});

const pem = '/var/lib/kubelet/pki/kubelet-client-current.pem';

test('a rotated kubelet.conf names the kubelet’s own file, keeps the rest and needs no second change', () => {
  const kubelet = { ...admin, user: 'system:node:master1' };
  const once = rotatedKubeletKubeconfig(renderKubeconfig(kubelet), pem);
  expect(parseKubeconfig(once, path)).toMatchObject({
    server,
    ca: { kind: 'data', text: ca },
    clientCertificate: { kind: 'file', path: pem },
    clientKey: { kind: 'file', path: pem },
  });
  expect(once).not.toContain('-key-data');
  expect(once).not.toContain('client-certificate-data');
  expect(rotatedKubeletKubeconfig(once, pem)).toBe(once);
  expect(clientOf(once, path)).toEqual({ server, ca });
});

test('only the current user of kubelet.conf is changed', () => {
  const text = `${renderKubeconfig(admin)}- name: other\n  user:\n    client-key-data: ${toBase64('OTHER')}\n`;
  expect(rotatedKubeletKubeconfig(text, pem)).toContain(toBase64('OTHER'));
});

test.each([
  ['an empty file', '', 'it is empty'],
  ['text that is no YAML', 'users: [', 'it is not YAML'],
  ['a list', '- a', 'it is not a mapping'],
  [
    'a context that is not there',
    renderKubeconfig(admin).replace('current-context: kubernetes-admin@kubernetes', 'current-context: x'),
    "current context 'x'",
  ],
  [
    'a cluster that is not there',
    renderKubeconfig(admin).replace('    cluster: kubernetes', '    cluster: x'),
    "cluster 'x' has no server",
  ],
  ['no CA', renderKubeconfig(admin).replace(/ *certificate-authority-data.*\n/, ''), 'certificate-authority-data'],
])('%s is refused by name of the file', (_what, text, found) => {
  expect(() => clientOf(text, path)).toThrow(/^KB_KUBECONFIG_INVALID .*\/etc\/kubernetes\/admin\.conf/);
  expect(() => clientOf(text, path)).toThrow(found);
});

test('an error does not show what stands in the file', () => {
  const broken = renderKubeconfig(admin).replace('kind: Config', 'kind: [');
  expect(() => clientOf(broken, path)).toThrow('not YAML');
  expect(() => clientOf(broken, path)).not.toThrow(toBase64('KEY PEM\n'));
});
