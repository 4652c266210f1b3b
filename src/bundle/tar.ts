// A tar archive as it streams past: plain files by name, a piece at a time, nothing of it kept.

const block = 512;
/** Longest name that a header of its own may bring. */
const longestName = 64 * 1024;

/** Who wants to know what is in an archive. */
export interface TarListener {
  /** A plain file begins. */
  readonly begin: (name: string, size: number) => void;
  readonly data: (piece: Buffer) => void;
  /** The file is whole. */
  readonly end: () => void;
}

/** What a header leads to: a file to be told, a long name to be kept, or bytes that nobody wants. */
type Part = 'file' | 'name' | 'pax' | 'other';

/** Reads ustar, GNU's long names and pax paths. */
export class TarReader {
  readonly #listener: TarListener;
  #header: Buffer = Buffer.alloc(0);
  #part: Part = 'other';
  /** Bytes of the current part that are still to come, and of the filling behind it. */
  #left = 0;
  #filling = 0;
  #extra: Buffer[] = [];
  #longName: string | undefined;
  #problem: string | undefined;
  #hasEnded = false;

  constructor(listener: TarListener) {
    this.#listener = listener;
  }

  push(piece: Buffer): void {
    let rest = piece;
    while (rest.length > 0 && this.#problem === undefined && !this.#hasEnded) {
      if (this.#left > 0) rest = this.#take(rest);
      else if (this.#filling > 0) {
        const skipped = Math.min(this.#filling, rest.length);
        this.#filling -= skipped;
        rest = rest.subarray(skipped);
      } else rest = this.#readHeader(rest);
    }
  }

  /** What is wrong with it, once all of it was pushed; undefined when nothing is. */
  finish(): string | undefined {
    if (this.#problem !== undefined) return this.#problem;
    if (this.#left > 0 || (this.#header.length > 0 && !this.#hasEnded)) return 'it ends in the middle of a file';
    return this.#hasEnded ? undefined : 'its end is missing';
  }

  #take(piece: Buffer): Buffer {
    const data = piece.subarray(0, this.#left);
    this.#left -= data.length;
    if (this.#part === 'file') this.#listener.data(data);
    else if (this.#part !== 'other') this.#extra.push(Buffer.from(data));
    if (this.#left === 0) this.#endPart();
    return piece.subarray(data.length);
  }

  #endPart(): void {
    if (this.#part === 'file') this.#listener.end();
    if (this.#part === 'name') this.#longName = untilNul(Buffer.concat(this.#extra));
    if (this.#part === 'pax') this.#longName = paxPath(Buffer.concat(this.#extra)) ?? this.#longName;
    this.#extra = [];
  }

  #readHeader(piece: Buffer): Buffer {
    const wanted = block - this.#header.length;
    this.#header = Buffer.concat([this.#header, piece.subarray(0, wanted)]);
    if (this.#header.length === block) {
      const header = this.#header;
      this.#header = Buffer.alloc(0);
      this.#begin(header);
    }
    return piece.subarray(Math.min(wanted, piece.length));
  }

  #begin(header: Buffer): void {
    if (header.every((byte) => byte === 0)) {
      this.#hasEnded = true;
      return;
    }
    const size = numberAt(header, 124, 12);
    if (size === undefined || numberAt(header, 148, 8) !== checksum(header)) {
      this.#problem = 'it is no tar archive, or is damaged';
      return;
    }
    const type = String.fromCharCode(header[156] ?? 0);
    this.#part = type === '0' || type === '\0' ? 'file' : type === 'L' ? 'name' : type === 'x' ? 'pax' : 'other';
    if ((this.#part === 'name' || this.#part === 'pax') && size > longestName) {
      this.#problem = 'one of its names is too long';
      return;
    }
    // Of links and folders the size says nothing (POSIX pax, "ustar Interchange Format").
    this.#left = /[1-6]/.test(type) ? 0 : size;
    this.#filling = (block - (this.#left % block)) % block;
    if (this.#part === 'file') {
      this.#listener.begin(this.#longName ?? nameOf(header), size);
      this.#longName = undefined;
    } else if (this.#part === 'other') this.#longName = undefined;
    if (this.#left === 0) this.#endPart();
  }
}

function untilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}

function nameOf(header: Buffer): string {
  const isUstar = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? untilNul(header.subarray(345, 500)) : '';
  const name = untilNul(header.subarray(0, 100));
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Octal, or base 256 where the first bit is set (GNU). */
function numberAt(header: Buffer, offset: number, width: number): number | undefined {
  const field = header.subarray(offset, offset + width);
  if (((field[0] ?? 0) & 0x80) !== 0) {
    const value = field.subarray(1).reduce((total, byte) => total * 256 + byte, 0);
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const text = field.toString('latin1').replaceAll(/[\0 ]/g, '');
  if (text === '') return 0;
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined;
}

function checksum(header: Buffer): number {
  return header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0);
}

/** pax records are `LENGTH KEY=VALUE\n`. */
function paxPath(bytes: Buffer): string | undefined {
  let [offset, path] = [0, undefined as string | undefined];
  while (offset < bytes.length) {
    const blank = bytes.indexOf(0x20, offset);
    const length = Number(bytes.toString('latin1', offset, blank));
    if (blank < 0 || !Number.isSafeInteger(length) || length <= 0) return path;
    const record = bytes.toString('utf8', blank + 1, offset + length - 1);
    if (record.startsWith('path=')) path = record.slice('path='.length);
    offset += length;
  }
  return path;
}
