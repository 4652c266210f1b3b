import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { generateRsa } from '../../../src/util/rsa.ts';

test.each([2048, 3072])('a key of %i bits has all of them, and openssl finds its numbers consistent', async (bits) => {
  const { privatePem, publicPem } = await generateRsa(bits);
  expect(privatePem).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/);
  const said = execFileSync('openssl', ['rsa', '-check', '-noout', '-text'], {
    input: privatePem,
    encoding: 'utf8',
    stdio: 'pipe',
  });
  expect(said).toContain('RSA key ok');
  expect(said).toContain(`Private-Key: (${bits} bit, 2 primes)`);
  expect(createPrivateKey(privatePem).asymmetricKeyDetails).toEqual({ modulusLength: bits, publicExponent: 65_537n });
  expect(createPublicKey(privatePem).export({ type: 'spki', format: 'pem' })).toBe(publicPem);
});

test('two keys have nothing in common', async () => {
  const keys = await Promise.all([generateRsa(2048), generateRsa(2048)]);
  const primes = keys.flatMap(({ privatePem }) => {
    const { p, q } = createPrivateKey(privatePem).export({ format: 'jwk' });
    return [p, q];
  });
  expect(new Set(primes).size).toBe(4);
});
