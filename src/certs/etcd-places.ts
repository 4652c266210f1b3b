// Where the certificates of an etcd cluster outside Kubernetes are: on its members' hosts, and with who uses it.
import type { EtcdMemberSpec } from '../config/etcd-cluster.ts';
import type { CertificatePlan } from './plan.ts';

/** Texts by absolute path. */
type Texts = ReadonlyMap<string, string>;

/** Somewhere that certificates of the cluster are, or are to be. */
export interface EtcdPkiPlace {
  /** The host's name. */
  readonly name: string;
  /** The pairs that belong there, beside the CA's certificate. */
  readonly leaves: readonly CertificatePlan[];
  readonly authority: CertificatePlan;
  readonly folder: string;
  readonly existing: Texts;
}

/** The CA's pair; only one place has its key. */
export const authorityPlan = (base: string): CertificatePlan => ({
  name: 'etcd-ca',
  base,
  signer: 'self',
  subject: { commonName: 'etcd-ca', organizations: [] },
  usages: [],
  altNames: { dnsNames: ['etcd-ca'], ipAddresses: [] },
});

/** Where a member's pairs are: both serve and call (etcd's gateway calls its own server, etcd-io/etcd#9785). */
export function memberPlace(
  member: EtcdMemberSpec,
  moreNames: readonly string[],
  at: { readonly folder: string; readonly existing: Texts },
): EtcdPkiPlace {
  const altNames = {
    dnsNames: [...new Set([member.name, ...moreNames, 'localhost'])].toSorted(),
    ipAddresses: [...new Set([member.address, '127.0.0.1', '::1'])],
  };
  const leaf = (name: string, base: string): CertificatePlan => ({
    name,
    base,
    signer: 'etcd-ca',
    subject: { commonName: member.name, organizations: [] },
    usages: ['serverAuth', 'clientAuth'],
    altNames,
  });
  const leaves = [leaf('etcd-server', 'server'), leaf('etcd-peer', 'peer')];
  return { name: member.name, authority: authorityPlan('ca'), leaves, ...at };
}

/** Where the API server's pair is. `caBase` is `etcd/ca` below /etc/kubernetes/pki. */
export function clientPlace(
  name: string,
  at: { readonly folder: string; readonly caBase: string; readonly existing: Texts },
): EtcdPkiPlace {
  const { folder, caBase, existing } = at;
  const leaf: CertificatePlan = {
    name: 'apiserver-etcd-client',
    base: 'apiserver-etcd-client',
    signer: 'etcd-ca',
    subject: { commonName: 'kube-apiserver-etcd-client', organizations: [] },
    usages: ['clientAuth'],
    altNames: { dnsNames: [], ipAddresses: [] },
  };
  return { name, authority: authorityPlan(caBase), leaves: [leaf], folder, existing };
}

/** Every file of a place, for one read of what exists. */
export function placeFiles({ authority, leaves, folder }: Omit<EtcdPkiPlace, 'existing'>): readonly string[] {
  return [authority, ...leaves].flatMap(({ base }) => [`${folder}/${base}.crt`, `${folder}/${base}.key`]);
}
