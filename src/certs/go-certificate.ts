// A certificate as Go's crypto/x509 reads it. Node reads with OpenSSL, which takes other forms: what Kubernetes will
// read again must pass here first. Not looked at: what Go keeps of policies and distribution points.
import { isUtf8 } from 'node:buffer';
import { derTag, elementsOf, firstElement, type DerElement } from './der.ts';

/** What Go knows of a certificate beyond what Node tells. */
export interface GoCertificate {
  /** DER of the names: Go looks for issuers by these very bytes. */
  readonly subjectRaw: Buffer;
  readonly issuerRaw: Buffer;
  /** cA of the basic constraints; Go does not look at the key usage here. */
  readonly isCa: boolean;
  /** False where a key usage is there and has no keyCertSign. */
  readonly maySign: boolean;
  /** How many CAs may stand below it. */
  readonly pathLength: number | undefined;
  /** Critical extensions that Go does not know: it verifies nothing with such a certificate. */
  readonly unknownCritical: readonly string[];
}

/** @throws Error whose message completes "a certificate that Kubernetes cannot read: …" */
export function readAsGo(der: Buffer): GoCertificate {
  const outer = only(der, derTag.sequence, 'it is not DER');
  if (outer.raw.length !== der.length) throw new Error('there is data behind it');
  const [body, algorithm, signature] = listOf(outer, 'it is not DER');
  need(body?.tag === derTag.sequence && algorithm?.tag === derTag.sequence, 'it is not DER');
  need(signature?.tag === derTag.bitString, 'its signature is malformed');
  const fields = [...listOf(body, 'it is not DER')];
  const version = readVersion(fields);
  const [serial, innerAlgorithm, issuer, validity, subject, publicKey, ...rest] = fields;
  checkSerial(serial);
  need(innerAlgorithm?.tag === derTag.sequence, 'its signature algorithm is malformed');
  need(innerAlgorithm.content.equals(algorithm.content), 'it names two different signature algorithms');
  checkName(issuer, 'issuer');
  checkValidity(validity);
  checkName(subject, 'subject');
  checkPublicKey(publicKey);
  const found = version === 3 ? readExtensions(rest) : new Map<string, Extension>();
  const constraints = readConstraints(found.get('2.5.29.19'));
  const unknownCritical = [...found].filter(([id, { isCritical }]) => isCritical && !known.has(id)).map(([id]) => id);
  for (const [id, extension] of found) checks[id]?.(extension);
  return {
    subjectRaw: subject.raw,
    issuerRaw: issuer.raw,
    ...constraints,
    maySign: readMaySign(found.get('2.5.29.15')),
    unknownCritical,
  };
}

interface Extension {
  readonly isCritical: boolean;
  readonly value: Buffer;
}

/** Extensions that Go evaluates; others may not be critical. */
const known: ReadonlySet<string> = new Set([
  '1.3.6.1.5.5.7.1.1',
  ...[14, 15, 17, 19, 30, 31, 32, 33, 35, 36, 37, 54].map((number) => `2.5.29.${number}`),
]);

const checks: Readonly<Record<string, (extension: Extension) => void>> = {
  '2.5.29.14': ({ isCritical, value }) => {
    need(!isCritical, 'its subject key identifier is marked critical');
    only(value, derTag.octetString, 'its subject key identifier is malformed');
  },
  '2.5.29.35': ({ isCritical, value }) => {
    need(!isCritical, 'its authority key identifier is marked critical');
    only(value, derTag.sequence, 'its authority key identifier is malformed');
  },
  '1.3.6.1.5.5.7.1.1': ({ isCritical, value }) => {
    need(!isCritical, 'its authority information access is marked critical');
    only(value, derTag.sequence, 'its authority information access is malformed');
  },
  '2.5.29.17': ({ value }) => checkAltNames(value),
  '2.5.29.30': ({ value }) => checkNameConstraints(value),
  '2.5.29.32': ({ value }) => checkPolicies(value),
  '2.5.29.37': ({ value }) => {
    const reason = 'its extended key usage is malformed';
    for (const usage of listOf(only(value, derTag.sequence, reason), reason)) oidOf(usage, reason);
  },
};

function need(holds: boolean, reason: string): asserts holds {
  if (!holds) throw new Error(reason);
}

/** The first element, which must have this tag. */
function only(bytes: Buffer, tag: number, reason: string): DerElement {
  const element = firstElement(bytes);
  need(element?.tag === tag, reason);
  return element;
}

function listOf({ content }: DerElement, reason: string): readonly DerElement[] {
  const list = elementsOf(content);
  need(list !== undefined, reason);
  return list;
}

/** Takes the version off the front: 1 when it is not there. */
function readVersion(fields: DerElement[]): number {
  if (fields[0]?.tag !== derTag.contextConstructed(0)) return 1;
  const field = fields.shift();
  const value = field && firstElement(field.content);
  need(value?.tag === derTag.integer && isMinimal(value.content), 'its version is malformed');
  const [number = 255] = value.content;
  need(value.content.length === 1 && number <= 2, 'its version is not 1, 2 or 3');
  return number + 1;
}

