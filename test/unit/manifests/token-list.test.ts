import { describe, expect, test } from 'vitest';
import type { StoredToken } from '../../../src/manifests/bootstrap-token.ts';
import { shortDuration, tokenDocument, tokenRow } from '../../../src/manifests/token-list.ts';

const now = new Date('2026-11-21T02:54:14Z');

const token: StoredToken = {
  token: 'abcdef.1234567890123456',
  id: 'abcdef',
  description: 'valid bootstrap tooken',
  expires: undefined,
  usages: ['signing', 'authentication'],
  groups: ['system:bootstrappers:kubeadm:default-node-token'],
};

const header =
  'TOKEN                     TTL         EXPIRES   USAGES                   DESCRIPTION                                                EXTRA GROUPS\n';

describe('the table', () => {
  test('is what kubeadm prints', () => {
    expect(tokenRow(token, now, true)).toBe(
      `${header}abcdef.1234567890123456   <forever>   <never>   signing,authentication   valid bootstrap tooken                                     system:bootstrappers:kubeadm:default-node-token\n`,
    );
  });

  test('has no second header', () => {
    expect(tokenRow(token, now, false)).toBe(tokenRow(token, now, true).slice(header.length));
  });

  test('shows the time that is left and the end', () => {
    const ends = { ...token, expires: new Date('2026-11-22T02:54:13Z') };
    expect(tokenRow(ends, now, true)).toBe(
      'TOKEN                     TTL         EXPIRES                USAGES                   DESCRIPTION                                                EXTRA GROUPS\n' +
        'abcdef.1234567890123456   23h         2026-11-22T02:54:13Z   signing,authentication   valid bootstrap tooken                                     system:bootstrappers:kubeadm:default-node-token\n',
    );
  });

  test('says none where there is none', () => {
    const bare = { ...token, description: undefined, usages: [], groups: [] };
    expect(tokenRow(bare, now, false).split(/\s{2,}/)).toEqual([
      'abcdef.1234567890123456',
      '<forever>',
      '<never>',
      '<none>',
      '<none>',
      '<none>\n',
    ]);
  });
});

test.each([
  [-2, '<invalid>'],
  [-1, '0s'],
  [0, '0s'],
  [59, '59s'],
  [60, '1m'],
  [3599, '59m'],
  [3600, '1h'],
  [86_399, '23h'],
  [86_400, '1d'],
  [364 * 86_400, '364d'],
  [365 * 86_400, '1y'],
  [800 * 86_400, '2y'],
])('%s seconds are %s', (seconds, text) => {
  expect(shortDuration(new Date(now.getTime() + seconds * 1000), now)).toBe(text);
});

describe('the document', () => {
  test("has kubeadm's fields in kubeadm's order", () => {
    const ends = { ...token, expires: new Date('2026-11-22T02:54:13.500Z') };
    expect(JSON.stringify(tokenDocument(ends))).toBe(
      JSON.stringify({
        kind: 'BootstrapToken',
        apiVersion: 'output.kubeadm.k8s.io/v1alpha3',
        token: 'abcdef.1234567890123456',
        description: 'valid bootstrap tooken',
        expires: '2026-11-22T02:54:13Z',
        usages: ['signing', 'authentication'],
        groups: ['system:bootstrappers:kubeadm:default-node-token'],
      }),
    );
  });

  test('leaves out what the token has not', () => {
    expect(Object.keys(tokenDocument({ ...token, description: '', usages: [], groups: [] }))).toEqual([
      'kind',
      'apiVersion',
      'token',
    ]);
  });
});
