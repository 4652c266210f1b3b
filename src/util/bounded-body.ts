// The body of an HTTP answer, read to its end or to a bound: a server may send what it likes.
import type { IncomingMessage } from 'node:http';

/** The answer has more bytes than anybody waits for. */
export class BodyTooLong extends Error {
  constructor(mostBytes: number) {
    super(`the answer is longer than ${mostBytes} bytes`);
    this.name = 'BodyTooLong';
  }
}

/** The whole body as text. @throws BodyTooLong, and what the connection fails with */
export function readBody(incoming: IncomingMessage, mostBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let size = 0;
    incoming.on('error', reject);
    // A connection that breaks off in the middle ends in no 'end'.
    incoming.once('close', () => reject(new Error('the answer broke off')));
    incoming.once('end', () => resolve(Buffer.concat(pieces).toString('utf8')));
    incoming.on('data', (piece: Buffer) => {
      size += piece.length;
      if (size <= mostBytes) pieces.push(piece);
      else incoming.destroy(new BodyTooLong(mostBytes));
    });
  });
}
