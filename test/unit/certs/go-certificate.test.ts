// What Go's crypto/x509 refuses and OpenSSL takes, made by changing bytes of a good certificate.
import { createPrivateKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { readAsGo } from '../../../src/certs/go-certificate.ts';
import { judgeCertificates, signCertificate, type Template } from '../../../src/certs/x509.ts';
import { pemBlocks, toPem } from '../../../src/util/pem.ts';
import { now } from './fixture.ts';
import { p256Pairs, pairOf, rsaPairs } from '../../fakes/keys.ts';

function made(pair = pairOf(rsaPairs, 0), change: Partial<Template> = {}): Buffer {
  const template: Template = {
    subject: { commonName: 'kubernetes', organizations: [] },
    serial: 0x1234n,
    notBefore: now,
    notAfter: new Date(now.getTime() + 86_400_000),
    publicPem: pair.publicPem,
    isCa: true,
    usages: [],
    altNames: { dnsNames: ['kubernetes'], ipAddresses: [] },
    keyIdentifier: 'sha256',
    ...change,
  };
  return pemBlocks(signCertificate(template, createPrivateKey(pair.privatePem)))[0]?.der ?? Buffer.alloc(0);
}

/** Every place of some bytes, replaced by as many others. */
function changed(der: Buffer, from: string, to: string): Buffer {
  const text = der.toString('hex');
  expect(text).toContain(from);
  expect(from).toHaveLength(to.length);
  return Buffer.from(text.replaceAll(from, to), 'hex');
}

const good = made();
const ec = made(pairOf(p256Pairs, 0));

test('a certificate of kubeadm passes', () => {
  expect(readAsGo(good)).toMatchObject({ isCa: true, maySign: true, unknownCritical: [] });
  expect(readAsGo(ec)).toMatchObject({ isCa: true, maySign: true });
});

test.each([
  ['with data behind it', Buffer.concat([good, Buffer.from([0])]), 'there is data behind it'],
  ['with a negative serial number', changed(good, '02021234', '02029234'), 'its serial number is negative'],
  ['with a serial number that is too long', changed(good, '02021234', '02020034'), 'its serial number is malformed'],
  ['of version 6', changed(good, 'a003020102', 'a003020105'), 'its version is not 1, 2 or 3'],
  ['with an extension twice', changed(good, '0603551d0e', '0603551d0f'), 'it has the extension 2.5.29.15 twice'],
  ['with a boolean that is not DER', changed(good, '0101ff', '010101'), 'its extensions are malformed'],
  [
    'with @ in a PrintableString',
    changed(good, Buffer.from('kubernetes').toString('hex'), Buffer.from('kub@rnetes').toString('hex')),
    'its issuer has a text of a kind, or a letter, that Go does not take',
  ],
  [
    'on a curve that Go does not know',
    changed(ec, '06082a8648ce3d030107', '06082a8648ce3d030106'),
    'its key is on an elliptic curve that Kubernetes does not know (P-256, P-384 and P-521 are)',
  ],
  [
    'with an address of three bytes',
    changed(good, '820a6b756265726e65746573', '870301020382056162636465'),
    'an alternative name of it is an address of 3 bytes',
  ],
  ['cut off', good.subarray(0, -1), 'it is not DER'],
  ['with a length in the long form that is not needed', Buffer.from('308001020304', 'hex'), 'it is not DER'],
])('a certificate %s is refused', (_what, der, reason) => {
  expect(() => readAsGo(der)).toThrow(reason);
  const reading = judgeCertificates(toPem('CERTIFICATE', der));
  expect(reading).toMatchObject({ kind: 'broken' });
});

test('a critical extension that Go does not know is kept in mind', () => {
  const der = changed(good, '0603551d0f0101ff', '0603551d7f0101ff');
  expect(readAsGo(der)).toMatchObject({ unknownCritical: ['2.5.29.127'], maySign: true });
});

test('CA:TRUE without keyCertSign is a CA that may not sign', () => {
  // Bits 0, 2 and 5; without the last one.
  expect(readAsGo(changed(good, '030202a4', '030202a0'))).toMatchObject({ isCa: true, maySign: false });
  expect(readAsGo(changed(good, '030202a4', '03020200'))).toMatchObject({ isCa: true, maySign: true });
});

test('a certificate of version 1 is no CA, whatever it says', () => {
  expect(readAsGo(changed(good, 'a003020102', 'a003020100')).isCa).toBe(false);
});
