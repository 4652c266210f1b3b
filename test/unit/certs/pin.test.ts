import { execSync } from 'node:child_process';
import { beforeAll, expect, test } from 'vitest';
import { caPins } from '../../../src/certs/pin.ts';
import { fileOf, freshPki, spec } from './fixture.ts';

let [rsa, ec] = ['', ''];
beforeAll(async () => {
  rsa = fileOf(await freshPki(), 'ca.crt');
  ec = fileOf(await freshPki(spec({ encryptionAlgorithm: 'ECDSA-P256' })), 'ca.crt');
});

test('a pin is what kubeadm’s documentation computes with openssl', () => {
  const command = 'openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -hex';
  for (const pem of [rsa, ec]) {
    const theirs = execSync(command, { input: pem, encoding: 'utf8' }).replace(/^.*= /, '').trim();
    expect(caPins(pem)).toEqual([`sha256:${theirs}`]);
  }
});

test('a bundle has a pin for each certificate', () => {
  expect(caPins(rsa + ec)).toEqual([...caPins(rsa), ...caPins(ec)]);
  expect(new Set(caPins(rsa + ec)).size).toBe(2);
});

test('what is no certificate has no pin', () => {
  expect(caPins('garbage')).toEqual([]);
});
