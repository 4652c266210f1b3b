import { describe, expect, test } from 'vitest';
import { controlPlaneImages, corednsImage, etcdImage, pauseImage } from '../../../src/kube/images.ts';
import { cluster, localEtcd, v } from '../manifests/fixture.ts';

const mirror = 'registry.aliyuncs.com/google_containers';

test('the images of a control plane come in the order of kubeadm config images list', () => {
  expect(controlPlaneImages(cluster())).toEqual([
    'registry.k8s.io/kube-apiserver:v1.36.3',
    'registry.k8s.io/kube-controller-manager:v1.36.3',
    'registry.k8s.io/kube-scheduler:v1.36.3',
    'registry.k8s.io/kube-proxy:v1.36.3',
    'registry.k8s.io/coredns/coredns:v1.14.2',
    'registry.k8s.io/pause:3.10.2',
    'registry.k8s.io/etcd:3.6.8-0',
  ]);
});

test('what is turned off or elsewhere needs no image', () => {
  const etcd = { kind: 'external', endpoints: [], httpEndpoints: [], caFile: '', certFile: '', keyFile: '' } as const;
  const images = controlPlaneImages(cluster({ etcd, dns: { isDisabled: true }, proxy: { isDisabled: true } }));
  expect(images.map((image) => image.replace(/^.*\/(.*):.*$/, '$1'))).toEqual([
    'kube-apiserver',
    'kube-controller-manager',
    'kube-scheduler',
    'pause',
  ]);
});

describe('repositories', () => {
  test('only the default registry has a folder for CoreDNS', () => {
    expect(corednsImage(cluster({ imageRepository: mirror }))).toBe(`${mirror}/coredns:v1.14.2`);
    const dns = { isDisabled: false, imageRepository: 'registry.k8s.io', imageTag: 'v1.9.9' };
    expect(corednsImage(cluster({ imageRepository: mirror, dns }))).toBe('registry.k8s.io/coredns/coredns:v1.9.9');
  });

  test('etcd may have its own, the pause image has not', () => {
    const etcd = { ...localEtcd, imageRepository: 'mirror.example', imageTag: '3.5.1-0' };
    expect(etcdImage(cluster({ etcd }))).toBe('mirror.example/etcd:3.5.1-0');
    expect(pauseImage(cluster({ etcd, imageRepository: mirror }))).toBe(`${mirror}/pause:3.10.2`);
  });
});

test('a patch with constants of its own has them', () => {
  expect(etcdImage(cluster({ version: v(25, 7) }))).toBe('registry.k8s.io/etcd:3.5.6-0');
  expect(etcdImage(cluster({ version: v(25, 16) }))).toBe('registry.k8s.io/etcd:3.5.9-0');
});
