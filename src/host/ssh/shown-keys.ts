// The host keys that a host shows to anybody who asks; nobody logs in for them.
import { Client } from 'ssh2';
import { Unreachable } from './failures.ts';
import { untilLetIn } from './handshake.ts';
import { hostKeyAlgorithmsByType, type HostKeyAlgorithm } from './known-hosts.ts';
import type { Login } from './login.ts';
import { openStream } from './stream.ts';

/** The key that a host shows when it is asked for these algorithms; undefined where it has none of them. No login is tried. */
async function shownKey(login: Login, algorithms: readonly HostKeyAlgorithm[]): Promise<Buffer | undefined> {
  const { options, timeoutSeconds } = login;
  const deadline = AbortSignal.timeout(timeoutSeconds * 1000);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  const stream = await openStream(login, signal);
  const client = new Client();
  return new Promise<Buffer | undefined>((resolve, reject) => {
    const late = (): void => reject(new Unreachable(options, `no host key within ${timeoutSeconds} s`));
    signal.addEventListener('abort', late, { once: true });
    client
      .on('error', (error) => {
        if (/no matching host key/i.test(error.message)) resolve(undefined);
        else reject(new Unreachable(options, error.message, true, error));
      })
      .on('close', () => reject(new Unreachable(options, 'the connection was closed during the handshake', true)))
      .connect({
        sock: stream,
        username: options.user,
        readyTimeout: 0,
        algorithms: { serverHostKey: [...algorithms] },
        hostVerifier: (blob: Buffer, verify: (isGood: boolean) => void) => {
          resolve(blob);
          verify(false);
        },
      });
  }).finally(() => {
    client.destroy();
    stream.destroy();
  });
}

/** Every key that a host shows, one a type. */
export async function shownKeys(login: Login): Promise<readonly Buffer[]> {
  const { signal } = login.options;
  const keys: Buffer[] = [];
  // One after the other: three logins at once that come to nothing are what MaxStartups is there to stop.
  for (const algorithms of hostKeyAlgorithmsByType) {
    const key = await untilLetIn(signal, () => shownKey(login, algorithms));
    if (key !== undefined) keys.push(key);
  }
  return keys;
}
