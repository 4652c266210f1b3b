import { createPrivateKey, createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { generateKey, KeyPool, systemRandomSource, type KeyAlgorithm, randomToken } from '../../../src/util/keygen.ts';
import { fixedKeys } from '../../fakes/keys.ts';

test.each([
  ['RSA-2048', 'RSA PRIVATE KEY', 'rsa', 2048],
  ['ECDSA-P256', 'EC PRIVATE KEY', 'ec', 'prime256v1'],
  ['ECDSA-P384', 'EC PRIVATE KEY', 'ec', 'secp384r1'],
] as const)('%s is made in the PEM form of kubeadm', async (algorithm, label, type, size) => {
  const { privatePem, publicPem } = await generateKey(algorithm);
  expect(privatePem.startsWith(`-----BEGIN ${label}-----`)).toBe(true);
  expect(publicPem.startsWith('-----BEGIN PUBLIC KEY-----')).toBe(true);
  const key = createPrivateKey(privatePem);
  expect(key.asymmetricKeyType).toBe(type);
  expect([key.asymmetricKeyDetails?.modulusLength, key.asymmetricKeyDetails?.namedCurve]).toContain(size);
  expect(createPublicKey(privatePem).equals(createPublicKey(publicPem))).toBe(true);
});

test('a warm pool hands every key out once, and makes more when it is empty', async () => {
  const pool = new KeyPool();
  const algorithm: KeyAlgorithm = 'ECDSA-P256';
  pool.warm(algorithm, 2);
  const pairs = await Promise.all([pool.next(algorithm), pool.next(algorithm), pool.next(algorithm)]);
  expect(new Set(pairs.map(({ privatePem }) => privatePem)).size).toBe(3);
});

test('a pool that is warm with one kind makes another when it is asked for', async () => {
  const pool = new KeyPool();
  pool.warm('ECDSA-P256', 1);
  const { privatePem } = await pool.next('ECDSA-P384');
  expect(createPrivateKey(privatePem).asymmetricKeyDetails?.namedCurve).toBe('secp384r1');
});

test('a closed pool makes no key that was not begun', async () => {
  const pool = new KeyPool();
  pool.warm('ECDSA-P256', 50);
  const [first, others] = [pool.next('ECDSA-P256'), Array.from({ length: 49 }, () => pool.next('ECDSA-P256'))];
  pool.close();
  await first;
  const made = new Set<number>();
  for (const [index, other] of others.entries()) void other.then(() => made.add(index));
  // Another pool's keys come after what this one has begun.
  const later = new KeyPool();
  for (let i = 0; i < 4; i++) await later.next('ECDSA-P256');
  expect(made.size).toBeLessThan(3);
});

test('serial numbers are positive and below 2^63, and token characters are those of bootstrap tokens', () => {
  const chance = systemRandomSource(fixedKeys());
  const serials = Array.from({ length: 200 }, () => chance.serial());
  expect(serials.every((serial) => serial > 0n && serial < 2n ** 63n - 1n)).toBe(true);
  expect(new Set(serials).size).toBe(200);
  expect(chance.tokenCharacters(200)).toMatch(/^[a-z0-9]{200}$/);
  expect(chance.bytes(12)).toHaveLength(12);
});

test('every character of a token is as likely as any other', () => {
  // Bytes taken modulo 36 would make four letters 14 % likelier than the rest; chance alone stays within 4 %.
  const counts = new Map<string, number>();
  for (const character of systemRandomSource(fixedKeys()).tokenCharacters(720_000)) {
    counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  expect(counts.size).toBe(36);
  expect(Math.max(...counts.values()) / Math.min(...counts.values())).toBeLessThan(1.08);
});

test('a token is six and sixteen of them', () => {
  const first = randomToken(systemRandomSource(fixedKeys()));
  expect(first).toMatch(/^[a-z0-9]{6}\.[a-z0-9]{16}$/);
  expect(randomToken(systemRandomSource(fixedKeys()))).not.toBe(first);
});
