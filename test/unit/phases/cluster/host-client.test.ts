import { describe, expect, test } from 'vitest';
import { hostClient } from '../../../../src/phases/cluster/host-client.ts';
import { toBase64 } from '../../../../src/util/text.ts';
import { FakeHost } from '../../../fakes/host.ts';

const path = '/root/.kube/config';
const server = 'https://10.0.0.1:6443';

function kubeconfig(cluster: Readonly<Record<string, string>>, user: Readonly<Record<string, string>>): string {
  return JSON.stringify({
    clusters: [{ name: 'c', cluster: { server, ...cluster } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
    users: [{ name: 'u', user }],
  });
}

const host = (files: Readonly<Record<string, string>>): FakeHost => new FakeHost({ files });
const data = { 'certificate-authority-data': toBase64('CA') };

describe("the client of a host's kubeconfig", () => {
  test('has what the file holds', async () => {
    const user = { 'client-certificate-data': toBase64('CERT'), 'client-key-data': toBase64('KEY') };
    await expect(hostClient(host({ [path]: kubeconfig(data, user) }), path)).resolves.toEqual({
      server,
      ca: 'CA',
      clientCert: 'CERT',
      clientKey: 'KEY',
    });
  });

  test('has what the file names, relative to its folder, read on the same host', async () => {
    const text = kubeconfig(
      { 'certificate-authority': 'pki/ca.crt' },
      { 'client-certificate': '/etc/c.pem', 'client-key': '../k.pem' },
    );
    const files = { [path]: text, '/root/.kube/pki/ca.crt': 'CA', '/etc/c.pem': 'CERT', '/root/k.pem': 'KEY' };
    await expect(hostClient(host(files), path)).resolves.toEqual({
      server,
      ca: 'CA',
      clientCert: 'CERT',
      clientKey: 'KEY',
    });
  });

  test('may have a token instead', async () => {
    await expect(hostClient(host({ [path]: kubeconfig(data, { token: 't' }) }), path)).resolves.toEqual({
      server,
      ca: 'CA',
      token: 't',
    });
  });

  test.each([
    ['there is no such file', {}, 'KB_KUBECONFIG_MISSING', `${path} does not exist on master1`],
    ['it has no CA', { [path]: kubeconfig({}, {}) }, 'KB_KUBECONFIG_INVALID', 'its cluster has no CA certificate'],
    [
      'it names a file that is not there',
      { [path]: kubeconfig(data, { 'client-key': 'k.pem' }) },
      'KB_KUBECONFIG_INVALID',
      'it names /root/.kube/k.pem, which does not exist',
    ],
  ])('is refused when %s', async (_, files, code, found) => {
    await expect(hostClient(host(files), path)).rejects.toMatchObject({
      problems: [{ code, detail: expect.stringContaining(found) }],
    });
  });
});
