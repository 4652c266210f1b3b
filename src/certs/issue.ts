// From a plan row to a certificate: validity and serial by the rules of the cluster's version (spec 04 §1.3).
import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { ClusterSpec } from '../config/spec.ts';
import {
  backdatesCertificateAuthorities,
  hashesKeyIdentifierWithSha256,
  validityFromProcessStart,
} from '../kube/traits.ts';
import type { RandomSource, KeyPair } from '../util/keygen.ts';
import { signCertificate, type AltNames, type Certificate, type Subject } from './x509.ts';

/** What of a cluster its certificates depend on. */
export type IssuingCluster = Pick<
  ClusterSpec,
  'version' | 'certificateValiditySeconds' | 'caCertificateValiditySeconds'
>;

/** A CA that can sign. */
export interface Authority {
  readonly certificate: Certificate;
  readonly key: KeyObject;
}

export interface Wanted {
  readonly subject: Subject;
  readonly usages: readonly string[];
  readonly altNames: AltNames;
}

/** What a certificate needs beside what it says. */
export interface Circumstances {
  readonly cluster: IssuingCluster;
  readonly chance: Pick<RandomSource, 'serial'>;
  /** The start of the process: one time for the whole run. */
  readonly now: Date;
}

const hourSeconds = 3600;
/** Hosts' clocks differ a little: a certificate is valid from five minutes ago. */
const backdateSeconds = 5 * 60;
const caSeconds = 10 * 365 * 24 * hourSeconds;
const leafSeconds = 365 * 24 * hourSeconds;

/** A self-signed CA. */
export function issueAuthority(wanted: Wanted, pair: KeyPair, { cluster, chance, now }: Circumstances): string {
  const isBackdated = backdatesCertificateAuthorities(cluster.version);
  const period = validityFromProcessStart(cluster.version) ? cluster.caCertificateValiditySeconds : caSeconds;
  const template = {
    ...wanted,
    // 1.25 took the zero value of Go's struct.
    serial: isBackdated ? chance.serial() : 0n,
    notBefore: later(now, isBackdated ? -backdateSeconds : 0),
    notAfter: later(now, period),
    publicPem: pair.publicPem,
    isCa: true,
    keyIdentifier: keyIdentifierOf(cluster),
  };
  return signCertificate(template, createPrivateKey(pair.privatePem));
}

/**
 * A certificate signed by a CA. Those of kubeconfigs begin with their CA in every version, those of the PKI only
 * until 1.30.
 */
export function issueLeaf(
  wanted: Wanted & {
    readonly begins: 'with-ca' | 'by-version';
    /** Another life than the version's or the cluster's own. */
    readonly validitySeconds?: number;
  },
  publicPem: string,
  authority: Authority,
  { cluster, chance, now }: Circumstances,
): string {
  const isFromStart = validityFromProcessStart(cluster.version);
  const template = {
    subject: wanted.subject,
    usages: wanted.usages,
    altNames: wanted.altNames,
    serial: chance.serial(),
    notBefore:
      isFromStart && wanted.begins === 'by-version' ? later(now, -backdateSeconds) : authority.certificate.notBefore,
    notAfter: later(now, wanted.validitySeconds ?? (isFromStart ? cluster.certificateValiditySeconds : leafSeconds)),
    publicPem,
    isCa: false,
    keyIdentifier: keyIdentifierOf(cluster),
  };
  return signCertificate(template, authority.key, authority.certificate);
}

function keyIdentifierOf({ version }: IssuingCluster): 'sha1' | 'sha256' {
  return hashesKeyIdentifierWithSha256(version) ? 'sha256' : 'sha1';
}

function later(date: Date, seconds: number): Date {
  return new Date(date.getTime() + seconds * 1000);
}
