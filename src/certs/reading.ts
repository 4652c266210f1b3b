// What reading a PEM file comes to: its value, or why Kubernetes could not use it.
import { hasMisplacedBegin } from '../util/pem.ts';

/** `found` completes "FILE …": `is empty`. */
export type Reading<T> =
  { readonly kind: 'good'; readonly value: T } | { readonly kind: 'broken'; readonly found: string };

/** Why a file has no block of what was looked for (`private key`). */
export function withoutBlock(text: string, what: string): { readonly kind: 'broken'; readonly found: string } {
  return { kind: 'broken', found: reason(text, what) };
}

function reason(text: string, what: string): string {
  if (text.trim() === '') return 'is empty';
  if (text.startsWith('\uFEFF-----BEGIN ')) return 'begins with a byte order mark, which Kubernetes does not skip';
  if (hasMisplacedBegin(text)) return 'has -----BEGIN in the middle of a line; Kubernetes reads it at the start only';
  if (text.includes('-----BEGIN ') && !text.includes('-----END ')) return 'is cut off';
  if (/ENCRYPTED/.test(text)) return `holds a ${what} with a passphrase`;
  return `holds no ${what} that can be read`;
}