/** An INTEGER in its shortest form. */
function isMinimal(content: Buffer): boolean {
  const [first, second = 0] = content;
  if (first === undefined || content.length === 1) return first !== undefined;
  return !(first === 0 && second < 0x80) && !(first === 0xff && second >= 0x80);
}

function checkSerial(serial: DerElement | undefined): asserts serial {
  need(serial?.tag === derTag.integer && isMinimal(serial.content), 'its serial number is malformed');
  need((serial.content[0] ?? 0) < 0x80, 'its serial number is negative');
}

const strings: Readonly<Record<number, (bytes: Buffer) => boolean>> = {
  0x0c: (bytes) => isUtf8(bytes),
  0x12: (bytes) => /^[0-9 ]*$/.test(bytes.toString('latin1')),
  0x13: (bytes) => /^[A-Za-z0-9'()*+,\-./ :=?&]*$/.test(bytes.toString('latin1')),
  // T.61, read as Latin-1.
  0x14: () => true,
  0x16: (bytes) => bytes.every((byte) => byte < 0x80),
  0x1e: (bytes) => bytes.length % 2 === 0,
};

function checkName(name: DerElement | undefined, what: string): asserts name {
  const reason = `its ${what} is malformed`;
  need(name?.tag === derTag.sequence, reason);
  for (const set of listOf(name, reason)) {
    need(set.tag === derTag.set, reason);
    for (const attribute of listOf(set, reason)) {
      need(attribute.tag === derTag.sequence, reason);
      const [type, value] = listOf(attribute, reason);
      need(type !== undefined && value !== undefined, reason);
      oidOf(type, reason);
      need(
        strings[value.tag]?.(value.content) === true,
        `its ${what} has a text of a kind, or a letter, that Go does not take`,
      );
    }
  }
}

function checkValidity(validity: DerElement | undefined): void {
  const reason = 'its dates are malformed';
  need(validity?.tag === derTag.sequence, reason);
  const [begin, end] = listOf(validity, reason);
  for (const time of [begin, end]) need(time !== undefined && isTime(time), reason);
}

function isTime({ tag, content }: DerElement): boolean {
  const text = content.toString('latin1');
  const match =
    tag === derTag.utcTime
      ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(?:Z|[+-](?!0000)\d{4})$/.exec(text)
      : tag === derTag.generalizedTime
        ? /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:Z|[+-](?!0000)\d{4})$/.exec(text)
        : null;
  if (match === null) return false;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  const date = new Date(Date.UTC(2000 + (year % 100), month - 1, day, hour, minute, second));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
}

const curveSizes: Readonly<Record<string, number>> = {
  '1.3.132.0.33': 28,
  '1.2.840.10045.3.1.7': 32,
  '1.3.132.0.34': 48,
  '1.3.132.0.35': 66,
};

function checkPublicKey(info: DerElement | undefined): void {
  const reason = 'its public key is malformed';
  need(info?.tag === derTag.sequence, reason);
  const [algorithm, bits] = listOf(info, reason);
  need(algorithm?.tag === derTag.sequence && bits?.tag === derTag.bitString && bits.content.length > 0, reason);
  const [type, parameters] = listOf(algorithm, reason);
  need(type !== undefined, reason);
  const key = bits.content.subarray(1);
  switch (oidOf(type, reason)) {
    case '1.2.840.113549.1.1.1': {
      need(parameters?.raw.toString('hex') === '0500', 'its RSA key has no NULL parameters');
      const numbers = listOf(only(key, derTag.sequence, reason), reason).slice(0, 2);
      for (const { tag, content } of numbers) {
        need(tag === derTag.integer && isMinimal(content) && (content[0] ?? 0) < 0x80, reason);
      }
      break;
    }
    case '1.2.840.10045.2.1': {
      need(parameters?.tag === derTag.objectId, 'its key is on an elliptic curve without a name');
      const size = curveSizes[oidOf(parameters, reason)];
      need(
        size !== undefined,
        'its key is on an elliptic curve that Kubernetes does not know (P-256, P-384 and P-521 are)',
      );
      need(key[0] === 4 && key.length === 1 + 2 * size, 'its key is not an uncompressed point');
      break;
    }
    case '1.3.101.110':
    case '1.3.101.112':
      need(parameters === undefined && key.length === 32, reason);
      break;
    default:
    // Go keeps a key that it does not know without reading it.
  }
}

