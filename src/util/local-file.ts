// Reads files of this machine whole: only what is a file and has an end, so that no path makes a run hang or fill the memory.
import { closeSync, fstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';
import { mebibytes } from './text.ts';

/** No configuration, key or list has more. */
const defaultMostBytes = 16 * 2 ** 20;

/** What a shell makes of `<(command)`: a pipe with somebody at its other end. */
const handedOver = /^(?:\/dev\/stdin|\/(?:dev|proc\/self)\/fd\/\d+)$/;

/** All of a file; 0 is standard input. @throws Error that says what is wrong; of Node with its `code` where there is no file */
export function readLocalFile(path: string | 0, mostBytes: number = defaultMostBytes): Buffer {
  // Before it is opened: to open a FIFO is to wait for its writer.
  if (path !== 0) assertReadable(path, statSync(path), handedOver.test(path));
  const descriptor = path === 0 ? 0 : openSync(path, 'r');
  try {
    if (path !== 0) assertReadable(path, fstatSync(descriptor), handedOver.test(path));
    const pieces: Buffer[] = [];
    for (let size = 0; ;) {
      const piece = Buffer.alloc(64 * 1024);
      const length = readPiece(descriptor, piece);
      if (length === 0) return Buffer.concat(pieces);
      size += length;
      if (size > mostBytes) {
        throw new Error(`${path === 0 ? 'standard input' : path} is larger than ${mebibytes(mostBytes)}`);
      }
      pieces.push(piece.subarray(0, length));
    }
  } finally {
    if (path !== 0) closeSync(descriptor);
  }
}

/** The same as text. */
export function readLocalText(path: string, mostBytes?: number): string {
  return readLocalFile(path, mostBytes).toString('utf8');
}

/** @throws Error for what is not a regular file: a FIFO, a device, a folder, a socket */
export function assertRegularFile(path: string): void {
  assertReadable(path, statSync(path), false);
}

function assertReadable(path: string, found: Stats, mayBePipe: boolean): void {
  if (found.isFile() || (mayBePipe && (found.isFIFO() || found.isCharacterDevice() || found.isSocket()))) return;
  throw new Error(`${path} is ${found.isDirectory() ? 'a directory' : 'a FIFO, device or socket'}, not a regular file`);
}

/** A terminal or pipe that does not block says EAGAIN while nothing is there; EOF is an error on some of them. */
function readPiece(descriptor: number, piece: Buffer): number {
  for (;;) {
    try {
      return readSync(descriptor, piece);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}
