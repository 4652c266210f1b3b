import { describe, expect, test } from 'vitest';
import { registeredName } from '../../../../src/phases/reset/node-name.ts';
import { createPrivateKey } from 'node:crypto';
import { signCertificate } from '../../../../src/certs/x509.ts';
import { rsaPairs } from '../../../fakes/keys.ts';
import { fileOf, freshPki } from '../../certs/fixture.ts';
import { FakeHost } from '../../../fakes/host.ts';

const path = '/var/lib/kubelet/pki/kubelet-client-current.pem';

function kubeletCertificate(commonName: string): string {
  const [pair] = rsaPairs;
  if (pair === undefined) throw new Error('no key');
  const template = {
    publicPem: pair.publicPem,
    subject: { commonName, organizations: ['system:nodes'] },
    serial: 7n,
    notBefore: new Date('2026-11-21T00:00:00Z'),
    notAfter: new Date('2027-11-21T00:00:00Z'),
    isCa: false,
    usages: ['clientAuth'],
    altNames: { dnsNames: [], ipAddresses: [] },
    keyIdentifier: 'sha256',
  } as const;
  return signCertificate(template, createPrivateKey(pair.privatePem));
}

describe('the name of a node', () => {
  test("is the one in the kubelet's certificate, whatever the host is called", async () => {
    const pem = kubeletCertificate('system:node:worker-7.example');
    expect(await registeredName(new FakeHost({ files: { [path]: pem } }))).toBe('worker-7.example');
  });

  test.each([
    ['there is no kubelet', undefined],
    ['its certificate cannot be read', 'no PEM'],
  ])('is unknown where %s', async (_, pem) => {
    expect(await registeredName(new FakeHost({ files: pem === undefined ? {} : { [path]: pem } }))).toBeUndefined();
  });

  test("is unknown where the certificate is not a kubelet's", async () => {
    const pem = fileOf(await freshPki(), 'apiserver-kubelet-client.crt');
    expect(await registeredName(new FakeHost({ files: { [path]: pem } }))).toBeUndefined();
  });
});
