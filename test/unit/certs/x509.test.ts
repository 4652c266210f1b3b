import { createPrivateKey, X509Certificate } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert, nat, property } from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pemBlocks, toPem } from '../../../src/util/pem.ts';
import {
  createRequest,
  readCertificates,
  signCertificate,
  type Certificate,
  type Template,
} from '../../../src/certs/x509.ts';
import type { KeyPair } from '../../../src/util/keygen.ts';
import { p256Pairs, p384Pairs, pairOf, rsaPairs } from '../../fakes/keys.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kbinit-x509-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function openssl(...args: string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function template(change: Partial<Template> & Pick<Template, 'publicPem'>): Template {
  return {
    subject: { commonName: 'kubernetes', organizations: [] },
    serial: 0x1122334455667788n,
    notBefore: new Date('2026-11-21T02:49:13.900Z'),
    notAfter: new Date('2036-11-18T02:54:13.900Z'),
    isCa: true,
    usages: [],
    altNames: { dnsNames: ['kubernetes'], ipAddresses: [] },
    keyIdentifier: 'sha256',
    ...change,
  };
}

function read(pem: string): Certificate {
  const [certificate] = readCertificates(pem);
  if (certificate === undefined) throw new Error('no certificate');
  return certificate;
}

function ca(pair: KeyPair, change: Partial<Template> = {}): string {
  return signCertificate(template({ publicPem: pair.publicPem, ...change }), createPrivateKey(pair.privatePem));
}

function leaf(authority: KeyPair, own: KeyPair, caPem: string, change: Partial<Template> = {}): string {
  const fields = template({
    subject: { commonName: 'kube-apiserver', organizations: [] },
    isCa: false,
    usages: ['serverAuth'],
    altNames: { dnsNames: ['kubernetes', '*.k8s.example'], ipAddresses: ['10.96.0.1', 'fd00::1'] },
    publicPem: own.publicPem,
    ...change,
  });
  return signCertificate(fields, createPrivateKey(authority.privatePem), read(caPem));
}

const families = [
  { name: 'RSA-2048', pairs: rsaPairs, algorithm: 'SHA256-RSA', printed: 'sha256WithRSAEncryption' },
  { name: 'ECDSA-P256', pairs: p256Pairs, algorithm: 'ECDSA-SHA256', printed: 'ecdsa-with-SHA256' },
  { name: 'ECDSA-P384', pairs: p384Pairs, algorithm: 'ECDSA-SHA384', printed: 'ecdsa-with-SHA384' },
] as const;

describe.each(families)('$name', ({ name, pairs, algorithm, printed }) => {
  const [authority, own] = [pairOf(pairs, 0), pairOf(pairs, 1)];

  test('openssl verifies a server certificate against its CA', () => {
    const caPem = ca(authority);
    const [caFile, leafFile] = [file(`${name}-ca.pem`, caPem), file(`${name}.pem`, leaf(authority, own, caPem))];
    const answer = openssl(
      'verify',
      '-x509_strict',
      '-CAfile',
      caFile,
      '-purpose',
      'sslserver',
      '-verify_ip',
      'fd00::1',
      '-attime',
      '1800000000',
      leafFile,
    );
    expect(answer).toContain(': OK');
    expect(openssl('x509', '-noout', '-text', '-in', leafFile)).toContain(`Signature Algorithm: ${printed}`);
  });

  test('node reads what was written and agrees about issuer and names', () => {
    const caPem = ca(authority);
    const [theirs, certificate] = [new X509Certificate(caPem), read(leaf(authority, own, caPem))];
    expect(certificate.x509.verify(theirs.publicKey)).toBe(true);
    expect(certificate.x509.checkIssued(theirs)).toBe(true);
    expect(certificate.x509.checkPrivateKey(createPrivateKey(own.privatePem))).toBe(true);
    expect(certificate.x509.checkHost('api.k8s.example')).toBe('*.k8s.example');
    expect(certificate.x509.checkIP('10.96.0.1')).toBe('10.96.0.1');
    expect(certificate.signatureAlgorithm).toBe(algorithm);
    expect(certificate.altNames.ipAddresses).toEqual(['10.96.0.1', 'fd00::1']);
    expect(certificate.usages).toEqual(['serverAuth']);
  });

  test('a certificate of another CA of the same name is not verified', () => {
    const other = ca(pairOf(pairs, 2));
    const leafFile = file(`${name}-stranger.pem`, leaf(authority, own, ca(authority)));
    expect(() => openssl('verify', '-CAfile', file(`${name}-other.pem`, other), leafFile)).toThrow();
  });
});

