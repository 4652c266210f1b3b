// The certificate table: every certificate of a control plane, who signs it, who it is, what it is good for.
import type { KubeVersion } from '../kube/version.ts';
import { bindsApiserverKubeletClient, keepsClientsOutOfMasters } from '../kube/traits.ts';
import { apiserverAltNames, etcdAltNames, type AltNameSpec } from './alt-names.ts';
import type { AltNames, ExtendedUsage, Subject } from './x509.ts';

type AuthorityName = 'ca' | 'front-proxy-ca' | 'etcd-ca';

export interface CertificatePlan {
  /** The sub-phase's name. */
  readonly name: string;
  /** Path below the certificates folder, without .crt and .key. */
  readonly base: string;
  readonly signer: 'self' | AuthorityName;
  readonly subject: Subject;
  readonly usages: readonly ExtendedUsage[];
  readonly altNames: AltNames;
}

/** kubeadm's files are made in this order; a CA stands before what it signs. Source: spec 04 §1.1. */
export const certificatePhaseNames: readonly { readonly name: string; readonly summary: string }[] = [
  { name: 'ca', summary: 'Generate the self-signed Kubernetes CA' },
  { name: 'apiserver', summary: 'Generate the serving certificate of the API server' },
  { name: 'apiserver-kubelet-client', summary: 'Generate the certificate for the API server to connect to kubelets' },
  { name: 'front-proxy-ca', summary: 'Generate the self-signed CA of the front proxy' },
  { name: 'front-proxy-client', summary: 'Generate the client certificate of the front proxy' },
  { name: 'etcd-ca', summary: 'Generate the self-signed CA of etcd' },
  { name: 'etcd-server', summary: 'Generate the serving certificate of etcd' },
  { name: 'etcd-peer', summary: 'Generate the certificate for etcd members to communicate with each other' },
  { name: 'etcd-healthcheck-client', summary: 'Generate the etcd health-check client certificate' },
  { name: 'apiserver-etcd-client', summary: 'Generate the certificate for the API server to connect to etcd' },
  { name: 'sa', summary: 'Generate the key pair that signs service account tokens' },
];

const nobody: AltNames = { dnsNames: [], ipAddresses: [] };
const client: readonly ExtendedUsage[] = ['clientAuth'];
const server: readonly ExtendedUsage[] = ['serverAuth'];
// etcd's gateway dials its own server with the server's certificate, so that one is a client's too (etcd-io/etcd#9785)
const both: readonly ExtendedUsage[] = ['serverAuth', 'clientAuth'];

/** The certificates of this control-plane node, a CA before its leaves. With external etcd there are none for etcd. */
export function certificatePlan(spec: AltNameSpec): readonly CertificatePlan[] {
  const { version, etcd } = spec.cluster;
  const node = subject(spec.node.name);
  const kubeletClient = subject('kube-apiserver-kubelet-client', kubeletClientGroups(version));
  const etcdGroups = keepsClientsOutOfMasters(version) ? [] : ['system:masters'];
  const general = [
    authority('ca', 'ca', 'kubernetes'),
    leaf('apiserver', 'apiserver', 'ca', subject('kube-apiserver'), server, apiserverAltNames(spec)),
    leaf('apiserver-kubelet-client', 'apiserver-kubelet-client', 'ca', kubeletClient, client),
    authority('front-proxy-ca', 'front-proxy-ca', 'front-proxy-ca'),
    leaf('front-proxy-client', 'front-proxy-client', 'front-proxy-ca', subject('front-proxy-client'), client),
  ];
  if (etcd.kind === 'external') return general;
  const healthcheck = subject('kube-etcd-healthcheck-client', etcdGroups);
  const apiserver = subject('kube-apiserver-etcd-client', etcdGroups);
  return [
    ...general,
    authority('etcd-ca', 'etcd/ca', 'etcd-ca'),
    leaf('etcd-server', 'etcd/server', 'etcd-ca', node, both, etcdAltNames(spec, etcd.serverCertSANs)),
    leaf('etcd-peer', 'etcd/peer', 'etcd-ca', node, both, etcdAltNames(spec, etcd.peerCertSANs)),
    leaf('etcd-healthcheck-client', 'etcd/healthcheck-client', 'etcd-ca', healthcheck, client),
    leaf('apiserver-etcd-client', 'apiserver-etcd-client', 'etcd-ca', apiserver, client),
  ];
}

/** Every file of the plan and the service-account pair, for one read of what exists. */
export function pkiPaths(plan: readonly CertificatePlan[], certificatesDir: string): readonly string[] {
  const pairs = plan.flatMap(({ base }) => [`${base}.crt`, `${base}.key`]);
  return [...pairs, 'sa.key', 'sa.pub'].map((file) => `${certificatesDir}/${file}`);
}

/** How many key pairs a first init makes: certificates, the service-account pair, kubeconfigs. */
export function neededKeys(plan: readonly CertificatePlan[], kubeconfigs = 5): number {
  return plan.length + 1 + kubeconfigs;
}

function subject(commonName: string, organizations: readonly string[] = []): Subject {
  return { commonName, organizations };
}

/** The API server's right to call kubelets came from its group until it got a binding of its own (1.36). */
function kubeletClientGroups(version: KubeVersion): readonly string[] {
  if (!keepsClientsOutOfMasters(version)) return ['system:masters'];
  return bindsApiserverKubeletClient(version) ? [] : ['kubeadm:cluster-admins'];
}

/** A CA names itself among its DNS names, as client-go's self-signed CAs do. */
function authority(name: AuthorityName, base: string, commonName: string): CertificatePlan {
  const altNames: AltNames = { dnsNames: [commonName], ipAddresses: [] };
  return { name, base, signer: 'self', subject: subject(commonName), usages: [], altNames };
}

function leaf(
  name: string,
  base: string,
  signer: AuthorityName,
  who: Subject,
  usages: readonly ExtendedUsage[],
  altNames: AltNames = nobody,
): CertificatePlan {
  return { name, base, signer, subject: who, usages, altNames };
}
