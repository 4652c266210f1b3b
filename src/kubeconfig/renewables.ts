// What on a control plane ends and can be renewed: certificates of the PKI and those inside kubeconfigs, by kubeadm's names.
import type { AuthorityName, RenewingCluster } from '../certs/renew.ts';
import { paths } from '../kube/paths.ts';

/** One thing that can be renewed. */
export interface Renewable {
  readonly name: string;
  readonly title: string;
  readonly kind: 'pair' | 'kubeconfig';
  /** Path below the certificates folder without .crt, or the kubeconfig's path. */
  readonly base: string;
  readonly signer: AuthorityName;
}

/** In kubeadm's order: by name. CAs and kubelet.conf, which the kubelet renews itself, are not among them. */
export const renewables: readonly Renewable[] = [
  kubeconfig('admin.conf', paths.adminConf, "the admin's kubeconfig"),
  pair('apiserver', 'apiserver', 'ca', 'the certificate the API server serves with'),
  pair('apiserver-etcd-client', 'apiserver-etcd-client', 'etcd-ca', 'the certificate the API server calls etcd with'),
  pair(
    'apiserver-kubelet-client',
    'apiserver-kubelet-client',
    'ca',
    'the certificate the API server calls kubelets with',
  ),
  kubeconfig('controller-manager.conf', paths.controllerManagerConf, "the controller manager's kubeconfig"),
  pair('etcd-healthcheck-client', 'etcd/healthcheck-client', 'etcd-ca', 'the certificate etcd is probed with'),
  pair('etcd-peer', 'etcd/peer', 'etcd-ca', 'the certificate etcd members know each other by'),
  pair('etcd-server', 'etcd/server', 'etcd-ca', 'the certificate etcd serves with'),
  pair('front-proxy-client', 'front-proxy-client', 'front-proxy-ca', 'the certificate of the front proxy client'),
  kubeconfig('scheduler.conf', paths.schedulerConf, "the scheduler's kubeconfig"),
  kubeconfig('super-admin.conf', paths.superAdminConf, "the super-admin's kubeconfig"),
];

/** What there is to renew in this cluster: external etcd has its own certificates. */
export function renewablesOf({ etcd }: Pick<RenewingCluster, 'etcd'>): readonly Renewable[] {
  return renewables.filter(({ signer }) => etcd.kind === 'local' || signer !== 'etcd-ca');
}

/** Where an item's certificate is. */
export function pathOf(item: Renewable, { certificatesDir }: Pick<RenewingCluster, 'certificatesDir'>): string {
  return item.kind === 'pair' ? `${certificatesDir}/${item.base}.crt` : item.base;
}

function pair(name: string, base: string, signer: AuthorityName, title: string): Renewable {
  return { name, title, kind: 'pair', base, signer };
}

function kubeconfig(name: string, path: string, title: string): Renewable {
  return { name, title, kind: 'kubeconfig', base: path, signer: 'ca' };
}
