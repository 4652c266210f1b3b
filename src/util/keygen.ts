// Key pairs, serial numbers, token characters and the clock: every source of randomness and time, passed in as arguments.
import { generateKeyPair, randomBytes, randomInt } from 'node:crypto';
import { promisify } from 'node:util';

const generate = promisify(generateKeyPair);

/** A private key in the PEM form kubeadm writes (PKCS#1 for RSA, SEC1 for EC) and its public half (PKIX PEM). */
export interface KeyPair {
  readonly privatePem: string;
  readonly publicPem: string;
}

export type KeyAlgorithm = 'RSA-2048' | 'RSA-3072' | 'RSA-4096' | 'ECDSA-P256' | 'ECDSA-P384';

/** Where new key pairs come from. Tests give fixed ones. */
export interface KeySource {
  next(algorithm: KeyAlgorithm): Promise<KeyPair>;
}

export interface Clock {
  now(): Date;
}

/** What a certificate needs that is not in its plan. */
export interface RandomSource {
  readonly keys: KeySource;
  /** A positive serial number below 2^63 (kubeadm: 1 … 2^63−2). */
  serial(): bigint;
  /** n random characters of [a-z0-9], each equally likely. */
  tokenCharacters(n: number): string;
  bytes(n: number): Buffer;
}

const tokenAlphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** A bootstrap token: an id of six and a secret of sixteen characters (spec 04 §6.4). */
export function randomToken(chance: Pick<RandomSource, 'tokenCharacters'>): string {
  return `${chance.tokenCharacters(6)}.${chance.tokenCharacters(16)}`;
}

/** One fresh key pair; libuv's threads make several at once. */
export async function generateKey(algorithm: KeyAlgorithm): Promise<KeyPair> {
  if (algorithm.startsWith('RSA-')) {
    const pair = await generate('rsa', {
      modulusLength: Number(algorithm.slice('RSA-'.length)),
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    return { privatePem: pair.privateKey, publicPem: pair.publicKey };
  }
  const pair = await generate('ec', {
    namedCurve: algorithm === 'ECDSA-P384' ? 'secp384r1' : 'prime256v1',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return { privatePem: pair.privateKey, publicPem: pair.publicKey };
}

/** Keys in the making at once: libuv has four threads, and the files and names that a run reads need some of them. */
const workers = 2;

/**
 * A source that makes keys ahead of their use, so that they are ready when preflight is.
 * `warm(n)` starts making n of them; `next` takes a ready one or makes another.
 */
export class KeyPool implements KeySource {
  readonly #ready = new Map<KeyAlgorithm, Promise<KeyPair>[]>();
  readonly #queue: (() => Promise<void>)[] = [];
  #busy = 0;

  warm(algorithm: KeyAlgorithm, n: number): void {
    const waiting = this.#ready.get(algorithm) ?? [];
    this.#ready.set(algorithm, waiting);
    for (let i = 0; i < n; i++) waiting.push(this.#make(algorithm));
  }

  next(algorithm: KeyAlgorithm): Promise<KeyPair> {
    return this.#ready.get(algorithm)?.shift() ?? this.#make(algorithm);
  }

  /** Make no more: what was made ahead of a run that has ended would keep the process alive. */
  close(): void {
    this.#queue.length = 0;
  }

  #make(algorithm: KeyAlgorithm): Promise<KeyPair> {
    const pair = new Promise<KeyPair>((resolve, reject) => {
      this.#queue.push(() => generateKey(algorithm).then(resolve, reject));
    });
    // Whoever takes it sees the failure; until then it must not end the process.
    pair.catch(() => undefined);
    this.#work();
    return pair;
  }

  #work(): void {
    while (this.#busy < workers) {
      const task = this.#queue.shift();
      if (task === undefined) return;
      this.#busy++;
      void task().finally(() => {
        this.#busy--;
        this.#work();
      });
    }
  }
}

/** The real thing. */
export function systemRandomSource(keys: KeySource = new KeyPool()): RandomSource {
  return {
    keys,
    serial: () => (randomBytes(8).readBigUInt64BE() % (2n ** 63n - 2n)) + 1n,
    // randomInt rejects what would make some characters likelier than others.
    tokenCharacters: (n) => Array.from({ length: n }, () => tokenAlphabet[randomInt(tokenAlphabet.length)]).join(''),
    bytes: randomBytes,
  };
}

export const systemClock: Clock = { now: () => new Date() };
