import { expect, test } from 'vitest';
import { bootstrapTokenRbac, clusterAdminsBinding } from '../../../src/manifests/rbac.ts';
import { v } from './fixture.ts';

test('the API server is bound to the kubelet API from the patches that took it out of the admins', () => {
  const isBound = (minor: number, patch: number): boolean =>
    bootstrapTokenRbac(v(minor, patch)).some(({ metadata }) => metadata.name === 'kubeadm:apiserver-kubelet-client');
  expect([isBound(32, 13), isBound(33, 11), isBound(34, 7), isBound(35, 4), isBound(36, 0)]).not.toContain(true);
  expect([isBound(33, 12), isBound(34, 8), isBound(35, 5), isBound(36, 1), isBound(37, 0)]).not.toContain(false);
});

test("admin.conf's group is bound to cluster-admin", () => {
  expect(clusterAdminsBinding()).toEqual({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'kubeadm:cluster-admins' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'Group', name: 'kubeadm:cluster-admins' }],
  });
});