test('a RSA leaf under an EC CA is signed with the CA’s algorithm', () => {
  const [authority, own] = [pairOf(p384Pairs, 0), pairOf(rsaPairs, 0)];
  expect(read(leaf(authority, own, ca(authority))).signatureAlgorithm).toBe('ECDSA-SHA384');
});

test('what was read has the fields that were written, in whole seconds', () => {
  const [authority, own] = [pairOf(rsaPairs, 0), pairOf(rsaPairs, 1)];
  const caPem = ca(authority);
  const certificate = read(
    leaf(authority, own, caPem, {
      subject: { commonName: 'kubernetes-admin', organizations: ['kubeadm:cluster-admins'] },
      usages: ['clientAuth', 'serverAuth'],
      altNames: { dnsNames: [], ipAddresses: [] },
    }),
  );
  expect(certificate).toMatchObject({
    subject: { commonName: 'kubernetes-admin', organizations: ['kubeadm:cluster-admins'] },
    issuer: { commonName: 'kubernetes', organizations: [] },
    serial: 0x1122334455667788n,
    notBefore: new Date('2026-11-21T02:49:13Z'),
    notAfter: new Date('2036-11-18T02:54:13Z'),
    isCa: false,
    usages: ['clientAuth', 'serverAuth'],
    altNames: { dnsNames: [], ipAddresses: [] },
  });
  expect(certificate.subjectKeyId).toBeUndefined();
  expect(certificate.authorityKeyId).toBe(read(caPem).subjectKeyId);
});

test('a self-signed CA has a subject key identifier and no authority key identifier', () => {
  const certificate = read(ca(pairOf(rsaPairs, 0)));
  expect(certificate.isCa).toBe(true);
  expect(certificate.subjectKeyId).toMatch(/^[0-9a-f]{40}$/);
  expect(certificate.authorityKeyId).toBeUndefined();
});

test('the older key identifier is the SHA-1 that openssl computes', () => {
  const pair = pairOf(rsaPairs, 0);
  const own = file('self.pem', ca(pair, { keyIdentifier: 'sha1' }));
  const request = file('self.key', pair.privatePem);
  const theirs = openssl(
    'req',
    '-x509',
    '-new',
    '-key',
    request,
    '-subj',
    '/CN=x',
    '-addext',
    'subjectKeyIdentifier=hash',
  );
  const line = /Key Identifier:\s*\n\s*([0-9A-F:]+)/;
  const ownId = line.exec(openssl('x509', '-noout', '-text', '-in', own))?.[1];
  expect(ownId).toBeDefined();
  expect(ownId).toBe(line.exec(openssl('x509', '-noout', '-text', '-in', file('theirs.pem', theirs)))?.[1]);
});

test('years from 2050 are written as GeneralizedTime, earlier ones as UTCTime', () => {
  const pem = ca(pairOf(p256Pairs, 0), { notAfter: new Date('2050-01-01T00:00:00Z') });
  expect(openssl('asn1parse', '-in', file('time.pem', pem))).toMatch(
    /UTCTIME\s+:261121024913Z[\s\S]*GENERALIZEDTIME\s+:20500101000000Z/,
  );
  expect(read(pem).notAfter).toEqual(new Date('2050-01-01T00:00:00Z'));
});

test.each([
  ['kubeadm:cluster-admins', 'PRINTABLESTRING'],
  ['system:node:master1', 'PRINTABLESTRING'],
  ['node_1', 'UTF8STRING'],
  ['café', 'UTF8STRING'],
  ['a&b', 'UTF8STRING'],
])('the name %s is a %s, as Go writes it', (commonName, type) => {
  const pem = ca(pairOf(p256Pairs, 0), { subject: { commonName, organizations: [] } });
  expect(openssl('asn1parse', '-in', file('name.pem', pem))).toContain(type);
  expect(read(pem).subject.commonName).toBe(commonName);
});

