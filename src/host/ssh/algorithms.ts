// The algorithms of a connection: what kbinit offers, and what is left of that where ssh_config allows less. Pure.
import { matchesGlob } from '../glob.ts';
import { hostKeyAlgorithms, keyTypeOf, type HostKeyAlgorithm } from './known-hosts.ts';

/** Key exchanges. What the SSH library offers by default, here and below; a test compares them. */
export const kexAlgorithms = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group-exchange-sha256',
  'diffie-hellman-group14-sha256',
  'diffie-hellman-group15-sha512',
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group17-sha512',
  'diffie-hellman-group18-sha512',
] as const;

/** Ciphers. */
export const cipherAlgorithms = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
  'chacha20-poly1305@openssh.com',
] as const;

/** MACs. */
export const hmacAlgorithms = [
  'hmac-sha2-256-etm@openssh.com',
  'hmac-sha2-512-etm@openssh.com',
  'hmac-sha1-etm@openssh.com',
  'hmac-sha2-256',
  'hmac-sha2-512',
  'hmac-sha1',
] as const;

/** Ciphers that authenticate by themselves; a connection with one has no MAC. */
const authenticated = /gcm|poly1305/;

/** The lists of ssh_config, as they are written. */
export interface AlgorithmLists {
  readonly hostKey?: string | undefined;
  readonly kex?: string | undefined;
  readonly cipher?: string | undefined;
  readonly hmac?: string | undefined;
}

/** What kbinit must not use. */
export interface RefusedAlgorithms {
  readonly hostKey: readonly HostKeyAlgorithm[];
  readonly kex: readonly (typeof kexAlgorithms)[number][];
  readonly cipher: readonly (typeof cipherAlgorithms)[number][];
  readonly hmac: readonly (typeof hmacAlgorithms)[number][];
}

/** What of these a list allows (ssh_config(5), Ciphers): `+` and `^` take nothing away, `-` takes what fits. */
function allowed<T extends string>(names: readonly T[], list: string | undefined): readonly T[] {
  if (list === undefined || /^[+^]/.test(list)) return names;
  const patterns = list.replace(/^-/, '').split(',');
  const fits = (name: T): boolean => patterns.some((pattern) => matchesGlob(name, pattern));
  return names.filter((name) => fits(name) !== list.startsWith('-'));
}

/** What the lists leave out; of a list that leaves nothing, its name. */
export function refusedBy(lists: AlgorithmLists): RefusedAlgorithms | { readonly nothingLeft: keyof AlgorithmLists } {
  const left = {
    hostKey: allowed(hostKeyAlgorithms, lists.hostKey),
    kex: allowed(kexAlgorithms, lists.kex),
    cipher: allowed(cipherAlgorithms, lists.cipher),
    hmac: allowed(hmacAlgorithms, lists.hmac),
  };
  // Without a MAC in common, what needs none may still do.
  const ciphers = left.hmac.length > 0 ? left.cipher : left.cipher.filter((name) => authenticated.test(name));
  if (left.hostKey.length === 0) return { nothingLeft: 'hostKey' };
  if (left.kex.length === 0) return { nothingLeft: 'kex' };
  if (left.cipher.length === 0) return { nothingLeft: 'cipher' };
  if (ciphers.length === 0) return { nothingLeft: 'hmac' };
  const without = <T extends string>(names: readonly T[], kept: readonly T[]): readonly T[] =>
    names.filter((name) => !kept.includes(name));
  return {
    hostKey: without(hostKeyAlgorithms, left.hostKey),
    kex: without(kexAlgorithms, left.kex),
    cipher: without(cipherAlgorithms, ciphers),
    hmac: left.hmac.length === 0 ? [] : without(hmacAlgorithms, left.hmac),
  };
}

/** Which keys may be used to log in, and which host keys are long enough. */
export interface KeyRules {
  /** PubkeyAcceptedAlgorithms. */
  readonly accepted?: string | undefined;
  /** RequiredRSASize. */
  readonly rsaBits?: number | undefined;
}

/** The length of an RSA key's modulus; undefined for another key. */
function rsaBitsOf(blob: Buffer): number | undefined {
  if (keyTypeOf(blob) !== 'ssh-rsa') return undefined;
  // string type, mpint e, mpint n (RFC 4253 §6.6)
  const e = 4 + blob.readUInt32BE(0);
  const n = e + 4 + blob.readUInt32BE(e);
  const modulus = blob.subarray(n + 4);
  const first = modulus.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (modulus.length - first - 1) * 8 + (32 - Math.clz32(modulus[first] ?? 0));
}

/** Whether an RSA key is shorter than RequiredRSASize. */
export function isTooShort(blob: Buffer, { rsaBits }: KeyRules): boolean {
  const bits = rsaBitsOf(blob);
  return rsaBits !== undefined && bits !== undefined && bits < rsaBits;
}

/** Whether a key may be offered in a login. */
export function mayLogIn(blob: Buffer, rules: KeyRules): boolean {
  const type = keyTypeOf(blob) ?? '';
  const algorithms = type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] : [type];
  return allowed(algorithms, rules.accepted).length > 0 && !isTooShort(blob, rules);
}
