// The order in which logins are tried: agent, key files, then a password, and no more of them than a host forgives.
import type { Identity } from './identity.ts';

/** A key that an agent holds. */
export interface AgentKey {
  readonly publicBlob: Buffer;
  readonly comment: string;
}

export type LoginAttempt<A extends AgentKey = AgentKey> =
  | { readonly kind: 'none' }
  | { readonly kind: 'agent'; readonly key: A }
  | { readonly kind: 'key'; readonly file: string; readonly key: string | Buffer; readonly passphrase?: string }
  | { readonly kind: 'password'; readonly password: string }
  | { readonly kind: 'keyboard-interactive'; readonly password: string };

export interface LoginOptions<A extends AgentKey> {
  readonly agentKeys: readonly A[];
  readonly identities: readonly Identity[];
  /** The user named the key files: they, or the agent's copies of them, go first. */
  readonly areIdentitiesNamed: boolean;
  /** Of the agent's keys only those that are among the identities (IdentitiesOnly). */
  readonly areIdentitiesAll?: boolean;
  readonly askPassword?: () => Promise<string | undefined>;
  /** Whether a key of this public half may be offered. */
  readonly accepts?: (publicBlob: Buffer) => boolean;
  /** What the server still accepts, from its last answer. */
  readonly methodsLeft: () => readonly string[];
}

/** sshd ends the connection at the sixth failure (MaxAuthTries); the last one is kept for a password. */
const maxKeys = 5;

/** What stands in the message when nothing worked. */
export function describeAttempt(attempt: LoginAttempt): string {
  switch (attempt.kind) {
    case 'agent':
      return `agent key ${attempt.key.comment}`;
    case 'key':
      return `key ${attempt.file}`;
    case 'password':
    case 'keyboard-interactive':
      return 'password';
    case 'none':
      return 'none';
    default:
      return attempt satisfies never;
  }
}

type Candidate<A> = { readonly agentKey: A } | { readonly identity: Identity };

function candidates<A extends AgentKey>(options: LoginOptions<A>): readonly Candidate<A>[] {
  const inAgent = (identity: Identity): A | undefined =>
    options.agentKeys.find((key) => identity.publicBlob !== undefined && key.publicBlob.equals(identity.publicBlob));
  const files = options.identities.map((identity): Candidate<A> => {
    const agentKey = inAgent(identity);
    return agentKey === undefined ? { identity } : { agentKey };
  });
  const agent = options.areIdentitiesAll === true ? [] : options.agentKeys.map((agentKey) => ({ agentKey }));
  const ordered = options.areIdentitiesNamed ? [...files, ...agent] : [...agent, ...files];
  const seen = new Set<A>();
  return ordered.filter((candidate) => {
    const blob = 'agentKey' in candidate ? candidate.agentKey.publicBlob : candidate.identity.publicBlob;
    if (blob !== undefined && options.accepts?.(blob) === false) return false;
    if (!('agentKey' in candidate)) return true;
    const isNew = !seen.has(candidate.agentKey);
    seen.add(candidate.agentKey);
    return isNew;
  });
}

/** One attempt after the other; the consumer stops asking when one has worked. */
export async function* loginAttempts<A extends AgentKey>(options: LoginOptions<A>): AsyncGenerator<LoginAttempt<A>> {
  // "none" costs no failure (sshd does not count it) and its answer names the methods that are worth trying.
  yield { kind: 'none' };
  let keys = 0;
  for (const candidate of candidates(options)) {
    if (keys >= maxKeys || !options.methodsLeft().includes('publickey')) break;
    if ('agentKey' in candidate) {
      keys++;
      yield { kind: 'agent', key: candidate.agentKey };
      continue;
    }
    const loaded = await candidate.identity.load();
    if (loaded === undefined || options.accepts?.(loaded.publicBlob) === false) continue;
    keys++;
    const { file, key, passphrase } = loaded;
    yield { kind: 'key', file, key, ...(passphrase !== undefined && { passphrase }) };
  }
  const method = ['password', 'keyboard-interactive'].find((name) => options.methodsLeft().includes(name));
  if (method === undefined) return;
  const password = await options.askPassword?.();
  if (password === undefined) return;
  yield { kind: method === 'password' ? 'password' : 'keyboard-interactive', password };
}
