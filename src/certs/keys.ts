// Private keys in PEM form: read what kubeadm reads, say which certificate they belong to.
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { ClusterSpec } from '../config/spec.ts';
import { kubeconfigKeysFollowAlgorithm } from '../kube/traits.ts';
import type { KeyAlgorithm } from '../util/keygen.ts';
import { pemBlocks } from './pem.ts';

const privateLabels: ReadonlySet<string> = new Set(['RSA PRIVATE KEY', 'EC PRIVATE KEY', 'PRIVATE KEY']);
const publicLabels: ReadonlySet<string> = new Set(['RSA PUBLIC KEY', 'PUBLIC KEY', 'CERTIFICATE']);
const kinds: ReadonlySet<string | undefined> = new Set(['rsa', 'ec']);

/** The first private-key block (PKCS#1, SEC1 or PKCS#8; RSA or EC), as kubeadm picks it; undefined when none can be read. */
export function readPrivateKey(pem: string): KeyObject | undefined {
  const block = pemBlocks(pem).find(({ label }) => privateLabels.has(label));
  return block && attempt(() => createPrivateKey(block.text));
}

/** Every public key of a file: sa.pub may hold several while keys are being rotated. */
export function readPublicKeys(pem: string): readonly KeyObject[] {
  const blocks = pemBlocks(pem).filter(({ label }) => publicLabels.has(label));
  return blocks.flatMap(({ text }) => attempt(() => createPublicKey(text)) ?? []);
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

function attempt(read: () => KeyObject): KeyObject | undefined {
  try {
    const key = read();
    return kinds.has(key.asymmetricKeyType) ? key : undefined;
  } catch {
    // Not a key, or one with a passphrase: the same as none.
    return undefined;
  }
}
