// Pins of CA certificates: what `--discovery-token-ca-cert-hash` carries (kubeadm's pubkeypin).
import { createHash } from 'node:crypto';
import { readCertificates } from './x509.ts';

/** `sha256:<hex of SHA-256 over the SubjectPublicKeyInfo>` of each certificate in a PEM bundle. */
export function caPins(bundle: string): readonly string[] {
  return readCertificates(bundle).map(({ publicKey }) => {
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    return `sha256:${createHash('sha256').update(spki).digest('hex')}`;
  });
}
