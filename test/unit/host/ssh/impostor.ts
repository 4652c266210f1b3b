// An SSH server on 127.0.0.1 that shows whatever host keys it is told to, also public ones whose private half it has not.
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import ssh2, { type Algorithms, type ParsedKey } from 'ssh2';

/** A host key of the server. */
export interface ServerKey {
  readonly key: ParsedKey;
  /** What it shows. */
  readonly blob: Buffer;
}

export type KeyKind = 'ed25519' | 'ecdsa' | 'rsa';

function privateKey(kind: KeyKind): string {
  switch (kind) {
    case 'ed25519':
      return ssh2.utils.generateKeyPairSync('ed25519').private;
    case 'ecdsa':
      return ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }).private;
    case 'rsa':
      return generateKeyPairSync('rsa', { modulusLength: 2048 })
        .privateKey.export({ type: 'pkcs1', format: 'pem' })
        .toString();
    default:
      return kind satisfies never;
  }
}

/** A key pair of its own. */
export function ownKey(kind: KeyKind): ServerKey {
  const key = ssh2.utils.parseKey(privateKey(kind));
  if (key instanceof Error) throw key;
  return { key, blob: key.getPublicSSH() };
}

/** The public key of somebody else, of the same kind; the exchange is signed with a key that does not belong to it. */
export function borrowedKey(kind: KeyKind, blob: Buffer): ServerKey {
  const { key } = ownKey(kind);
  return { key: Object.assign(key, { getPublicSSH: () => blob }), blob };
}

export interface Impostor {
  readonly port: number;
  /** Connections so far. */
  readonly connections: number;
  /** Logins that were tried, by method. */
  readonly logins: readonly string[];
}

/** Start it; it ends with the test. */
export async function startImpostor(keys: readonly ServerKey[], algorithms: Algorithms = {}): Promise<Impostor> {
  const logins: string[] = [];
  let connections = 0;
  // ssh2 looks for a key that is read already in the place of one to be read.
  const hostKeys = keys.map(({ key }) => Object.assign(key, { key }));
  const server = new ssh2.Server({ hostKeys, algorithms }, (client) => {
    connections++;
    client
      .on('error', () => {})
      .on('authentication', (login) => {
        logins.push(login.method);
        login.reject(['publickey', 'password']);
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    port: address.port,
    get connections() {
      return connections;
    },
    logins,
  };
}
