// What is said about a PKI that cannot be used: where, what was found, what to do.
import type { Problem } from '../errors.ts';
import { belongsTo, describePair, outsideValidity, whyNotChained, type Pair } from './inspect.ts';
import type { CertificateFile } from './x509.ts';

const authorityTitles: Readonly<Record<string, string>> = {
  ca: 'the cluster CA',
  'front-proxy-ca': 'the front-proxy CA',
  'etcd-ca': 'the etcd CA',
};

/** `the etcd CA`, `the certificate apiserver` */
function titleOf({ plan: { name } }: Pair): string {
  return authorityTitles[name] ?? `the certificate ${name}`;
}

const phaseOf = (pair: Pair): string => `certs/${pair.plan.name}`;

/** The CA is gone and certificates that it signed are not. */
export function withoutAuthority(pair: Pair, signed: readonly Pair[]): Problem {
  const paths = signed.map(({ certificatePath }) => certificatePath);
  return {
    code: 'KB_PKI_INCOMPLETE',
    summary: `${titleOf(pair)} is missing, what it signed is not`,
    phase: phaseOf(pair),
    detail: `${describePair(pair)}; ${paths.join(', ')} ${paths.length === 1 ? 'exists' : 'exist'}`,
    fix: `put ${pair.certificatePath} and ${pair.keyPath} back, or move those certificates and their keys away to get new ones`,
  };
}

/** One file of the pair is missing or cannot be read. */
export function halfWritten(pair: Pair): Problem {
  const isBroken = pair.certificate.kind === 'broken' || pair.key.kind === 'broken';
  return {
    code: isBroken ? 'KB_CERT_INVALID' : 'KB_PKI_INCOMPLETE',
    summary: isBroken ? `${titleOf(pair)} cannot be read` : `${titleOf(pair)} is not complete`,
    phase: phaseOf(pair),
    detail: describePair(pair),
    fix: `put the right ${pair.certificatePath} and ${pair.keyPath} there, or move ${pair.plan.signer === 'self' ? 'both and all certificates they signed' : 'both'} away to let kbinit make new ones`,
  };
}

/** What stands at a CA's place and cannot be one. */
export function notAuthority(pair: Pair, [ca]: CertificateFile): readonly Problem[] {
  const found = whyNotAuthority(ca);
  if (found === undefined) return [];
  return [
    {
      code: 'KB_CERT_NOT_CA',
      summary: `${titleOf(pair)} cannot be used as a CA`,
      phase: phaseOf(pair),
      detail: `${pair.certificatePath} (${ca.subject.commonName}) ${found}`,
      fix: `put a CA certificate at ${pair.certificatePath}, with the basic constraint CA:TRUE and the key usage keyCertSign`,
    },
  ];
}

/** Go keeps these apart, and OpenSSL does not: kubeadm takes a CA of the second kind, and nothing it signs is valid. */
function whyNotAuthority(ca: CertificateFile[0]): string | undefined {
  if (!ca.isCa) return 'has no basic constraint CA:TRUE';
  if (!ca.maySign) return 'has a key usage without keyCertSign: Kubernetes accepts no certificate that it signs';
  return ca.unknownCritical.length === 0
    ? undefined
    : `has the critical extension ${ca.unknownCritical.join(', ')}, which Kubernetes does not know: it accepts no certificate below it`;
}

/** The controller manager signs with a single certificate (kubernetes/pkg/controller/certificates/signer). */
export function severalCertificates(pair: Pair, file: CertificateFile): readonly Problem[] {
  if (pair.plan.name !== 'ca' || pair.key.kind !== 'good' || file.length === 1) return [];
  return [
    {
      code: 'KB_CERT_INVALID',
      summary: `${titleOf(pair)} is a bundle`,
      phase: phaseOf(pair),
      detail: `${pair.certificatePath} holds ${file.length} certificates; kube-controller-manager requires exactly one for ${pair.keyPath}`,
      fix: `leave the certificate of ${pair.keyPath} alone in ${pair.certificatePath}; a bundle is possible with a CA key that is kept elsewhere`,
    },
  ];
}

