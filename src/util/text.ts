// Small text functions with one meaning everywhere.

/** `1 file`, `2 files` */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** Bytes of base64 text. */
export function fromBase64(text: string): Buffer {
  return Buffer.from(text, 'base64');
}

export function toBase64(data: string | Uint8Array): string {
  return (typeof data === 'string' ? Buffer.from(data) : Buffer.from(data)).toString('base64');
}

/** `12.3 MiB` of a number of bytes. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
