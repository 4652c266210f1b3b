// Bootstrap tokens as Secrets, written and read back (spec 04 §6.4).
import type { BootstrapToken } from '../config/spec.ts';
import { fromBase64, toBase64 } from '../util/text.ts';
import type { KubeObject } from './object.ts';

const secretType = 'bootstrap.kubernetes.io/token';

/** What a token's Secret says. */
export interface StoredToken {
  /** `id.secret` */
  readonly token: string;
  readonly id: string;
  readonly description: string | undefined;
  /** undefined = never. */
  readonly expires: Date | undefined;
  readonly usages: readonly string[];
  readonly groups: readonly string[];
}

/** The Secret of a token; its ttl counts from `now`. */
export function bootstrapTokenSecret(token: BootstrapToken, now: Date): KubeObject {
  const [id = '', secret = ''] = token.token.split('.');
  return tokenSecret(id, {
    'auth-extra-groups': token.groups.length === 0 ? undefined : token.groups.join(','),
    description: token.description === '' ? undefined : token.description,
    expiration: expiration(token, now),
    'token-secret': secret,
    ...Object.fromEntries(token.usages.map((usage) => [`usage-bootstrap-${usage}`, 'true'])),
  });
}

/** A token's Secret with these values, those that are undefined left out. */
export function tokenSecret(id: string, values: Readonly<Record<string, string | undefined>>): KubeObject {
  const data = Object.entries({ ...values, 'token-id': id })
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
    .map(([key, value]) => [key, toBase64(value)]);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
    type: secretType,
    data: Object.fromEntries(data),
  };
}

/** RFC 3339 in UTC without fractions, as Go prints it. */
export function printTime(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** What a Secret says of its token; undefined when it is none, or its name and id differ. */
export function tokenOfSecret(secret: KubeObject): StoredToken | undefined {
  const data = decoded(secret['data']);
  const [id, tokenSecretPart] = [data.get('token-id'), data.get('token-secret')];
  if (secret['type'] !== secretType || id === undefined || tokenSecretPart === undefined) return undefined;
  if (secret.metadata.name !== `bootstrap-token-${id}`) return undefined;
  const expires = data.get('expiration');
  return {
    token: `${id}.${tokenSecretPart}`,
    id,
    description: data.get('description'),
    expires: expires === undefined ? undefined : new Date(expires),
    usages: usagesOf(data),
    groups: (data.get('auth-extra-groups') ?? '').split(',').filter((name) => name !== ''),
  };
}

/** Whether a node can join with the token of this Secret now: it is valid, and both signs and authenticates. */
export function isUsableToken(secret: KubeObject, now: Date): boolean {
  const token = tokenOfSecret(secret);
  if (token === undefined || !isTokenText(token.token)) return false;
  // A date that cannot be read compares false: such a token is not usable.
  const isValid = token.expires === undefined || token.expires > now;
  return isValid && ['signing', 'authentication'].every((usage) => token.usages.includes(usage));
}

/** RFC 3339, as Go's time.Parse wants it. */
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** The token of a Secret, or what is wrong with it, by the rules of kubeadm's `token list`; never with its secret half. */
export function listedToken(secret: KubeObject): StoredToken | { readonly problem: string } {
  const { name } = secret.metadata;
  const data = decoded(secret['data']);
  const id = data.get('token-id') ?? '';
  if (id === '') return { problem: `Secret ${name} has no token-id` };
  if (name !== `bootstrap-token-${id}`) {
    return { problem: `Secret ${name} holds token ${id}: its name has to be bootstrap-token-${id}` };
  }
  const token = tokenOfSecret(secret);
  if (token === undefined) return { problem: `Secret ${name} has no token-secret` };
  if (!isTokenText(token.token)) {
    return { problem: `Secret ${name} holds no token of the form [a-z0-9]{6}.[a-z0-9]{16}` };
  }
  const ends = data.get('expiration') ?? '';
  if (ends === '') return { ...token, expires: undefined };
  if (rfc3339.test(ends) && !Number.isNaN(Date.parse(ends))) return token;
  return { problem: `Secret ${name} has an invalid expiration: ${JSON.stringify(ends)}` };
}

/** `abcdef.0123456789abcdef` */
function isTokenText(text: string): boolean {
  return /^[a-z0-9]{6}\.[a-z0-9]{16}$/.test(text);
}

const usagePrefix = 'usage-bootstrap-';

function usagesOf(data: ReadonlyMap<string, string>): readonly string[] {
  return [...data]
    .filter(([key, value]) => key.startsWith(usagePrefix) && value === 'true')
    .map(([key]) => key.slice(usagePrefix.length))
    .toSorted();
}

/** `expires` when it was given; a ttl of 0 means never. */
function expiration(token: BootstrapToken, now: Date): string | undefined {
  if (token.expires !== undefined) return printTime(new Date(token.expires));
  return token.ttlSeconds > 0 ? printTime(new Date(now.getTime() + token.ttlSeconds * 1000)) : undefined;
}

function decoded(data: unknown): ReadonlyMap<string, string> {
  if (typeof data !== 'object' || data === null) return new Map();
  const entries = Object.entries(data).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return new Map(entries.map(([key, value]) => [key, fromBase64(value).toString('utf8')]));
}