test('serial numbers stay positive and whole', () => {
  for (const serial of [0n, 1n, 127n, 128n, 255n, 256n, 2n ** 63n - 2n]) {
    const certificate = read(ca(pairOf(p256Pairs, 0), { serial }));
    expect(certificate.serial).toBe(serial);
    expect(BigInt(`0x${certificate.x509.serialNumber}`)).toBe(serial);
  }
});

test('openssl accepts a request and sees its names', () => {
  const key = createPrivateKey(pairOf(p256Pairs, 0).privatePem);
  const subject = { commonName: 'kube-apiserver', organizations: ['one', 'two'] };
  const altNames = { dnsNames: ['kubernetes'], ipAddresses: ['10.96.0.1'] };
  const path = file('request.pem', createRequest(subject, altNames, key));
  const text = openssl('req', '-verify', '-noout', '-text', '-in', path);
  expect(text).toContain('Subject: O = one + O = two, CN = kube-apiserver');
  expect(text).toContain('DNS:kubernetes, IP Address:10.96.0.1');
});

test('a request without names is accepted as well', () => {
  const key = createPrivateKey(pairOf(rsaPairs, 0).privatePem);
  const subject = { commonName: 'front-proxy-client', organizations: [] };
  const path = file('bare.pem', createRequest(subject, { dnsNames: [], ipAddresses: [] }, key));
  expect(openssl('req', '-verify', '-noout', '-subject', '-in', path)).toContain('CN = front-proxy-client');
});

test('certificates of openssl with foreign extensions are read', () => {
  const key = file('foreign.key', pairOf(rsaPairs, 0).privatePem);
  const pem = openssl(
    'req',
    '-x509',
    '-new',
    '-key',
    key,
    '-subj',
    '/C=DE/O=a/O=b/CN=etcd-ca',
    '-days',
    '30',
    '-addext',
    'nameConstraints=permitted;DNS:example',
    '-addext',
    'subjectAltName=email:a@b.c,DNS:x.example,IP:::1',
    '-addext',
    'extendedKeyUsage=serverAuth,codeSigning',
  );
  expect(read(pem)).toMatchObject({
    subject: { commonName: 'etcd-ca', organizations: ['a', 'b'] },
    altNames: { dnsNames: ['x.example'], ipAddresses: ['::1'] },
    usages: ['serverAuth', '1.3.6.1.5.5.7.3.3'],
    isCa: true,
  });
});

test('a file without certificate, with a cut one or with garbage inside reads as none', () => {
  const pem = ca(pairOf(p256Pairs, 0));
  expect(readCertificates('')).toEqual([]);
  expect(readCertificates(pem.slice(0, -40))).toEqual([]);
  expect(readCertificates('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')).toEqual([]);
  expect(readCertificates(`text before\n${pem}${pem.slice(0, 80)}`)).toHaveLength(1);
});

test('PEM lines have 64 characters, as openssl and Go write them', () => {
  const pem = ca(pairOf(rsaPairs, 0));
  expect(openssl('x509', '-in', file('lines.pem', pem))).toBe(pem);
  expect(toPem('CERTIFICATE', pemBlocks(pem)[0]?.der ?? Buffer.alloc(0))).toBe(pem);
});

test('a damaged certificate reads as none or as one, but never throws', () => {
  const pem = leafOfEc();
  const der = pemBlocks(pem)[0]?.der ?? Buffer.alloc(0);
  assert(
    property(nat(der.length - 1), nat(255), nat(der.length), (at, byte, end) => {
      const damaged = Buffer.from(der);
      damaged[at] = byte;
      const texts = [toPem('CERTIFICATE', damaged), toPem('CERTIFICATE', damaged.subarray(0, end))];
      for (const text of texts) expect(readCertificates(text).length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 300 },
  );
});

function leafOfEc(): string {
  const [authority, own] = [pairOf(p256Pairs, 0), pairOf(p256Pairs, 1)];
  return leaf(authority, own, ca(authority));
}
