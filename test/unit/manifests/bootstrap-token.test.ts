import { describe, expect, test } from 'vitest';
import type { BootstrapToken } from '../../../src/config/spec.ts';
import { bootstrapTokenSecret, isUsableToken, tokenOfSecret } from '../../../src/manifests/bootstrap-token.ts';
import type { KubeObject } from '../../../src/manifests/object.ts';
import { at } from './fixture.ts';

const now = new Date('2026-11-21T02:54:14.789Z');

const token: BootstrapToken = {
  token: 'abcdef.0123456789abcdef',
  ttlSeconds: 86_400,
  usages: ['signing', 'authentication'],
  groups: ['system:bootstrappers:kubeadm:default-node-token'],
};

function dataOf(secret: KubeObject): Record<string, string> {
  const data = at(secret, 'data');
  return Object.fromEntries(
    Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(String(value), 'base64').toString()]),
  );
}

test('a token becomes a Secret named by its id', () => {
  const secret = bootstrapTokenSecret({ ...token, description: 'first' }, now);
  expect(secret).toMatchObject({
    type: 'bootstrap.kubernetes.io/token',
    metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system' },
  });
  expect(dataOf(secret)).toEqual({
    'token-id': 'abcdef',
    'token-secret': '0123456789abcdef',
    description: 'first',
    expiration: '2026-11-22T02:54:14Z',
    'usage-bootstrap-signing': 'true',
    'usage-bootstrap-authentication': 'true',
    'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
  });
});

test('a ttl of 0 never ends, an end that was given is kept', () => {
  expect(dataOf(bootstrapTokenSecret({ ...token, ttlSeconds: 0 }, now))).not.toHaveProperty('expiration');
  const expires = '2027-01-01T01:00:00+01:00';
  expect(dataOf(bootstrapTokenSecret({ ...token, expires }, now))).toHaveProperty('expiration', '2027-01-01T00:00:00Z');
});

test('no groups and no description leave no keys', () => {
  const keys = Object.keys(dataOf(bootstrapTokenSecret({ ...token, groups: [], description: '', usages: [] }, now)));
  expect(keys.toSorted()).toEqual(['expiration', 'token-id', 'token-secret']);
});

describe('reading a Secret back', () => {
  test('gives the token it was made of', () => {
    expect(tokenOfSecret(bootstrapTokenSecret({ ...token, description: 'first' }, now))).toEqual({
      token: 'abcdef.0123456789abcdef',
      id: 'abcdef',
      description: 'first',
      expires: new Date('2026-11-22T02:54:14Z'),
      usages: ['authentication', 'signing'],
      groups: ['system:bootstrappers:kubeadm:default-node-token'],
    });
  });

  test('a Secret of another type, another name or without data is no token', () => {
    const secret = bootstrapTokenSecret(token, now);
    expect(tokenOfSecret({ ...secret, type: 'Opaque' })).toBeUndefined();
    expect(tokenOfSecret({ ...secret, metadata: { name: 'bootstrap-token-zzzzzz' } })).toBeUndefined();
    expect(tokenOfSecret({ ...secret, data: undefined })).toBeUndefined();
  });
});

describe('a usable token', () => {
  const usable = (changes: Partial<BootstrapToken>, time = now): boolean =>
    isUsableToken(bootstrapTokenSecret({ ...token, ...changes }, now), time);

  test('signs, authenticates and has not ended', () => {
    expect(usable({})).toBe(true);
    expect(usable({ ttlSeconds: 0 }, new Date('2126-01-01T00:00:00Z'))).toBe(true);
  });

  test('is none that has ended, nor one that only signs or only authenticates', () => {
    expect(usable({}, new Date('2026-11-22T02:54:14Z'))).toBe(false);
    expect(usable({ usages: ['signing'] })).toBe(false);
    expect(usable({ usages: ['authentication'] })).toBe(false);
  });

  test('is none whose end cannot be read', () => {
    const secret = bootstrapTokenSecret(token, now);
    const data = { ...Object.fromEntries(Object.entries(at(secret, 'data') ?? {})), expiration: 'c29vbg==' };
    expect(isUsableToken({ ...secret, data }, now)).toBe(false);
  });
});
