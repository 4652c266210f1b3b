// Image names as kubeadm composes them (spec 04 §8).
import type { ClusterSpec } from '../config/spec.ts';
import { releaseOf } from './releases.ts';
import { formatVersion } from './version.ts';

const defaultRepository = 'registry.k8s.io';

function release(cluster: ClusterSpec): { etcd: string; pause: string; coredns: string } {
  const row = releaseOf(cluster.version);
  if (row === undefined) throw new Error(`no release row for ${formatVersion(cluster.version)}`);
  return row;
}

/** An image tag cannot hold the `+` of a version's build metadata. */
function controlPlaneTag(cluster: ClusterSpec): string {
  return formatVersion(cluster.version).replaceAll(/[^-\w.]/g, '_');
}

/** kube-apiserver, kube-controller-manager, kube-scheduler or kube-proxy. */
export function kubernetesImage(cluster: ClusterSpec, name: string): string {
  return `${cluster.imageRepository}/${name}:${controlPlaneTag(cluster)}`;
}

export function pauseImage(cluster: ClusterSpec): string {
  return `${cluster.imageRepository}/pause:${release(cluster).pause}`;
}

export function etcdImage(cluster: ClusterSpec): string {
  const local = cluster.etcd.kind === 'local' ? cluster.etcd : undefined;
  return `${local?.imageRepository ?? cluster.imageRepository}/etcd:${local?.imageTag ?? release(cluster).etcd}`;
}

/** Only the default registry has CoreDNS in a folder of its own. */
export function corednsImage(cluster: ClusterSpec): string {
  const repository = cluster.dns.imageRepository ?? cluster.imageRepository;
  const name = repository === defaultRepository ? 'coredns/coredns' : 'coredns';
  return `${repository}/${name}:${cluster.dns.imageTag ?? release(cluster).coredns}`;
}

/** The images a control-plane host needs, in the order of `kubeadm config images list`. */
export function controlPlaneImages(cluster: ClusterSpec): readonly string[] {
  return [
    kubernetesImage(cluster, 'kube-apiserver'),
    kubernetesImage(cluster, 'kube-controller-manager'),
    kubernetesImage(cluster, 'kube-scheduler'),
    ...(cluster.proxy.isDisabled ? [] : [kubernetesImage(cluster, 'kube-proxy')]),
    ...(cluster.dns.isDisabled ? [] : [corednsImage(cluster)]),
    pauseImage(cluster),
    ...(cluster.etcd.kind === 'local' ? [etcdImage(cluster)] : []),
  ];
}
