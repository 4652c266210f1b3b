// Pins of CA certificates: what `--discovery-token-ca-cert-hash` carries (kubeadm's pubkeypin).
import { createHash } from 'node:crypto';
import { isSignedBy } from './inspect.ts';
import { readCertificates, type Certificate } from './x509.ts';

/** `sha256:<hex of SHA-256 over the SubjectPublicKeyInfo>` of each certificate in a PEM bundle. */
export function caPins(bundle: string): readonly string[] {
  return readCertificates(bundle).map(pinOf);
}

/** The pin of one certificate. */
export function pinOf({ publicKey }: Certificate): string {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(spki).digest('hex')}`;
}

/** A bundle by its pins. */
export interface JudgedBundle {
  /** What the pins vouch for, in its order, as PEM: nothing that only another reader of PEM would see is in it. */
  readonly trusted: string;
  /** Neither pinned nor, as CAs, issued by one that is. */
  readonly strangers: readonly Certificate[];
}

/** Divide a bundle. Who has a token can add a CA to the bundle and sign it: a pin vouches for its own CA, not for all. */
export function judgeBundle(bundle: string, pins: ReadonlySet<string>): JudgedBundle {
  const all = readCertificates(bundle);
  const trusted = new Set(all.filter((certificate) => pins.has(pinOf(certificate))));
  const isIssued = (certificate: Certificate): boolean =>
    certificate.isCa && [...trusted].some((ca) => ca.isCa && isSignedBy(certificate, ca));
  for (let before = -1; before < trusted.size;) {
    before = trusted.size;
    for (const certificate of all) if (isIssued(certificate)) trusted.add(certificate);
  }
  return {
    trusted: all
      .filter((certificate) => trusted.has(certificate))
      .map(({ pem }) => pem)
      .join(''),
    strangers: all.filter((certificate) => !trusted.has(certificate)),
  };
}
