// known_hosts as OpenSSH reads it: parse the lines, and say what they make of one host key. Pure.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { matchesPatterns } from '../glob.ts';

/** A key a file knows. `hosts` is the first field as written: hashed, or a comma list of patterns. */
export interface KnownKey {
  readonly hosts: string;
  readonly marker: 'none' | 'revoked' | 'cert-authority';
  readonly type: string;
  readonly blob: Buffer;
  /** Where it stands, for messages. */
  readonly file: string;
  readonly line: number;
}

export type HostKeyVerdict =
  | { readonly kind: 'known'; readonly by: KnownKey }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'changed'; readonly by: KnownKey }
  | { readonly kind: 'revoked'; readonly by: KnownKey }
  | { readonly kind: 'certificate-authority-only'; readonly by: KnownKey };

const defaultPort = 22;

/** `SHA256:` and the digest in base64 without padding, as ssh-keygen -l prints it. */
export function fingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replaceAll('=', '')}`;
}

/** Whose key is looked up. With an alias (HostKeyAlias) neither name nor port of the host matter. */
export interface KeyOwner {
  readonly host: string;
  readonly port: number;
  readonly alias?: string;
}

/** The name under which known_hosts lists a host: lower case, `[host]:port` unless the port is 22. */
export function knownHostsName({ host, port, alias }: KeyOwner): string {
  const name = (alias ?? host).toLowerCase();
  return port === defaultPort || alias !== undefined ? name : `[${name}]:${port}`;
}

/** The SSH strings of a key blob; undefined where the lengths do not add up. */
function blobFields(blob: Buffer): readonly Buffer[] | undefined {
  const fields: Buffer[] = [];
  for (let at = 0; at < blob.length;) {
    if (at + 4 > blob.length) return undefined;
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return undefined;
    fields.push(blob.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

/** How many SSH strings a public key of a type has; OpenSSH ignores a line whose key does not decode. */
const fieldCounts: Readonly<Record<string, number>> = {
  'ssh-ed25519': 2,
  'ssh-rsa': 3,
  'ssh-dss': 5,
  'ecdsa-sha2-nistp256': 3,
  'ecdsa-sha2-nistp384': 3,
  'ecdsa-sha2-nistp521': 3,
  'sk-ssh-ed25519@openssh.com': 3,
  'sk-ecdsa-sha2-nistp256@openssh.com': 4,
};

/** The type a key blob states about itself; undefined when it is no key of a type that OpenSSH knows. */
export function keyTypeOf(blob: Buffer): string | undefined {
  const fields = blobFields(blob);
  const type = fields?.[0]?.toString('latin1');
  if (fields === undefined || type === undefined || fieldCounts[type] !== fields.length) return undefined;
  if (type === 'ssh-ed25519' && fields[1]?.length !== 32) return undefined;
  return type;
}

function parseKey(type: string, base64: string): Buffer | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0) return undefined;
  const blob = Buffer.from(base64, 'base64');
  return keyTypeOf(blob) === type ? blob : undefined;
}

const markers: Readonly<Record<string, 'revoked' | 'cert-authority'>> = {
  '@revoked': 'revoked',
  '@cert-authority': 'cert-authority',
};

function parseLine(text: string, file: string, line: number): KnownKey | undefined {
  const words = text.split(/[ \t\r]+/).filter((word) => word !== '');
  let marker: KnownKey['marker'] = 'none';
  if (words[0]?.startsWith('@') === true) {
    const known = markers[words[0]];
    if (known === undefined) return undefined;
    marker = known;
    words.shift();
  }
  const [hosts, type, base64] = words;
  // A second marker makes the line invalid (hostfile.c check_markers).
  if (hosts === undefined || hosts.startsWith('@') || hosts.startsWith('#')) return undefined;
  if (type === undefined || base64 === undefined) return undefined;
  const blob = parseKey(type, base64);
  return blob === undefined ? undefined : { hosts, marker, type, blob, file, line };
}

/** Every usable key of a file. Comments, blank and malformed lines are passed over, as OpenSSH does. */
export function parseKnownHosts(text: string, file: string): readonly KnownKey[] {
  return text.split('\n').flatMap((line, index) => parseLine(line, file, index + 1) ?? []);
}

/** `|1|salt|hash`: HMAC-SHA1 of the name, keyed with the salt (hostfile.c host_hash). */
function matchesHashed(name: string, field: string): boolean {
  const [, version, salt = '', hash = '', ...rest] = field.split('|');
  const [key, expected] = [Buffer.from(salt, 'base64'), Buffer.from(hash, 'base64')];
  if (version !== '1' || rest.length > 0 || key.length !== 20 || expected.length !== 20) return false;
  return timingSafeEqual(createHmac('sha1', key).update(name).digest(), expected);
}

function isFor(entry: KnownKey, name: string): boolean {
  return entry.hosts.startsWith('|')
    ? matchesHashed(name, entry.hosts)
    : matchesPatterns(name, entry.hosts.toLowerCase().split(','));
}

/** What the lines about exactly this name say (hostfile.c check_hostkeys_by_key_or_type). */
function verdictFor(entries: readonly KnownKey[], name: string, blob: Uint8Array): HostKeyVerdict {
  const ours = entries.filter((entry) => isFor(entry, name));
  const plain = ours.filter((entry) => entry.marker === 'none');
  const revoked = ours.find((entry) => entry.marker === 'revoked' && entry.blob.equals(blob));
  if (revoked !== undefined) return { kind: 'revoked', by: revoked };
  const same = plain.find((entry) => entry.blob.equals(blob));
  if (same !== undefined) return { kind: 'known', by: same };
  // OpenSSH calls the host changed whatever the type of the other key: it asked for the types it knows first.
  const type = keyTypeOf(Buffer.from(blob));
  const other = plain.find((entry) => entry.type === type) ?? plain[0];
  if (other !== undefined) return { kind: 'changed', by: other };
  const authority = ours.find((entry) => entry.marker === 'cert-authority');
  return authority === undefined ? { kind: 'unknown' } : { kind: 'certificate-authority-only', by: authority };
}

/**
 * What known_hosts says of a key that a host shows. On a port other than 22 a key that is listed for the bare name
 * counts as well, and a bare name's other keys do not (sshconnect.c check_host_key, "checking without port identifier").
 */
export function hostKeyVerdict(entries: readonly KnownKey[], owner: KeyOwner, blob: Uint8Array): HostKeyVerdict {
  const verdict = verdictFor(entries, knownHostsName(owner), blob);
  if (owner.port === defaultPort || owner.alias !== undefined || verdict.kind !== 'unknown') return verdict;
  const bare = verdictFor(entries, knownHostsName({ host: owner.host, port: defaultPort }), blob);
  return bare.kind === 'changed' ? verdict : bare;
}

/** Host key algorithms kbinit speaks, best first; no SHA-1 signatures (ssh-rsa) and no DSA. */
export const hostKeyAlgorithms = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
] as const;
export type HostKeyAlgorithm = (typeof hostKeyAlgorithms)[number];

/** The same, a list for each type of key that hosts have. */
export const hostKeyAlgorithmsByType: readonly (readonly HostKeyAlgorithm[])[] = [
  ['ssh-ed25519'],
  ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
  ['rsa-sha2-512', 'rsa-sha2-256'],
];

function keyTypeFor(algorithm: HostKeyAlgorithm): string {
  return algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm;
}

/** The algorithms to offer: those whose key type is known for the host first (sshconnect2.c order_hostkeyalgs). */
export function hostKeyAlgorithmOrder(entries: readonly KnownKey[], owner: KeyOwner): readonly HostKeyAlgorithm[] {
  const name = knownHostsName(owner);
  const plain = entries.filter((entry) => entry.marker === 'none' && isFor(entry, name));
  const types = new Set(plain.map((entry) => entry.type));
  const isKnown = (algorithm: HostKeyAlgorithm): boolean => types.has(keyTypeFor(algorithm));
  return [...hostKeyAlgorithms.filter(isKnown), ...hostKeyAlgorithms.filter((algorithm) => !isKnown(algorithm))];
}

/** The line that makes a key known. */
export function knownHostsLine(owner: KeyOwner, blob: Buffer): string {
  return `${knownHostsName(owner)} ${keyTypeOf(blob) ?? 'unknown'} ${blob.toString('base64')}\n`;
}

/** What known_hosts makes of one of several keys that a host has. */
export interface JudgedKey {
  readonly blob: Buffer;
  readonly type: string;
  readonly verdict: HostKeyVerdict;
  readonly state: 'known' | 'new' | 'changed' | 'revoked';
}

/** Judge all keys of a host together: one that is known vouches for those of types that were never seen. */
export function judgeHostKeys(
  entries: readonly KnownKey[],
  owner: KeyOwner,
  blobs: readonly Buffer[],
): readonly JudgedKey[] {
  const judged = blobs.map((blob) => ({
    blob,
    type: keyTypeOf(blob) ?? 'unknown',
    verdict: hostKeyVerdict(entries, owner, blob),
  }));
  const isVouchedFor = judged.some(({ verdict }) => verdict.kind === 'known');
  return judged.map((key) => ({ ...key, state: stateOf(key.verdict, key.type, isVouchedFor) }));
}

function stateOf(verdict: HostKeyVerdict, type: string, isVouchedFor: boolean): JudgedKey['state'] {
  switch (verdict.kind) {
    case 'known':
    case 'revoked':
      return verdict.kind;
    case 'changed':
      return isVouchedFor && verdict.by.type !== type ? 'new' : 'changed';
    case 'unknown':
    case 'certificate-authority-only':
      return 'new';
    default:
      return verdict satisfies never;
  }
}
