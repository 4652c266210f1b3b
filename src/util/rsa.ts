// RSA key pairs from OpenSSL's own random primes. Node's generateKeyPair goes through auxiliary primes (FIPS 186-4
// B.3.6) and takes two and a half times as long; this is the plain way of FIPS 186-5 A.1.3, the one Go takes.
import { createPrivateKey, createPublicKey, generatePrime, sign, verify } from 'node:crypto';
import { promisify } from 'node:util';

const prime: (bits: number) => Promise<bigint> = (bits) =>
  new Promise((resolve, reject) => {
    generatePrime(bits, { bigint: true }, (error, value) => (error instanceof Error ? reject(error) : resolve(value)));
  });

const signLater = promisify<string, Buffer, string, Buffer>(sign);

const exponent = 65_537n;

/** A private key in PKCS#1 and its public half in PKIX, both PEM. */
export async function generateRsa(bits: number): Promise<{ readonly privatePem: string; readonly publicPem: string }> {
  for (;;) {
    // One after the other: the pool makes several keys at once, and libuv's threads have more to do.
    const [a, b] = [await prime(bits / 2), await prime(bits / 2)];
    const [p, q] = a > b ? [a, b] : [b, a];
    if (isUsable(p, q, bits)) return checked(pems(p, q));
  }
}

/** FIPS 186-5 A.1.3: far enough apart, prime to the exponent. OpenSSL sets both primes' two top bits: n has all its bits. */
function isUsable(p: bigint, q: bigint, bits: number): boolean {
  const isFarApart = p - q > 1n << BigInt(bits / 2 - 100);
  return isFarApart && [p, q].every((one) => (one - 1n) % exponent !== 0n) && (p * q).toString(2).length === bits;
}

function pems(p: bigint, q: bigint): { readonly privatePem: string; readonly publicPem: string } {
  const lambda = ((p - 1n) * (q - 1n)) / gcd(p - 1n, q - 1n);
  const d = inverse(exponent, lambda);
  const numbers = { n: p * q, e: exponent, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
  const jwk = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, base64url(value)]));
  const key = createPrivateKey({ key: { kty: 'RSA', ...jwk }, format: 'jwk' });
  return {
    privatePem: key.export({ type: 'pkcs1', format: 'pem' }).toString(),
    publicPem: createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString(),
  };
}

/** What the private half signs the public half accepts: a key that does not is never handed out. */
async function checked<T extends { readonly privatePem: string; readonly publicPem: string }>(pair: T): Promise<T> {
  const text = Buffer.from('pairwise consistency');
  const signature = await signLater('sha256', text, pair.privatePem);
  if (verify('sha256', text, pair.publicPem, signature)) return pair;
  throw new Error('a new RSA key does not verify what it signs');
}

function base64url(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url');
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}

/** The extended Euclidean algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [r, nextR, t, nextT] = [modulus, value % modulus, 0n, 1n];
  while (nextR !== 0n) {
    const quotient = r / nextR;
    [r, nextR, t, nextT] = [nextR, r - quotient * nextR, nextT, t - quotient * nextT];
  }
  return t < 0n ? t + modulus : t;
}
