// Private keys in PEM form: read what kubeadm reads, say which certificate they belong to.
import { createPrivateKey, createPublicKey, X509Certificate, type KeyObject } from 'node:crypto';
import type { ClusterSpec } from '../config/spec.ts';
import { kubeconfigKeysFollowAlgorithm } from '../kube/traits.ts';
import type { KeyAlgorithm } from '../util/keygen.ts';
import { pemBlocks, type PemBlock } from '../util/pem.ts';
import { hasTrailingData } from './der.ts';
import { withoutBlock, type Reading } from './reading.ts';

/** How node:crypto names the encoding of each private block. */
const privateTypes: Readonly<Record<string, 'pkcs1' | 'sec1' | 'pkcs8'>> = {
  'RSA PRIVATE KEY': 'pkcs1',
  'EC PRIVATE KEY': 'sec1',
  'PRIVATE KEY': 'pkcs8',
};

/** What Go's crypto/x509 reads and signs with, by OpenSSL's names. */
const curves: ReadonlySet<string> = new Set(['secp224r1', 'prime256v1', 'secp384r1', 'secp521r1']);

/**
 * What a private key is for. TLS knows fewer curves than certificates, and a key more: kubeadm takes P-224 for both, then
 * a server ends every handshake with "unsupported certificate curve", and the API server does not start with such a sa.key.
 */
export type KeyUse = 'ca' | 'tls' | 'tokens';

/** Go signs and checks with no shorter RSA key since 1.24. */
const shortestRsa = 1024;

const ecdsa = 'ECDSA keys on P-256, P-384 or P-521';
const taken: Readonly<Record<KeyUse, string>> = {
  ca: `Kubernetes takes RSA keys of ${shortestRsa} bits or more and ${ecdsa} for a CA`,
  tls: `Kubernetes takes RSA keys of ${shortestRsa} bits or more, ${ecdsa} and Ed25519 keys for TLS`,
  tokens: `Kubernetes takes RSA keys of ${shortestRsa} bits or more and ${ecdsa} for service-account tokens`,
};

/** The first private key of a file that Kubernetes can read: PKCS#1, SEC1 or PKCS#8. Other blocks are passed over. */
export function judgePrivateKey(pem: string, use: KeyUse): Reading<KeyObject> {
  const blocks = pemBlocks(pem).filter(({ label }) => label in privateTypes);
  const readings = blocks.map(readBlock);
  const found = readings.find((one) => 'key' in one && !one.isUnknown) ?? readings[0];
  if (found === undefined) return withoutBlock(pem, 'private key');
  if ('found' in found) return /ENCRYPTED/.test(pem) ? withoutBlock(pem, 'private key') : { kind: 'broken', ...found };
  const fault = keyFault(found.key, use);
  return fault === undefined ? { kind: 'good', value: found.key } : { kind: 'broken', found: `holds ${fault}` };
}

/** The private key of a file; undefined when Kubernetes could use none. */
export function readPrivateKey(pem: string, use: KeyUse): KeyObject | undefined {
  const reading = judgePrivateKey(pem, use);
  return reading.kind === 'good' ? reading.value : undefined;
}

/** Every public key of a file: sa.pub may hold several while keys are being rotated. */
export function judgePublicKeys(pem: string): Reading<readonly KeyObject[]> {
  const keys = readPublicKeys(pem);
  return keys.length === 0 ? withoutBlock(pem, 'public key') : { kind: 'good', value: keys };
}

function readPublicKeys(pem: string): readonly KeyObject[] {
  return pemBlocks(pem).flatMap(({ der, label }) => {
    // Go tries each form on each block and does not look at the label.
    const type = privateTypes[label];
    const key = attempt(() =>
      type !== undefined
        ? createPublicKey(createPrivateKey({ key: der, format: 'der', type }))
        : label === 'CERTIFICATE'
          ? new X509Certificate(der).publicKey
          : createPublicKey({ key: der, format: 'der', type: 'spki' }),
    );
    return key !== undefined && keyFault(key, 'ca') === undefined ? [key] : [];
  });
}

/** `a key of the type ED448; Kubernetes takes …` when Kubernetes cannot use a key of this kind. */
function keyFault(key: KeyObject, use: KeyUse): string | undefined {
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: details } = key;
  if (type === 'rsa') {
    const bits = details?.modulusLength ?? 0;
    return bits < shortestRsa ? `an RSA key of ${bits} bits; ${taken[use]}` : undefined;
  }
  if (type === 'ed25519' && use === 'tls') return undefined;
  if (type !== 'ec') return `a key of the type ${type.toUpperCase()}; ${taken[use]}`;
  const curve = details?.namedCurve;
  return curve !== undefined && curves.has(curve) && (use === 'ca' || curve !== 'secp224r1')
    ? undefined
    : `an EC key on ${curve === undefined ? 'a curve without a name' : `the curve ${curve}`}; ${taken[use]}`;
}

type BlockReading = { readonly key: KeyObject; readonly isUnknown: boolean } | { readonly found: string };

function readBlock({ label, der }: PemBlock): BlockReading {
  const type = privateTypes[label] ?? 'pkcs8';
  const key = attempt(() => createPrivateKey({ key: der, format: 'der', type }));
  if (key === undefined) return { found: `holds a block ${label} that cannot be read` };
  if (type === 'pkcs1' && hasTrailingData(der)) return { found: `has data behind the key in its block ${label}` };
  return { key, isUnknown: !isKnownToGo(key) };
}

/** Go goes on to the next block when it cannot read one; what it can read and not use ends the search. */
function isKnownToGo({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): boolean {
  if (type === 'ec') return curves.has(details?.namedCurve ?? '');
  return type === 'rsa' || type === 'ed25519' || type === 'x25519';
}

/** The public half as PKIX PEM: the form of sa.pub. */
export function publicPem(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ type: 'spki', format: 'pem' }).toString();
}

/** Two keys, private or public, of one pair. */
export function isSamePair(a: KeyObject, b: KeyObject): boolean {
  return publicPem(a) === publicPem(b);
}

/**
 * The algorithm of new PKI keys: the gate that came before encryptionAlgorithm decides where it is set, on or off. The
 * field itself stays as it is written, in ConfigMap kubeadm-config too (kubeadm 1.36.3, EncryptionAlgorithmType; spec 04 §1.4).
 */
export function pkiKeyAlgorithm(cluster: Pick<ClusterSpec, 'encryptionAlgorithm' | 'featureGates'>): KeyAlgorithm {
  const gate = cluster.featureGates['PublicKeysECDSA'];
  if (gate === undefined) return cluster.encryptionAlgorithm;
  return gate ? 'ECDSA-P256' : 'RSA-2048';
}

/** The algorithm of the keys inside kubeconfigs. */
export function kubeconfigKeyAlgorithm(
  cluster: Pick<ClusterSpec, 'version' | 'encryptionAlgorithm' | 'featureGates'>,
): KeyAlgorithm {
  return kubeconfigKeysFollowAlgorithm(cluster.version) ? pkiKeyAlgorithm(cluster) : 'RSA-2048';
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    // Not a key, or one with a passphrase.
    return undefined;
  }
}
