// DER as Go's cryptobyte reads it: definite, shortest lengths and low tags, nothing else.

/** One element: its identifier octet and its content. */
export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
  /** With identifier and length. */
  readonly raw: Buffer;
}

/** Identifier octets. */
export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** Context-specific and primitive, or constructed. */
  context: (number: number): number => 0x80 | number,
  contextConstructed: (number: number): number => 0xa0 | number,
} as const;

/** The first element of some bytes; undefined when there is none that is DER. */
export function firstElement(bytes: Buffer): DerElement | undefined {
  const [tag, length] = bytes;
  if (tag === undefined || length === undefined || (tag & 0x1f) === 0x1f) return undefined;
  const count = length < 0x80 ? 0 : length & 0x7f;
  // 0x80 alone is BER's indefinite length.
  if (length === 0x80 || count > 4 || bytes.length < 2 + count) return undefined;
  const size = count === 0 ? length : bytes.readUIntBE(2, count);
  if (count > 0 && (size < 0x80 || bytes[2] === 0)) return undefined;
  const end = 2 + count + size;
  if (bytes.length < end) return undefined;
  return { tag, content: bytes.subarray(2 + count, end), raw: bytes.subarray(0, end) };
}

/** All elements, one after the other; undefined when anything among them is not DER. */
export function elementsOf(bytes: Buffer): readonly DerElement[] | undefined {
  const list: DerElement[] = [];
  for (let at = 0; at < bytes.length;) {
    const element = firstElement(bytes.subarray(at));
    if (element === undefined) return undefined;
    list.push(element);
    at += element.raw.length;
  }
  return list;
}

/** Whether something follows the first element. */
export function hasTrailingData(bytes: Buffer): boolean {
  const first = firstElement(bytes);
  return first !== undefined && first.raw.length < bytes.length;
}
