// Which images a cluster of this version needs, and where.
import { controlPlaneImages, etcdImage, kubernetesImage } from '../kube/images.ts';
import type { KubeVersion } from '../kube/version.ts';
import { flannelImages } from '../manifests/flannel.ts';
import type { BundleLock, LockedImage } from './lock.ts';

/** What the list depends on. */
export interface ImageWish {
  readonly version: KubeVersion;
  readonly imageRepository: string;
  readonly network: BundleLock['network'];
}

/** kubeadm's images, and those of the Pod network that kbinit installs, which come from its own registry. */
export function wantedImages(wish: ImageWish): readonly Pick<LockedImage, 'name' | 'only'>[] {
  const { version, imageRepository } = wish;
  const cluster = {
    version,
    imageRepository,
    etcd: { kind: 'local' as const },
    dns: { isDisabled: false },
    proxy: { isDisabled: false },
  };
  const components = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
  const staticPods = new Set([...components.map((name) => kubernetesImage(cluster, name)), etcdImage(cluster)]);
  const { daemon, plugin } = flannelImages();
  return [
    ...controlPlaneImages(cluster).map((name) => ({
      name,
      ...(staticPods.has(name) && { only: 'control-plane' as const }),
    })),
    ...(wish.network === 'flannel' ? [{ name: daemon }, { name: plugin }] : []),
  ];
}
