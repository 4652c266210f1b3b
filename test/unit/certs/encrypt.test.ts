import { expect, test } from 'vitest';
import { decrypt, encrypt, isCertificateKey } from '../../../src/certs/encrypt.ts';

const key = '8d4388a541f7b0da0206d17495a728d4ec3d07a8f9287ab9123cfcb2185c3c94';
const nonce = Buffer.from('000102030405060708090a0b', 'hex');
const plain = Buffer.from('-----BEGIN CERTIFICATE-----');

test('a value is nonce, ciphertext and tag, and opens with its key', () => {
  const value = encrypt(plain, key, nonce);
  expect(value.subarray(0, 12)).toEqual(nonce);
  expect(value).toHaveLength(12 + plain.length + 16);
  expect(value.includes(plain)).toBe(false);
  expect(decrypt(value, key.toUpperCase())).toEqual(plain);
});

test('another key, a changed bit and a cut value do not open, and the error does not show the key', () => {
  const value = encrypt(plain, key, nonce);
  const flipped = Buffer.from(value);
  flipped[20] = (flipped[20] ?? 0) ^ 1;
  const other = key.replace('8', '9');
  for (const open of [
    () => decrypt(value, other),
    () => decrypt(flipped, key),
    () => decrypt(value.subarray(0, 20), key),
  ]) {
    expect(open).toThrow(/KB_CERTIFICATE_KEY/);
    expect(open).not.toThrow(new RegExp(key.slice(1)));
  }
});

test('a certificate key is 64 hexadecimal characters', () => {
  expect(isCertificateKey(key)).toBe(true);
  for (const text of ['', key.slice(1), `${key}0`, key.replace('d', 'g')]) {
    expect(isCertificateKey(text)).toBe(false);
    expect(() => encrypt(plain, text, nonce)).toThrow(/KB_CERTIFICATE_KEY/);
  }
});

test('a nonce of another length is a bug', () => {
  expect(() => encrypt(plain, key, nonce.subarray(1))).toThrow(RangeError);
});
