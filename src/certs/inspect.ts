// What is on disk of one certificate pair: good, broken or absent, and what is wrong with a certificate.
import type { KeyObject } from 'node:crypto';
import { readAsGo } from './go-certificate.ts';
import { isSamePair, judgePrivateKey } from './keys.ts';
import type { CertificatePlan } from './plan.ts';
import { pemBlocks } from '../util/pem.ts';
import type { Reading } from './reading.ts';
import { judgeCertificates, refusedSignatures, type Certificate, type CertificateFile } from './x509.ts';

/** One file of a pair. */
export type Part<T> = { readonly kind: 'absent' } | Reading<T>;

export interface Pair {
  readonly plan: CertificatePlan;
  readonly certificatePath: string;
  readonly keyPath: string;
  readonly certificate: Part<CertificateFile>;
  readonly key: Part<KeyObject>;
  /** Labels of the blocks of the certificate's file that are no certificates. */
  readonly otherBlocks: readonly string[];
  /** Every file there is was being written by this spec's own earlier run. */
  readonly isOurs: boolean;
}

export interface Disk {
  readonly existing: ReadonlyMap<string, string>;
  readonly journal: ReadonlySet<string>;
  readonly certificatesDir: string;
}

/** Read one row's pair from what exists. */
export function inspectPair(plan: CertificatePlan, { existing, journal, certificatesDir }: Disk): Pair {
  const certificatePath = `${certificatesDir}/${plan.base}.crt`;
  const keyPath = `${certificatesDir}/${plan.base}.key`;
  const present = [certificatePath, keyPath].filter((path) => existing.has(path));
  return {
    plan,
    certificatePath,
    keyPath,
    certificate: inspect(existing.get(certificatePath), judgeCertificates),
    key: inspect(existing.get(keyPath), (text) => judgePrivateKey(text, plan.signer === 'self' ? 'ca' : 'tls')),
    otherBlocks: labelsOfOthers(existing.get(certificatePath) ?? ''),
    isOurs: present.every((path) => journal.has(path)),
  };
}

/** Of the blocks that are no certificate, whatever they are called. */
function labelsOfOthers(text: string): readonly string[] {
  const others = pemBlocks(text).filter(({ der }) => {
    try {
      readAsGo(der);
      return false;
    } catch {
      return true;
    }
  });
  return others.map(({ label }) => label);
}

/** Judge a file's text, where there is one. */
export function inspect<T>(text: string | undefined, read: (text: string) => Reading<T>): Part<T> {
  return text === undefined ? { kind: 'absent' } : read(text);
}

/** `ca.crt exists, ca.key is cut off`, by full paths. */
export function describePair({ certificatePath, keyPath, certificate, key }: Pair): string {
  return `${describePart(certificatePath, certificate)}; ${describePart(keyPath, key)}`;
}

/** `/etc/kubernetes/pki/sa.key is empty` */
export function describePart(path: string, part: Part<unknown>): string {
  if (part.kind === 'broken') return `${path} ${part.found}`;
  return part.kind === 'good' ? `${path} exists` : `${path} does not exist`;
}

/** Whether this private key made this certificate's public key. */
export function belongsTo(certificate: Certificate, key: KeyObject): boolean {
  return isSamePair(certificate.publicKey, key);
}

/** `expired on …` or `is not valid before …`; undefined while it is valid. */
export function outsideValidity(certificate: Certificate, now: Date): string | undefined {
  if (now > certificate.notAfter) return `expired on ${certificate.notAfter.toISOString()}`;
  // A certificate begins at a whole second, and kubeadm 1.25 begins it now.
  const begin = Math.floor(now.getTime() / 1000) * 1000;
  return begin < certificate.notBefore.getTime()
    ? `is not valid before ${certificate.notBefore.toISOString()}`
    : undefined;
}

/** Why a certificate does not lead to the CA, directly or through the intermediates of its file. */
export function whyNotChained([leaf, ...others]: CertificateFile, ca: Certificate, depth = 0): string | undefined {
  const fault = whyNeverVerified(leaf);
  if (fault !== undefined) return fault;
  if (isSignedBy(leaf, ca)) {
    return ca.pathLength === undefined || ca.pathLength >= depth
      ? undefined
      : `has ${depth} CAs between itself and ${ca.subject.commonName}, which allows ${ca.pathLength}`;
  }
  const issuer = others.find((other) => other.isCa && other.maySign && isSignedBy(leaf, other));
  if (issuer !== undefined) {
    const rest = others.filter((other) => other !== issuer);
    return whyNotChained([issuer, ...rest], ca, depth + 1);
  }
  const isSameName = leaf.issuerDer === ca.subjectDer;
  return isSameName
    ? `was signed by another CA of the name ${ca.subject.commonName}`
    : `was signed by ${leaf.issuer.commonName || 'an unnamed CA'}, not by ${ca.subject.commonName}`;
}

/** What Go holds against a certificate whoever signed it. */
function whyNeverVerified({ signatureAlgorithm, unknownCritical }: Certificate): string | undefined {
  if (refusedSignatures.has(signatureAlgorithm)) {
    return `is signed with ${signatureAlgorithm}, which Kubernetes does not verify`;
  }
  return unknownCritical.length === 0
    ? undefined
    : `has the critical extension ${unknownCritical.join(', ')}, which Kubernetes does not know`;
}

/** Whether the CA's key made this certificate's signature, in the CA's name. */
export function isSignedBy(certificate: Certificate, ca: Certificate): boolean {
  return certificate.issuerDer === ca.subjectDer && certificate.x509.verify(ca.publicKey);
}

/** Names and addresses of the plan that the certificate is not valid for. A wildcard covers one label. */
export function missingAltNames({ altNames }: CertificatePlan, certificate: Certificate): readonly string[] {
  const has = new Set([...certificate.altNames.dnsNames, ...certificate.altNames.ipAddresses]);
  const isCovered = (name: string): boolean => has.has(name) || has.has(name.replace(/^[^.]+/, '*'));
  return [
    ...altNames.dnsNames.filter((name) => !isCovered(name)),
    ...altNames.ipAddresses.filter((ip) => !has.has(ip)),
  ];
}
