// A new certificate for an old one: the same subject, names and usages, a new key, new dates (spec 06 §6).
import type { ClusterSpec } from '../config/spec.ts';
import type { KeyAlgorithm, KeyPair } from '../util/keygen.ts';
import { inspectPair, type Disk, type Pair } from './inspect.ts';
import { issueLeaf, type Authority, type Circumstances } from './issue.ts';
import { pkiKeyAlgorithm } from './keys.ts';
import type { CertificatePlan } from './plan.ts';
import { halfWritten, invalidNow, mismatch, notAuthority } from './problems.ts';
import type { Problem } from '../errors.ts';
import { readCertificates, type Certificate } from './x509.ts';

/** What of a cluster renewing depends on. */
export type RenewingCluster = Circumstances['cluster'] &
  Pick<ClusterSpec, 'certificatesDir' | 'encryptionAlgorithm' | 'featureGates'> & {
    readonly etcd: Pick<ClusterSpec['etcd'], 'kind'>;
  };

export type AuthorityName = 'ca' | 'front-proxy-ca' | 'etcd-ca';

/** Whether a CA can sign here. */
export type Signer =
  | { readonly kind: 'ready'; readonly authority: Authority }
  /** Its key is kept elsewhere. */
  | { readonly kind: 'external'; readonly certificate: Certificate }
  | { readonly kind: 'unusable'; readonly problems: readonly Problem[] };

const authorityBases: Readonly<Record<AuthorityName, string>> = {
  ca: 'ca',
  'front-proxy-ca': 'front-proxy-ca',
  'etcd-ca': 'etcd/ca',
};

/** The pair of a CA as it is on disk. */
export function authorityPair(name: AuthorityName, disk: Disk): Pair {
  const plan: CertificatePlan = {
    name,
    base: authorityBases[name],
    signer: 'self',
    subject: { commonName: '', organizations: [] },
    usages: [],
    altNames: { dnsNames: [], ipAddresses: [] },
  };
  return inspectPair(plan, disk);
}

/** Judge a CA: it has to be one, valid now, with its own key or with none. */
export function surveySigner(name: AuthorityName, disk: Disk, now: Date): Signer {
  const pair = authorityPair(name, disk);
  const { certificate, key } = pair;
  if (certificate.kind !== 'good' || key.kind === 'broken') {
    return { kind: 'unusable', problems: [halfWritten(pair)] };
  }
  if (key.kind === 'absent') return { kind: 'external', certificate: certificate.value[0] };
  const problems = [
    ...notAuthority(pair, certificate.value),
    ...mismatch(pair),
    ...invalidNow(pair, certificate.value, now),
  ];
  if (problems.length > 0) return { kind: 'unusable', problems };
  return { kind: 'ready', authority: { certificate: certificate.value[0], key: key.value } };
}

/** The same certificate once more. Its dates are those of the PKI's leaves, also inside a kubeconfig. */
export function reissue(
  old: Certificate,
  key: KeyPair,
  authority: Authority,
  circumstances: Circumstances,
): Certificate {
  const { subject, usages, altNames } = old;
  const pem = issueLeaf({ subject, usages, altNames, begins: 'by-version' }, key.publicPem, authority, circumstances);
  const [certificate] = readCertificates(pem);
  if (certificate === undefined) throw new TypeError(`the new certificate of ${subject.commonName} cannot be read`);
  return certificate;
}

/** The algorithm of the new key: the configured one; without a configuration, that of the old key. */
export function renewedKeyAlgorithm(old: Certificate, cluster: RenewingCluster, isConfigured: boolean): KeyAlgorithm {
  return (isConfigured ? undefined : algorithmOf(old)) ?? pkiKeyAlgorithm(cluster);
}

function algorithmOf({ publicKey }: Certificate): KeyAlgorithm | undefined {
  const { namedCurve = '', modulusLength = 0 } = publicKey.asymmetricKeyDetails ?? {};
  const byCurve: Readonly<Record<string, KeyAlgorithm>> = { prime256v1: 'ECDSA-P256', secp384r1: 'ECDSA-P384' };
  const byLength: Readonly<Record<number, KeyAlgorithm>> = { 2048: 'RSA-2048', 3072: 'RSA-3072', 4096: 'RSA-4096' };
  return byCurve[namedCurve] ?? byLength[modulusLength];
}
