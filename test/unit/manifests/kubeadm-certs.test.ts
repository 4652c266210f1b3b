import { expect, test } from 'vitest';
import { certsSecret, certsTokenSecret, uploadCertsObjects } from '../../../src/manifests/kubeadm-certs.ts';
import { isUsableToken, tokenOfSecret } from '../../../src/manifests/bootstrap-token.ts';
import { at } from './fixture.ts';

const token = { id: 'abc123', secret: '0123456789abcdef', expires: new Date('2026-11-21T04:54:14Z') };

test('the token that ends the certificates has an end and no use', () => {
  const secret = certsTokenSecret(token);
  expect(tokenOfSecret(secret)).toMatchObject({ expires: token.expires, usages: [], groups: [] });
  expect(isUsableToken(secret, new Date('2026-11-21T03:00:00Z'))).toBe(false);
});

test('the Secret belongs to the token as the cluster knows it', () => {
  const owner = { ...certsTokenSecret(token), metadata: { name: 'bootstrap-token-abc123', uid: 'u-1' } };
  const secret = certsSecret({ 'ca.crt': 'AAAA', 'ca.key': '' }, owner);
  expect(at(secret, 'metadata', 'ownerReferences', 0)).toMatchObject({
    kind: 'Secret',
    name: 'bootstrap-token-abc123',
    uid: 'u-1',
    controller: true,
    blockOwnerDeletion: true,
  });
  expect(at(secret, 'data')).toEqual({ 'ca.crt': 'AAAA', 'ca.key': '' });
});

test('the token comes before the Secret it owns', () => {
  const names = uploadCertsObjects(token, {}, 'u-1').map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  expect(names).toEqual([
    'Secret bootstrap-token-abc123',
    'Secret kubeadm-certs',
    'Role kubeadm:kubeadm-certs',
    'RoleBinding kubeadm:kubeadm-certs',
  ]);
});