/** etcd, and the API server for it, read every block of this file as a certificate (etcd, tlsutil.NewCertPool). */
export function blocksForEtcd(pair: Pair): readonly Problem[] {
  const { certificatePath, otherBlocks } = pair;
  if (pair.plan.name !== 'etcd-ca' || otherBlocks.length === 0) return [];
  return [
    {
      code: 'KB_CERT_INVALID',
      summary: `${titleOf(pair)} is not alone in its file`,
      phase: phaseOf(pair),
      detail: `${certificatePath} also holds ${[...new Set(otherBlocks)].map((label) => `a block ${label}`).join(', ')}; etcd starts only where this file holds certificates alone`,
      fix: `leave only certificates in ${certificatePath}`,
    },
  ];
}

/** The key is of another certificate. */
export function mismatch(pair: Pair): readonly Problem[] {
  const { certificate, key, certificatePath, keyPath } = pair;
  if (certificate.kind !== 'good' || key.kind !== 'good' || belongsTo(certificate.value[0], key.value)) return [];
  return [
    {
      code: 'KB_CERT_KEY_MISMATCH',
      summary: `the key of ${titleOf(pair)} is another one's`,
      phase: phaseOf(pair),
      detail: `${certificatePath} holds another public key than that of ${keyPath}`,
      fix: `put the key of this certificate at ${keyPath}, or move both away to let kbinit generate a new pair`,
    },
  ];
}

/** The certificate has expired or has not begun. */
export function invalidNow(pair: Pair, [certificate]: CertificateFile, now: Date): readonly Problem[] {
  const found = outsideValidity(certificate, now);
  if (found === undefined) return [];
  const isExpired = now > certificate.notAfter;
  const renewal =
    pair.plan.signer === 'self'
      ? 'put a valid CA there; certificates signed by the old one must be reissued'
      : `put a valid certificate there, or move ${pair.certificatePath} and ${pair.keyPath} away to get a new pair`;
  return [
    {
      code: isExpired ? 'KB_CERT_EXPIRED' : 'KB_CERT_NOT_YET_VALID',
      summary: `${titleOf(pair)} ${isExpired ? 'has expired' : 'is not valid yet'}`,
      phase: phaseOf(pair),
      detail: `${pair.certificatePath} ${found}; it is ${now.toISOString()}`,
      fix: isExpired ? renewal : `check the clock of this machine; if it is right, ${renewal}`,
    },
  ];
}

/** Another CA signed it. */
export function unchained(pair: Pair, file: CertificateFile, ca: CertificateFile[0]): readonly Problem[] {
  const found = whyNotChained(file, ca);
  if (found === undefined) return [];
  return [
    {
      code: 'KB_CERT_CHAIN',
      summary: `${titleOf(pair)} was not signed by its CA`,
      phase: phaseOf(pair),
      detail: `${pair.certificatePath} ${found}`,
      fix: `put the certificate that ${pair.plan.signer} signed there, or move ${pair.certificatePath} and ${pair.keyPath} away to get a new pair`,
    },
  ];
}

/** A leaf is to be made before its CA. */
export function noAuthorityYet(pair: Pair): Problem {
  return {
    code: 'KB_PKI_INCOMPLETE',
    summary: `${titleOf(pair)} does not exist yet`,
    phase: phaseOf(pair),
    detail: describePair(pair),
    fix: `run \`kbinit init phase certs ${pair.plan.name}\` first`,
  };
}

/** The CA cannot sign the certificates of these paths. */
export function keyMissing(ca: Pair, unmade: readonly string[]): Problem {
  const paths = unmade.join(', ');
  return {
    code: 'KB_CA_KEY_MISSING',
    summary: `${titleOf(ca)} has a certificate but no key`,
    phase: phaseOf(ca),
    detail: `${ca.certificatePath} exists, ${ca.keyPath} does not, and ${paths} must be signed`,
    fix: `copy the key to ${ca.keyPath}; or, with a CA that is kept elsewhere, have it sign ${paths} and put them there with their keys; or move ${ca.certificatePath} and all certificates it signed away to let kbinit make new ones`,
  };
}
