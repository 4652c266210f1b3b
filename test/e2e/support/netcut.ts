// A TCP proxy that breaks connections: cut with a reset after so many bytes.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Netcut {
  readonly port: number;
  /** Connections that were cut. */
  readonly cuts: number;
  readonly connections: number;
  /** Bytes of both directions since the start. */
  readonly bytes: number;
  close(): Promise<void>;
}

export interface CutRule {
  /** Bytes of both directions that a connection may carry. */
  readonly afterBytes: number;
  /** How many connections are cut; those after them are left alone. */
  readonly times: number;
  /** How fast the link is, each way; without it as fast as it goes. */
  readonly bytesPerSecond?: number;
}

/** Pass connections on to an address until the rule says to reset them. Listens on 127.0.0.1. */
export async function netcut(target: { readonly host: string; readonly port: number }, rule: CutRule): Promise<Netcut> {
  let [cuts, connections, bytes] = [0, 0, 0];
  const open = new Set<Socket>();
  const server = createServer((near) => {
    connections++;
    const far = connect(target.port, target.host);
    const pair = [near, far] as const;
    let carried = 0;
    const count = (chunk: Buffer): void => {
      carried += chunk.length;
      bytes += chunk.length;
      if (carried < rule.afterBytes || cuts >= rule.times) return;
      if (near.destroyed) return;
      cuts++;
      for (const socket of pair) socket.resetAndDestroy();
    };
    for (const socket of pair) {
      socket.setNoDelay(true);
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('data', count);
      socket.on('close', () => {
        open.delete(socket);
        for (const other of pair) other.destroy();
      });
    }
    if (rule.bytesPerSecond === undefined) {
      near.pipe(far);
      far.pipe(near);
    } else {
      trickle(near, far, rule.bytesPerSecond);
      trickle(far, near, rule.bytesPerSecond);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    port: address.port,
    get cuts() {
      return cuts;
    },
    get connections() {
      return connections;
    },
    get bytes() {
      return bytes;
    },
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A pipe that takes its time: what arrives is passed on when a link of that speed would have brought it. */
function trickle(from: Socket, to: Socket, bytesPerSecond: number): void {
  from.on('data', (chunk: Buffer) => {
    from.pause();
    setTimeout(
      () => {
        if (!to.destroyed) to.write(chunk);
        from.resume();
      },
      (chunk.length / bytesPerSecond) * 1000,
    );
  });
}
