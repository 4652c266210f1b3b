import { describe, expect, test } from 'vitest';
import type { BootstrapToken } from '../../../src/config/spec.ts';
import {
  bootstrapTokenSecret,
  isUsableToken,
  listedToken,
  tokenOfSecret,
} from '../../../src/manifests/bootstrap-token.ts';
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

describe('a token for the list', () => {
  const changed = (changes: Readonly<Record<string, string | undefined>>): KubeObject => {
    const secret = bootstrapTokenSecret(token, now);
    const encoded = Object.entries(changes).map(([key, value]) => [
      key,
      value === undefined ? undefined : Buffer.from(value).toString('base64'),
    ]);
    return {
      ...secret,
      data: { ...Object.fromEntries(Object.entries(at(secret, 'data') ?? {})), ...Object.fromEntries(encoded) },
    };
  };

  test('is what the Secret says', () => {
    const secret = bootstrapTokenSecret(token, now);
    expect(listedToken(secret)).toEqual(tokenOfSecret(secret));
  });

  test('never ends where the Secret says nothing or an empty text', () => {
    expect(listedToken(bootstrapTokenSecret({ ...token, ttlSeconds: 0 }, now))).toMatchObject({ expires: undefined });
    expect(listedToken(changed({ expiration: '' }))).toMatchObject({ expires: undefined });
  });

  test.each([
    [{ 'token-id': undefined }, 'Secret bootstrap-token-abcdef has no token-id'],
    [
      { 'token-id': 'zzzzzz' },
      'Secret bootstrap-token-abcdef holds token zzzzzz: its name has to be bootstrap-token-zzzzzz',
    ],
    [{ 'token-secret': undefined }, 'Secret bootstrap-token-abcdef has no token-secret'],
    [
      { 'token-secret': 'tooshort' },
      'Secret bootstrap-token-abcdef holds no token of the form [a-z0-9]{6}.[a-z0-9]{16}',
    ],
    [{ expiration: 'soon' }, 'Secret bootstrap-token-abcdef has an invalid expiration: "soon"'],
    [{ expiration: '2026-11-22' }, 'Secret bootstrap-token-abcdef has an invalid expiration: "2026-11-22"'],
    [
      { expiration: '2026-13-22T00:00:00Z' },
      'Secret bootstrap-token-abcdef has an invalid expiration: "2026-13-22T00:00:00Z"',
    ],
  ])('%j is told as a problem, without the secret half', (changes, problem) => {
    expect(listedToken(changed(changes))).toEqual({ problem });
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
