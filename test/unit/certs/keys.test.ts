import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  isSamePair,
  judgePublicKeys,
  kubeconfigKeyAlgorithm,
  pkiKeyAlgorithm,
  publicPem,
  readPrivateKey,
} from '../../../src/certs/keys.ts';
import { p256Pairs, p384Pairs, pairOf, rsaPairs } from '../../fakes/keys.ts';

const rsa = pairOf(rsaPairs, 0);
const ec = pairOf(p256Pairs, 0);
const pkcs8 = (pem: string): string => createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem' }).toString();

test.each([
  ['PKCS#1', rsa.privatePem, rsa.publicPem],
  ['SEC1 P-256', ec.privatePem, ec.publicPem],
  ['SEC1 P-384', pairOf(p384Pairs, 0).privatePem, pairOf(p384Pairs, 0).publicPem],
  ['PKCS#8 RSA', pkcs8(rsa.privatePem), rsa.publicPem],
  ['PKCS#8 EC', pkcs8(ec.privatePem), ec.publicPem],
])('%s is read and has its public half', (_form, privateText, publicText) => {
  const key = readPrivateKey(privateText, 'ca');
  expect(key && publicPem(key)).toBe(publicText);
});

test('the first private key of a file counts, whatever stands before it', () => {
  const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
  const key = readPrivateKey(`a note\n${parameters}${ec.privatePem}${rsa.privatePem}`, 'ca');
  expect(key && publicPem(key)).toBe(ec.publicPem);
});

test('what kubeadm cannot use is no key', () => {
  const options = { type: 'pkcs8', format: 'pem' } as const;
  const ed25519 = generateKeyPairSync('ed25519').privateKey.export(options).toString();
  const locked = createPrivateKey(rsa.privatePem)
    .export({ ...options, cipher: 'aes-256-cbc', passphrase: 'x' })
    .toString();
  for (const text of ['', 'garbage', rsa.privatePem.slice(0, 300), ed25519, locked, rsa.publicPem]) {
    expect(readPrivateKey(text, 'ca')).toBeUndefined();
  }
});

const pem = ({ privateKey }: { readonly privateKey: KeyObject }): string =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const onCurve = (namedCurve: string): string => pem(generateKeyPairSync('ec', { namedCurve }));

// Tried with kubeadm, etcd and kube-apiserver of 1.36.3.
test.each([
  ['RSA', rsa.privatePem, ['ca', 'tls', 'tokens']],
  ['P-224', onCurve('secp224r1'), ['ca']],
  ['P-521', onCurve('secp521r1'), ['ca', 'tls', 'tokens']],
  ['Ed25519', pem(generateKeyPairSync('ed25519')), ['tls']],
  ['Ed448', pem(generateKeyPairSync('ed448')), []],
  ['RSA-PSS', pem(generateKeyPairSync('rsa-pss', { modulusLength: 2048 })), []],
])('a key of the kind %s is good for %s', (_kind, text, uses) => {
  const all = ['ca', 'tls', 'tokens'] as const;
  expect(all.filter((use) => readPrivateKey(text, use) !== undefined)).toEqual(uses);
});

test('a public file may hold several keys', () => {
  const keys = judgePublicKeys(rsa.publicPem + ec.publicPem);
  expect(keys.kind === 'good' && keys.value.map(publicPem)).toEqual([rsa.publicPem, ec.publicPem]);
});

test('a pair is known by its public half', () => {
  const [own, other] = [createPrivateKey(rsa.privatePem), createPrivateKey(pairOf(rsaPairs, 1).privatePem)];
  expect(isSamePair(own, createPrivateKey(pkcs8(rsa.privatePem)))).toBe(true);
  expect(isSamePair(own, other)).toBe(false);
});

test.each([
  ['unset, the algorithm', {}, 'ECDSA-P384', 'ECDSA-P384'],
  ['on, ECDSA', { PublicKeysECDSA: true }, 'RSA-3072', 'ECDSA-P256'],
  ['off, RSA', { PublicKeysECDSA: false }, 'ECDSA-P384', 'RSA-2048'],
] as const)(
  'with the gate PublicKeysECDSA %s decides over new keys',
  (_when, featureGates, encryptionAlgorithm, made) => {
    const cluster = { featureGates, encryptionAlgorithm };
    expect(pkiKeyAlgorithm(cluster)).toBe(made);
    const keysOf = (minor: number): string =>
      kubeconfigKeyAlgorithm({ ...cluster, version: { major: 1, minor, patch: 0 } });
    // Inside kubeconfigs only since 1.31.
    expect([keysOf(31), keysOf(30)]).toEqual([made, 'RSA-2048']);
  },
);