function readExtensions(rest: readonly DerElement[]): ReadonlyMap<string, Extension> {
  const reason = 'its extensions are malformed';
  const field = rest.find(({ tag }) => tag === derTag.contextConstructed(3));
  const found = new Map<string, Extension>();
  if (field === undefined) return found;
  for (const extension of listOf(only(field.content, derTag.sequence, reason), reason)) {
    need(extension.tag === derTag.sequence, reason);
    const [type, ...parts] = listOf(extension, reason);
    need(type !== undefined, reason);
    const id = oidOf(type, reason);
    const critical = parts[0]?.tag === derTag.boolean ? parts.shift() : undefined;
    const [value] = parts;
    need(value?.tag === derTag.octetString, reason);
    need(!found.has(id), `it has the extension ${id} twice`);
    found.set(id, { isCritical: critical !== undefined && readBoolean(critical, reason), value: value.content });
  }
  return found;
}

/** DER knows two bytes for a boolean. */
function readBoolean({ content }: DerElement, reason: string): boolean {
  const [byte] = content;
  need(content.length === 1 && (byte === 0 || byte === 0xff), reason);
  return byte === 0xff;
}

function readConstraints(extension: Extension | undefined): Pick<GoCertificate, 'isCa' | 'pathLength'> {
  if (extension === undefined) return { isCa: false, pathLength: undefined };
  const reason = 'its basic constraints are malformed';
  const parts = [...listOf(only(extension.value, derTag.sequence, reason), reason)];
  const flag = parts[0]?.tag === derTag.boolean ? parts.shift() : undefined;
  const isCa = flag !== undefined && readBoolean(flag, reason);
  const length = parts[0]?.tag === derTag.integer ? parts[0].content : undefined;
  if (length === undefined) return { isCa, pathLength: undefined };
  need(isMinimal(length) && length.length <= 6 && (length[0] ?? 0) < 0x80, reason);
  return { isCa, pathLength: length.readUIntBE(0, length.length) };
}

/** keyCertSign is bit 5. No bit at all counts as no key usage. */
function readMaySign(extension: Extension | undefined): boolean {
  if (extension === undefined) return true;
  const reason = 'its key usage is malformed';
  const [unused = 8, ...bytes] = only(extension.value, derTag.bitString, reason).content;
  const last = bytes.at(-1) ?? 0;
  need(unused < 8 && (bytes.length > 0 || unused === 0) && (last & ((1 << unused) - 1)) === 0, reason);
  return bytes.every((byte) => byte === 0) || ((bytes[0] ?? 0) & 0x04) !== 0;
}

function checkAltNames(value: Buffer): void {
  const reason = 'its alternative names are malformed';
  for (const { tag, content } of listOf(only(value, derTag.sequence, reason), reason)) {
    const isText = [1, 2, 6].some((kind) => tag === derTag.context(kind));
    need(!isText || content.every((byte) => byte < 0x80), 'an alternative name of it has letters beyond ASCII');
    const isAddress = tag === derTag.context(7);
    need(
      !isAddress || content.length === 4 || content.length === 16,
      `an alternative name of it is an address of ${content.length} bytes`,
    );
  }
}

function checkNameConstraints(value: Buffer): void {
  const reason = 'its name constraints are malformed';
  const outer = only(value, derTag.sequence, reason);
  const lists = listOf(outer, reason);
  const isTree = ({ tag }: DerElement): boolean => [0, 1].some((kind) => tag === derTag.contextConstructed(kind));
  need(outer.raw.length === value.length && lists.every(isTree), reason);
  need(
    lists.some(({ content }) => content.length > 0),
    'its name constraints are empty',
  );
  for (const subtree of lists.flatMap((list) => listOf(list, reason))) {
    const [base] = listOf(subtree, reason);
    need(subtree.tag === derTag.sequence && base !== undefined, reason);
    if (base.tag !== derTag.context(7)) continue;
    const half = base.content.length / 2;
    need(
      (half === 4 || half === 16) && isMask(base.content.subarray(half)),
      'a name constraint of it has an invalid mask',
    );
  }
}

function isMask(bytes: Buffer): boolean {
  return /^1*0*$/.test([...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join(''));
}

function checkPolicies(value: Buffer): void {
  const reason = 'its certificate policies are malformed';
  const ids = listOf(only(value, derTag.sequence, reason), reason).map((policy) => {
    const [id] = listOf(policy, reason);
    need(policy.tag === derTag.sequence && id?.tag === derTag.objectId, reason);
    return id.content.toString('hex');
  });
  need(new Set(ids).size === ids.length, reason);
}

/** The dotted form. */
function oidOf({ tag, content }: DerElement, reason: string): string {
  need(tag === derTag.objectId && content.length > 0 && (content.at(-1) ?? 0x80) < 0x80, reason);
  const numbers: number[] = [];
  let current = 0;
  let isFirstByte = true;
  for (const byte of content) {
    need(!isFirstByte || byte !== 0x80, reason);
    current = current * 128 + (byte & 0x7f);
    need(current <= 0x7f_ff_ff_ff, reason);
    isFirstByte = byte < 0x80;
    if (!isFirstByte) continue;
    numbers.push(current);
    current = 0;
  }
  const [first = 0, ...others] = numbers;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - top * 40, ...others].join('.');
}
