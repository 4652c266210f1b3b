// Files of this machine, read once from beginning to end a piece at a time: size, sha256, and whoever else listens.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { UploadSource } from '../host/host.ts';
import { assertRegularFile } from '../util/local-file.ts';

const pieceBytes = 1024 * 1024;

export interface Measured {
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
  /** As many of its first bytes as tell what a file is. */
  readonly head: Buffer;
}

/** Read a file; `listen` gets every piece of it in order, and the next one when it is done with that. */
export async function measure(path: string, listen?: (piece: Buffer) => void | Promise<void>): Promise<Measured> {
  assertRegularFile(path);
  const hash = createHash('sha256');
  let [size, head] = [0, Buffer.alloc(0)];
  const pieces: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: pieceBytes });
  for await (const piece of pieces) {
    if (head.length < 64) head = Buffer.concat([head, piece.subarray(0, 64 - head.length)]);
    size += piece.length;
    hash.update(piece);
    await listen?.(piece);
  }
  return { size, sha256: hash.digest('hex'), head };
}

/** A file as what is uploaded: opened for each piece, so that hundreds of files may wait for their turn. */
export function fileSource(path: string, size: number): UploadSource {
  return {
    size,
    async read(offset, length) {
      const file = await open(path);
      try {
        const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },
  };
}
