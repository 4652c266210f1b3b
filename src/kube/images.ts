// Image names as kubeadm composes them (spec 04 §8).
import type { ClusterSpec } from '../config/spec.ts';
import { releaseOf } from './releases.ts';
import { formatVersion } from './version.ts';

const defaultRepository = 'registry.k8s.io';

/** What an image name needs to know of the cluster. */
type Images = Pick<ClusterSpec, 'version' | 'imageRepository'>;
type EtcdImages = Images & {
  readonly etcd:
    | { readonly kind: 'external' }
    | { readonly kind: 'local'; readonly imageRepository?: string; readonly imageTag?: string };
};
type DnsImages = Images & Pick<ClusterSpec, 'dns'>;

function release(cluster: Pick<ClusterSpec, 'version'>): { etcd: string; pause: string; coredns: string } {
  const row = releaseOf(cluster.version);
  if (row === undefined) throw new Error(`no release row for ${formatVersion(cluster.version)}`);
  return row;
}

/** An image tag cannot hold the `+` of a version's build metadata. */
function controlPlaneTag(cluster: Images): string {
  return formatVersion(cluster.version).replaceAll(/[^-\w.]/g, '_');
}

/** kube-apiserver, kube-controller-manager, kube-scheduler or kube-proxy. */
export function kubernetesImage(cluster: Images, name: string): string {
  return `${cluster.imageRepository}/${name}:${controlPlaneTag(cluster)}`;
}

/** The sandbox image; always from the cluster's own repository. */
export function pauseImage(cluster: Images): string {
  return `${cluster.imageRepository}/pause:${release(cluster).pause}`;
}

/** etcd's image; its repository and tag can be set apart from the cluster's. */
export function etcdImage(cluster: EtcdImages): string {
  const local = cluster.etcd.kind === 'local' ? cluster.etcd : undefined;
  return `${local?.imageRepository ?? cluster.imageRepository}/etcd:${local?.imageTag ?? release(cluster).etcd}`;
}

/** Only the default registry has CoreDNS in a folder of its own. */
export function corednsImage(cluster: DnsImages): string {
  const repository = cluster.dns.imageRepository ?? cluster.imageRepository;
  const name = repository === defaultRepository ? 'coredns/coredns' : 'coredns';
  return `${repository}/${name}:${cluster.dns.imageTag ?? release(cluster).coredns}`;
}

/** The images a control-plane host needs, in the order of `kubeadm config images list`. */
export function controlPlaneImages(cluster: EtcdImages & DnsImages & Pick<ClusterSpec, 'proxy'>): readonly string[] {
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
