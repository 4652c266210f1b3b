// The stream that SSH is spoken over: a TCP connection of our own, or one through jump hosts.
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { KbError } from '../../errors.ts';
import { Unreachable } from './failures.ts';
import type { KeyOwner } from './known-hosts.ts';
import type { Login } from './login.ts';
import type { SshOptions } from './options.ts';

/** A connection of our own to the host. */
async function openSocket({ host, port }: KeyOwner, signal: AbortSignal): Promise<Socket> {
  // noDelay: without it every command waits out a delayed ACK (ssh2's own socket has Nagle on).
  const socket = connect({ host, port, noDelay: true, keepAlive: true });
  return new Promise((resolve, reject) => {
    // Left alone it would go on for minutes, and keep the process from ending.
    const stop = (): void => {
      socket.destroy();
      reject(new Error('given up'));
    };
    signal.addEventListener('abort', stop, { once: true });
    socket.once('connect', () => {
      signal.removeEventListener('abort', stop);
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (error) => {
      signal.removeEventListener('abort', stop);
      reject(error);
    });
  });
}

/** Open it. @throws Unreachable, or what a jump host on the way failed with */
export async function openStream(login: Login, signal: AbortSignal): Promise<Duplex> {
  const { owner, options, timeoutSeconds } = login;
  const opening: Promise<Duplex> = login.dial?.(owner.host, owner.port) ?? openSocket(owner, signal);
  return new Promise((resolve, reject) => {
    let isLate = false;
    const stop = (): void => {
      isLate = true;
      reject(new Unreachable(options, `no answer within ${timeoutSeconds} s`));
    };
    signal.addEventListener('abort', stop, { once: true });
    opening
      .then(
        (stream) => (isLate ? stream.destroy() : resolve(stream)),
        (error: unknown) => reject(error instanceof KbError ? error : asUnreachable(options, error)),
      )
      .finally(() => signal.removeEventListener('abort', stop));
  });
}

function asUnreachable(options: SshOptions, error: unknown): Unreachable {
  return new Unreachable(options, error instanceof Error ? error.message : String(error), false, error);
}
