// Where stacked etcd members listen, as the cluster knows it: an annotation of each member's static Pod (kubeadm's way).
import type { Api } from '../../cluster/types.ts';

const clientUrlsAnnotation = 'kubeadm.kubernetes.io/etcd.advertise-client-urls';

/** Client URLs of all members that the API server has a mirror Pod of. */
export async function podEndpoints(api: Api): Promise<readonly string[]> {
  const pods = await api.list(
    { apiVersion: 'v1', kind: 'Pod', namespace: 'kube-system' },
    { labels: 'component=etcd,tier=control-plane' },
  );
  return pods.flatMap(({ metadata }) => metadata.annotations?.[clientUrlsAnnotation]?.split(',') ?? []);
}
