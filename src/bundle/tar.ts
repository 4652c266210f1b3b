// A tar archive as it streams past: plain files by name, a piece at a time, nothing of it kept. The home of tar-stream.
import { extract, type Extract, type ExtractEvents } from 'tar-stream';

/** Who wants to know what is in an archive. */
export interface TarListener {
  /** A plain file begins. */
  readonly begin: (name: string, size: number) => void;
  readonly data: (piece: Buffer) => void;
  /** The file is whole. */
  readonly end: () => void;
  /** Something that is neither a plain file nor a folder, or a file that readers take apart in different ways. */
  readonly odd: (name: string, type: string) => void;
}

/** Reads what GNU tar, POSIX tar and Go write, long names too. */
export class TarReader {
  readonly #archive: Extract = extract();
  readonly #closed: Promise<void>;
  #problem: string | undefined;

  constructor(listener: TarListener) {
    const archive = this.#archive;
    archive.on('entry', ({ type, name, size, pax }, entry, next) => {
      // Go gives such a file another name and another content than the archive shows.
      const isSparse = Object.keys(pax ?? {}).some((key) => key.startsWith('GNU.sparse.'));
      if (isSparse) listener.odd(name, 'sparse file');
      else if (type === 'file') tell(listener, entry, name, size);
      else if (type !== 'directory') listener.odd(name, type ?? 'unknown entry');
      entry.on('end', next);
      entry.resume();
    });
    archive.on('error', (error) => {
      const isCut = error.message === 'Unexpected end of data';
      this.#problem ??= isCut ? 'it is truncated in the middle of a file' : 'it is not a tar archive, or is damaged';
    });
    this.#closed = new Promise((resolve) => archive.on('close', () => resolve()));
  }

  /** The next piece; resolves when there is room for one more. */
  async push(piece: Uint8Array): Promise<void> {
    if (this.#problem !== undefined || this.#archive.write(piece)) return;
    const drained = new Promise<void>((resolve) => this.#archive.once('drain', () => resolve()));
    await Promise.race([drained, this.#closed]);
  }

  /** What is wrong with it, once all of it was pushed; undefined when nothing is. */
  async finish(): Promise<string | undefined> {
    this.#archive.end(null);
    await this.#closed;
    return this.#problem;
  }
}

function tell({ begin, data, end }: TarListener, entry: ExtractEvents['entry'][1], name: string, size: number): void {
  begin(name, size);
  entry.on('data', (piece) => {
    if (piece instanceof Uint8Array) data(Buffer.from(piece.buffer, piece.byteOffset, piece.length));
  });
  entry.on('end', end);
}
