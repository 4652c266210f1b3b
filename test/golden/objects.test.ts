// Every API object of an init, against those that `kubeadm init --dry-run` created for the same config.
import { describe, expect, test } from 'vitest';
import type { InitSpec } from '../../src/config/spec.ts';
import { clusterConfigurationDocument } from '../../src/config/versions/kubeadm-v1beta4-write.ts';
import { bootstrapTokenSecret } from '../../src/manifests/bootstrap-token.ts';
import { uploadConfigObjects } from '../../src/manifests/cluster-config.ts';
import { clusterInfoObjects } from '../../src/manifests/cluster-info.ts';
import { corednsObjects } from '../../src/manifests/coredns.ts';
import { kubeProxyObjects } from '../../src/manifests/kube-proxy.ts';
import { uploadCertsObjects } from '../../src/manifests/kubeadm-certs.ts';
import { criSocketPatch, nodeMarksPatch } from '../../src/manifests/node-marks.ts';
import type { KubeObject } from '../../src/manifests/object.ts';
import { bootstrapTokenRbac } from '../../src/manifests/rbac.ts';
import { writeYaml } from '../../src/util/yaml.ts';
import { golden, goldenCases, goldenHost, patchesOf, specOf } from './support/case.ts';
import { attachedPatches, createdObjects } from './support/dryrun.ts';
import { byIdentity, rules } from './support/normalise.ts';

const now = new Date('2026-11-21T02:54:14Z');

test.each(goldenCases)('%s: the objects of init are those that kubeadm created', (name) => {
  // kubeadm 1.28 writes v1beta3 here; the config tests of that version compare it.
  const isCompared = ({ metadata }: KubeObject): boolean =>
    !name.startsWith('v1.28') || metadata.name !== 'kubeadm-config';
  const wanted = byIdentity(createdObjects(golden(name, 'dryrun.txt')).filter(isCompared));
  const made = byIdentity(objectsOf(specOf(name), patchesOf(name)).filter(isCompared));
  expect(Object.keys(made).toSorted()).toEqual(Object.keys(wanted).toSorted());
  expect(made).toEqual(wanted);
});

describe('the signature of a generated component config', () => {
  test.each([
    ['v1.36.3/default', 'kubelet-config', 'sha256:26488e9fc7c5cb5fdda9996cda2e6651a9af5febce07ea02de11bd3ef3f49e9c'],
    ['v1.36.3/default', 'kube-proxy', 'sha256:464d05593cb2685bdb1eda68db463cc245cf71d2d80c516ffc1c4f66a2a4157f'],
    ['v1.36.3/external-etcd', 'kube-proxy', 'sha256:009f2a4f1965400424c6d203c11008b597b5b48b6c969a6cc47fdc3351978831'],
    ['v1.28.15/default', 'kubelet-config', 'sha256:1a57e3f87b04a6bde4ecbbdc2a102ed31a3de10425da3154f44eaf02012235cc'],
  ] as const)('%s: %s is signed with the hash that kubeadm computed', (name, configMap, hash) => {
    const object = objectsOf(specOf(name), []).find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === configMap);
    expect(object?.metadata.annotations).toEqual({ 'kubeadm.kubernetes.io/component-config.hash': hash });
  });

  test('a config that the user supplied is not signed', () => {
    const objects = objectsOf(specOf('v1.36.3/tuned-v1beta4'), []);
    const configs = objects.filter(({ metadata }) => ['kubelet-config', 'kube-proxy'].includes(metadata.name));
    expect(configs.filter(({ kind }) => kind === 'ConfigMap').map(({ metadata }) => metadata.annotations)).toEqual([
      undefined,
      undefined,
    ]);
  });
});

test('v1.28.15/default: the node is marked by the patches that kubeadm sent', () => {
  const spec = specOf('v1.28.15/default');
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'master1' } };
  expect([criSocketPatch(node, spec.node.criSocket, spec.cluster), nodeMarksPatch(node, spec.node.taints)]).toEqual(
    attachedPatches(golden('v1.28.15/default', 'dryrun.txt')),
  );
});

test('v1.28.15/tuned-v1beta3: a node with an empty list of taints is only labelled', () => {
  const spec = specOf('v1.28.15/tuned-v1beta3');
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'cp-one' } };
  expect([criSocketPatch(node, spec.node.criSocket, spec.cluster), nodeMarksPatch(node, spec.node.taints)]).toEqual(
    attachedPatches(golden('v1.28.15/tuned-v1beta3', 'dryrun.txt')),
  );
});

test('every rule of what does not count has a name and a reason', () => {
  expect(new Set(rules.map(({ name }) => name)).size).toBe(rules.length);
  expect(rules.every(({ reason }) => reason.length > 20)).toBe(true);
});

function objectsOf(spec: InitSpec, patches: ReturnType<typeof patchesOf>): readonly KubeObject[] {
  const { cluster } = spec;
  return [
    ...uploadConfigObjects(clusterConfigurationDocument(cluster), cluster.kubelet),
    ...uploadCertsObjects({ id: 'abc123', secret: '0123456789abcdef', expires: now }, encryptedValues(spec)),
    ...spec.bootstrapTokens.map((token) => bootstrapTokenSecret(token, now)),
    ...bootstrapTokenRbac(cluster.version),
    ...clusterInfoObjects(clusterInfoText(spec)),
    ...corednsObjects(cluster, { patches }),
    ...kubeProxyObjects(cluster, spec.localAPIEndpoint, goldenHost.proxyEnvironment),
  ];
}

function encryptedValues(spec: InitSpec): Record<string, string> {
  const etcd =
    spec.cluster.etcd.kind === 'local'
      ? ['etcd-ca.crt', 'etcd-ca.key']
      : ['external-etcd-ca.crt', 'external-etcd.crt', 'external-etcd.key'];
  const names = ['ca.crt', 'ca.key', 'front-proxy-ca.crt', 'front-proxy-ca.key', 'sa.key', 'sa.pub', ...etcd];
  return Object.fromEntries(names.map((name) => [name, 'bm90IHJlYWw=']));
}

function clusterInfoText(spec: InitSpec): string {
  const { advertiseAddress, bindPort } = spec.localAPIEndpoint;
  const server = `https://${spec.cluster.controlPlaneEndpoint ?? `${advertiseAddress}:${bindPort}`}`;
  return writeYaml({
    apiVersion: 'v1',
    clusters: [{ cluster: { 'certificate-authority-data': 'LS0t', server }, name: '' }],
    contexts: null,
    'current-context': '',
    kind: 'Config',
    users: null,
  });
}
