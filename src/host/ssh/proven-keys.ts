// The host keys that a host proves to anybody who asks; nobody logs in for them.
import { Client } from 'ssh2';
import { handshakeFailure, Unreachable } from './failures.ts';
import { isRefused, offerOf, untilLetIn } from './handshake.ts';
import { hostKeyAlgorithmsByType, keyTypeOf, type HostKeyAlgorithm } from './known-hosts.ts';
import type { Login } from './login.ts';
import { openStream } from './stream.ts';

/**
 * The key that a host has signed the exchange with when it is asked for these algorithms; undefined where it has none of
 * them. No login is tried.
 */
async function provenKey(login: Login, algorithms: readonly HostKeyAlgorithm[]): Promise<Buffer | undefined> {
  const { options, timeoutSeconds } = login;
  const deadline = AbortSignal.timeout(timeoutSeconds * 1000);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  const stream = await openStream(login, signal);
  const client = new Client();
  return new Promise<Buffer | undefined>((resolve, reject) => {
    let shown: Buffer | undefined;
    const late = (): void => reject(new Unreachable(options, `no host key within ${timeoutSeconds} s`));
    signal.addEventListener('abort', late, { once: true });
    client
      .on('error', (error) => {
        if (/no matching host key/i.test(error.message)) resolve(undefined);
        else reject(handshakeFailure(options, error, shown));
      })
      // Until the signature was good, the key is only a claim.
      .on('handshake', () => resolve(shown))
      .on('close', () => reject(new Unreachable(options, 'the connection was closed during the handshake', true)))
      .connect({
        sock: stream,
        username: options.user,
        readyTimeout: 0,
        algorithms: offerOf(options, algorithms),
        hostVerifier: (blob: Buffer) => {
          shown = blob;
          return keyTypeOf(blob) !== undefined;
        },
      });
  }).finally(() => {
    client.destroy();
    stream.destroy();
  });
}

/** Every key that a host has the private half of, one a type. @throws KbError KB_SSH_HOST_KEY_UNPROVEN for one that it only shows */
export async function provenKeys(login: Login): Promise<readonly Buffer[]> {
  const { signal } = login.options;
  const keys: Buffer[] = [];
  // One after the other: three logins at once that come to nothing are what MaxStartups is there to stop.
  for (const ofType of hostKeyAlgorithmsByType) {
    const algorithms = ofType.filter((name) => !isRefused(login.options, name));
    if (algorithms.length === 0) continue;
    const key = await untilLetIn(signal, () => provenKey(login, algorithms));
    if (key !== undefined) keys.push(key);
  }
  return keys;
}
