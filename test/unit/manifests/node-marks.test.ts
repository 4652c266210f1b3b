import { describe, expect, test } from 'vitest';
import type { Taint } from '../../../src/config/spec.ts';
import { controlPlaneLabels, criSocketPatch, nodeMarksPatch } from '../../../src/manifests/node-marks.ts';
import type { KubeObject } from '../../../src/manifests/object.ts';
import { v } from './fixture.ts';

function node(labels: Readonly<Record<string, string>>, taints: readonly Taint[]): KubeObject {
  return { apiVersion: 'v1', kind: 'Node', metadata: { name: 'master1', labels }, spec: { taints } };
}

const controlPlane = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' };
const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

describe('marking a control plane', () => {
  test('labels it and puts its taint before those it has', () => {
    expect(nodeMarksPatch(node({}, [notReady]), undefined)).toEqual({
      metadata: { labels: controlPlaneLabels },
      spec: { taints: [controlPlane, notReady] },
    });
  });

  test('changes nothing on a node that is marked, wherever its taint stands', () => {
    expect(nodeMarksPatch(node(controlPlaneLabels, [notReady, controlPlane]), undefined)).toBeUndefined();
  });

  test('names only what is missing', () => {
    expect(nodeMarksPatch(node(controlPlaneLabels, []), undefined)).toEqual({ spec: { taints: [controlPlane] } });
    expect(nodeMarksPatch(node({ 'node-role.kubernetes.io/control-plane': '' }, [controlPlane]), undefined)).toEqual({
      metadata: { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } },
    });
  });

  test('an empty list of taints adds none and takes none away', () => {
    expect(nodeMarksPatch(node(controlPlaneLabels, [notReady]), [])).toBeUndefined();
  });

  test('a taint of another value is another taint', () => {
    const wanted = [{ key: 'dedicated', value: 'a', effect: 'NoSchedule' }];
    const existing = { key: 'dedicated', value: 'b', effect: 'NoSchedule' };
    expect(nodeMarksPatch(node(controlPlaneLabels, [existing]), wanted)).toEqual({
      spec: { taints: [...wanted, existing] },
    });
  });

  test('a node without labels and spec is one without marks', () => {
    const bare = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'master1' } };
    expect(nodeMarksPatch(bare, undefined)).toEqual({
      metadata: { labels: controlPlaneLabels },
      spec: { taints: [controlPlane] },
    });
  });
});

describe('the CRI socket', () => {
  const socket = 'unix:///run/containerd/containerd.sock';

  test('is an annotation only where it is in no local file, and only once', () => {
    const old = { version: v(33), featureGates: {} };
    const patch = { metadata: { annotations: { 'kubeadm.alpha.kubernetes.io/cri-socket': socket } } };
    expect(criSocketPatch(node({}, []), socket, old)).toEqual(patch);
    expect(criSocketPatch(node({}, []), socket, { version: v(34), featureGates: {} })).toBeUndefined();
    const annotated = { ...node({}, []), metadata: { name: 'master1', ...patch.metadata } };
    expect(criSocketPatch(annotated, socket, old)).toBeUndefined();
  });
});
