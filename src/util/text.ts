// Small text functions with one meaning everywhere.

/** `1 file`, `2 files` */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** What there is, in an error that found something else: `a, b, c`, `none`; a long list is cut. */
export function listed(names: readonly string[], most = 30): string {
  if (names.length === 0) return 'none';
  const more = names.length - most;
  return names.slice(0, most).join(', ') + (more > 0 ? ` and ${more} more` : '');
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
