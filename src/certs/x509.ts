// X.509 certificates and requests: built byte for byte as Go's crypto/x509 builds them for kubeadm, and read.
// The DER is node-forge's asn1; keys, signatures and their checks are node:crypto's.
import { createHash, createPublicKey, sign, X509Certificate, type KeyObject } from 'node:crypto';
import forge from 'node-forge';
import { formatIp, parseIp, type Ip } from '../util/net.ts';
import { pemBlocks, toPem } from '../util/pem.ts';
import { readAsGo } from './go-certificate.ts';
import { withoutBlock, type Reading } from './reading.ts';

const { asn1 } = forge;
type Node = forge.asn1.Asn1;
const { Class, Type } = asn1;

export interface Subject {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

/** Who a certificate is for. Addresses are texts in canonical form. */
export interface AltNames {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

export type ExtendedUsage = 'serverAuth' | 'clientAuth';

/** Everything in a certificate but its issuer and signature. */
export interface Template {
  readonly subject: Subject;
  readonly serial: bigint;
  /** Cut to whole seconds. */
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicPem: string;
  readonly isCa: boolean;
  /** By name, others as object identifiers. */
  readonly usages: readonly string[];
  readonly altNames: AltNames;
  /** How a CA's key identifier is made; Go changed it in 1.25. */
  readonly keyIdentifier: 'sha1' | 'sha256';
}

/** A leaf or CA first, then the others of its file. */
export type CertificateFile = readonly [Certificate, ...Certificate[]];

/** A certificate that was read. */
export interface Certificate {
  readonly pem: string;
  readonly subject: Subject;
  readonly issuer: Subject;
  /** Hexadecimal DER of the names, for comparison. */
  readonly subjectDer: string;
  readonly issuerDer: string;
  readonly serial: bigint;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** The basic constraints say so; whether the key usage lets it sign is `maySign`. */
  readonly isCa: boolean;
  readonly maySign: boolean;
  /** How many CAs may stand below it. */
  readonly pathLength: number | undefined;
  /** Critical extensions that Kubernetes does not know. */
  readonly unknownCritical: readonly string[];
  /** Extended key usages by name, others as object identifiers. */
  readonly usages: readonly string[];
  readonly altNames: AltNames;
  /** Hexadecimal. */
  readonly subjectKeyId?: string;
  readonly authorityKeyId?: string;
  readonly signatureAlgorithm: string;
  readonly publicKey: KeyObject;
  readonly x509: X509Certificate;
}

const oid = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  altNames: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedUsage: '2.5.29.37',
  extensionRequest: '1.2.840.113549.1.9.14',
} as const;

const usageOids: Readonly<Record<string, string>> = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} satisfies Record<ExtendedUsage, string>;

interface SignatureAlgorithm {
  readonly name: string;
  readonly oid: string;
  readonly hash: string;
  /** RSA's identifier carries a NULL, ECDSA's nothing (RFC 3279 §2.2.1, RFC 5758 §3.2). */
  readonly hasNull: boolean;
}

const rsaSha256: SignatureAlgorithm = {
  name: 'SHA256-RSA',
  oid: '1.2.840.113549.1.1.11',
  hash: 'sha256',
  hasNull: true,
};
const ecdsaSha256: SignatureAlgorithm = {
  name: 'ECDSA-SHA256',
  oid: '1.2.840.10045.4.3.2',
  hash: 'sha256',
  hasNull: false,
};
const ecdsaSha384: SignatureAlgorithm = {
  name: 'ECDSA-SHA384',
  oid: '1.2.840.10045.4.3.3',
  hash: 'sha384',
  hasNull: false,
};
const ecdsaSha512: SignatureAlgorithm = {
  name: 'ECDSA-SHA512',
  oid: '1.2.840.10045.4.3.4',
  hash: 'sha512',
  hasNull: false,
};
/** Algorithms by Go's names: those above, others that it verifies, and the insecure ones that it does not. */
const signatureNames: Readonly<Record<string, string>> = {
  ...Object.fromEntries([rsaSha256, ecdsaSha256, ecdsaSha384, ecdsaSha512].map((one) => [one.oid, one.name])),
  '1.2.840.113549.1.1.12': 'SHA384-RSA',
  '1.2.840.113549.1.1.13': 'SHA512-RSA',
  '1.2.840.113549.1.1.10': 'RSA-PSS',
  '1.3.101.112': 'Ed25519',
  '1.2.840.113549.1.1.4': 'MD5-RSA',
  '1.2.840.113549.1.1.5': 'SHA1-RSA',
  '1.3.14.3.2.29': 'SHA1-RSA',
  '1.2.840.10045.4.1': 'ECDSA-SHA1',
  '1.2.840.10040.4.3': 'DSA-SHA1',
  '2.16.840.1.101.3.4.3.2': 'DSA-SHA256',
};

/** Go verifies no signature of these. */
export const refusedSignatures: ReadonlySet<string> = new Set([
  'MD5-RSA',
  'SHA1-RSA',
  'ECDSA-SHA1',
  'DSA-SHA1',
  'DSA-SHA256',
]);

const byCurve: Readonly<Record<string, SignatureAlgorithm>> = {
  secp224r1: ecdsaSha256,
  prime256v1: ecdsaSha256,
  secp384r1: ecdsaSha384,
  secp521r1: ecdsaSha512,
};

/** The algorithm follows the signing key (Go's signingParamsForKey). */
function algorithmOf(key: KeyObject): SignatureAlgorithm {
  if (key.asymmetricKeyType === 'rsa') return rsaSha256;
  const found = byCurve[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (found === undefined) throw new TypeError(`a key of type ${key.asymmetricKeyType} cannot sign certificates`);
  return found;
}

// --- writing

const node = (type: forge.asn1.Type, value: string | Node[], tagClass: forge.asn1.Class = Class.UNIVERSAL): Node =>
  asn1.create(tagClass, type, Array.isArray(value), value);
const sequence = (...values: Node[]): Node => node(Type.SEQUENCE, values);
/** Context-specific tags by number: forge's types know the universal names of these numbers only. */
const tag = { 0: Type.NONE, 2: Type.INTEGER, 3: Type.BITSTRING, 7: Type.ODESC } as const;
const tagged = (number: keyof typeof tag, value: string | Node[]): Node =>
  node(tag[number], value, Class.CONTEXT_SPECIFIC);
const objectId = (id: string): Node => node(Type.OID, asn1.oidToDer(id).getBytes());
const octets = (value: string): Node => node(Type.OCTETSTRING, value);
const bits = (value: string, unused = 0): Node => node(Type.BITSTRING, String.fromCharCode(unused) + value);
const boolean = (): Node => node(Type.BOOLEAN, '\xff');
const toDer = (value: Node): string => asn1.toDer(value).getBytes();
const toBinary = (data: Uint8Array): string => Buffer.from(data).toString('latin1');
const toBytes = (binary: string): Buffer => Buffer.from(binary, 'latin1');

function integer(value: bigint): Node {
  const hex = value.toString(16);
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  // A first bit of 1 would make the number negative.
  const positive = Number.parseInt(even.slice(0, 2), 16) > 0x7f ? `00${even}` : even;
  return node(Type.INTEGER, toBinary(Buffer.from(positive, 'hex')));
}

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050. */
function time(date: Date): Node {
  return date.getUTCFullYear() >= 2050
    ? node(Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date))
    : node(Type.UTCTIME, asn1.dateToUtcTime(date));
}

/** PrintableString where the characters allow it, else UTF8String: what Go's asn1.Marshal does with a string. */
function directoryString(text: string): Node {
  return /^[A-Za-z0-9'()+,\-./ :=?]*$/.test(text)
    ? node(Type.PRINTABLESTRING, text)
    : node(Type.UTF8, toBinary(Buffer.from(text)));
}

/** Organizations in one set, then the common name (pkix.Name.ToRDNSequence). */
function distinguishedName({ commonName, organizations }: Subject): Node {
  const attribute = (id: string, text: string): Node => sequence(objectId(id), directoryString(text));
  const sets: Node[] = [];
  if (organizations.length > 0) {
    // DER wants a set's members in the order of their bytes.
    const members = organizations.map((text) => attribute(oid.organization, text));
    const sorted = members.toSorted((a, b) => Buffer.compare(toBytes(toDer(a)), toBytes(toDer(b))));
    sets.push(node(Type.SET, sorted));
  }
  if (commonName !== '') sets.push(node(Type.SET, [attribute(oid.commonName, commonName)]));
  return sequence(...sets);
}

function algorithmIdentifier(algorithm: SignatureAlgorithm): Node {
  const id = objectId(algorithm.oid);
  return algorithm.hasNull ? sequence(id, node(Type.NULL, '')) : sequence(id);
}

function extension(id: string, value: Node, isCritical = false): Node {
  const critical = isCritical ? [boolean()] : [];
  return sequence(objectId(id), ...critical, octets(toDer(value)));
}

/** digitalSignature and keyEncipherment, for a CA keyCertSign too: also for ECDSA keys, as kubeadm has it. */
function keyUsage(isCa: boolean): Node {
  const value = isCa ? bits('\xa4', 2) : bits('\xa0', 5);
  return extension(oid.keyUsage, value, true);
}

function addressBytes({ family, value }: Ip): string {
  return toBinary(Buffer.from(value.toString(16).padStart(family === 4 ? 8 : 32, '0'), 'hex'));
}

function altNamesExtension({ dnsNames, ipAddresses }: AltNames): readonly Node[] {
  const addresses = ipAddresses.flatMap((text) => parseIp(text) ?? []);
  const names = [
    ...dnsNames.map((name) => tagged(2, toBinary(Buffer.from(name)))),
    ...addresses.map((ip) => tagged(7, addressBytes(ip))),
  ];
  return names.length === 0 ? [] : [extension(oid.altNames, sequence(...names))];
}

function keyIdentifier(publicDer: Buffer, hash: Template['keyIdentifier']): string {
  const bitString = childrenOf(parse(publicDer))[1];
  if (bitString === undefined) throw new TypeError('not a SubjectPublicKeyInfo');
  // The first content byte of a BIT STRING counts its unused bits and is no part of the key.
  const digest = createHash(hash).update(contentsOf(bitString).subarray(1)).digest();
  return toBinary(digest.subarray(0, 20));
}

/** In Go's order (buildCertExtensions). A self-signed certificate has no authority key identifier. */
function extensionsOf(template: Template, publicDer: Buffer, issuer: Certificate | undefined): Node[] {
  const { isCa, usages } = template;
  const list = [keyUsage(isCa)];
  if (usages.length > 0) {
    list.push(extension(oid.extendedUsage, sequence(...usages.map((usage) => objectId(usageOids[usage] ?? usage)))));
  }
  list.push(extension(oid.basicConstraints, isCa ? sequence(boolean()) : sequence(), true));
  if (isCa) {
    list.push(extension(oid.subjectKeyId, octets(keyIdentifier(publicDer, template.keyIdentifier))));
  }
  if (issuer?.subjectKeyId !== undefined) {
    const id = toBinary(Buffer.from(issuer.subjectKeyId, 'hex'));
    list.push(extension(oid.authorityKeyId, sequence(tagged(0, id))));
  }
  return [...list, ...altNamesExtension(template.altNames)];
}

function spkiDer(publicPem: string): Buffer {
  return createPublicKey(publicPem).export({ type: 'spki', format: 'der' });
}

/** `body` with its signature, as one DER. */
function signed(body: Node, key: KeyObject): Buffer {
  const algorithm = algorithmOf(key);
  const signature = sign(algorithm.hash, toBytes(toDer(body)), key);
  return toBytes(toDer(sequence(body, algorithmIdentifier(algorithm), bits(toBinary(signature)))));
}

/** Build and sign a certificate: with the issuer's key, or with its own when there is no issuer. */
export function signCertificate(template: Template, key: KeyObject, issuer?: Certificate): string {
  const publicDer = spkiDer(template.publicPem);
  const subject = distinguishedName(template.subject);
  const body = sequence(
    tagged(0, [integer(2n)]),
    integer(template.serial),
    algorithmIdentifier(algorithmOf(key)),
    issuer === undefined ? subject : parse(Buffer.from(issuer.subjectDer, 'hex')),
    sequence(time(template.notBefore), time(template.notAfter)),
    subject,
    parse(publicDer),
    tagged(3, [sequence(...extensionsOf(template, publicDer, issuer))]),
  );
  return toPem('CERTIFICATE', signed(body, key));
}

/** A PKCS#10 request with subject and alternative names, as `kubeadm certs generate-csr` writes it. */
export function createRequest(subject: Subject, altNames: AltNames, key: KeyObject): string {
  const publicDer = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const extensions = altNamesExtension(altNames);
  const request = sequence(objectId(oid.extensionRequest), node(Type.SET, [sequence(...extensions)]));
  const body = sequence(
    integer(0n),
    distinguishedName(subject),
    parse(publicDer),
    tagged(0, extensions.length === 0 ? [] : [request]),
  );
  return toPem('CERTIFICATE REQUEST', signed(body, key));
}

// --- reading

function parse(der: Uint8Array): Node {
  return asn1.fromDer(toBinary(der));
}

function childrenOf(value: Node | undefined): readonly Node[] {
  return value !== undefined && Array.isArray(value.value) ? value.value : [];
}

/** The content bytes of a node, without tag and length, also where forge has looked inside. */
function contentsOf(value: Node): Buffer {
  const der = toBytes(toDer(value));
  const length = der[1] ?? 0;
  return der.subarray(length < 0x80 ? 2 : 2 + (length & 0x7f));
}

function oidOf(value: Node | undefined): string {
  return value === undefined ? '' : asn1.derToOid(toBinary(contentsOf(value)));
}

function dateOf(value: Node | undefined): Date {
  if (value === undefined) throw new TypeError('a certificate without validity');
  const text = toBinary(contentsOf(value));
  return value.type === Type.UTCTIME ? asn1.utcTimeToDate(text) : asn1.generalizedTimeToDate(text);
}

function readName(name: Node): Subject {
  const attributes = childrenOf(name).flatMap((set) => childrenOf(set));
  const valuesOf = (id: string): string[] =>
    attributes
      .filter((attribute) => oidOf(childrenOf(attribute)[0]) === id)
      .flatMap((attribute) => childrenOf(attribute)[1] ?? [])
      .map((value) => contentsOf(value).toString());
  return { commonName: valuesOf(oid.commonName).at(-1) ?? '', organizations: valuesOf(oid.organization) };
}

/** The value of an extension; undefined when the certificate has none of this kind. */
function readExtension(list: Node | undefined, id: string): Node | undefined {
  const found = childrenOf(childrenOf(list)[0])
    .map(childrenOf)
    .find((parts) => oidOf(parts[0]) === id);
  const value = found?.at(-1);
  return value && parse(contentsOf(value));
}

function readAddress(bytes: Buffer): readonly string[] {
  const family = bytes.length === 4 ? 4 : 6;
  return bytes.length === 4 || bytes.length === 16
    ? [formatIp({ family, value: BigInt(`0x${bytes.toString('hex')}`) })]
    : [];
}

function readAltNames(value: Node | undefined): AltNames {
  const names = childrenOf(value);
  return {
    dnsNames: names.filter(({ type }) => type === tag[2]).map((name) => contentsOf(name).toString('latin1')),
    ipAddresses: names.filter(({ type }) => type === tag[7]).flatMap((name) => readAddress(contentsOf(name))),
  };
}

function usageName(id: string): string {
  return Object.entries(usageOids).find(([, value]) => value === id)?.[0] ?? id;
}

function hexOf(value: Node | undefined): string | undefined {
  return value && contentsOf(value).toString('hex');
}

/** A keyIdentifier [0] of the AuthorityKeyIdentifier sequence. */
function readAuthorityKeyId(value: Node | undefined): string | undefined {
  return hexOf(childrenOf(value).find(({ type }) => type === tag[0]));
}

/** Read one certificate. @throws Error when the DER is no certificate */
function readCertificate(der: Buffer): Certificate {
  const { subjectRaw, issuerRaw, isCa, maySign, pathLength, unknownCritical } = readAsGo(der);
  const x509 = new X509Certificate(der);
  const outer = childrenOf(parse(der));
  const fields = childrenOf(outer[0]);
  // Version 1 certificates have no version field: everything is one place earlier.
  const start = fields[0]?.tagClass === Class.CONTEXT_SPECIFIC ? 1 : 0;
  const [serial, , issuer, validity, subject] = fields.slice(start);
  if (serial === undefined || issuer === undefined || subject === undefined) throw new TypeError('not a certificate');
  const lastField = fields.at(-1);
  const extensions = lastField?.tagClass === Class.CONTEXT_SPECIFIC ? lastField : undefined;
  const subjectKeyId = hexOf(readExtension(extensions, oid.subjectKeyId));
  const authorityKeyId = readAuthorityKeyId(readExtension(extensions, oid.authorityKeyId));
  const algorithm = oidOf(childrenOf(outer[1])[0]);
  const [notBefore, notAfter] = childrenOf(validity);
  return {
    pem: toPem('CERTIFICATE', der),
    subject: readName(subject),
    issuer: readName(issuer),
    subjectDer: subjectRaw.toString('hex'),
    issuerDer: issuerRaw.toString('hex'),
    serial: BigInt(`0x${contentsOf(serial).toString('hex') || '0'}`),
    notBefore: dateOf(notBefore),
    notAfter: dateOf(notAfter),
    isCa,
    maySign,
    pathLength,
    unknownCritical,
    usages: childrenOf(readExtension(extensions, oid.extendedUsage)).map((usage) => usageName(oidOf(usage))),
    altNames: readAltNames(readExtension(extensions, oid.altNames)),
    ...(subjectKeyId === undefined ? {} : { subjectKeyId }),
    ...(authorityKeyId === undefined ? {} : { authorityKeyId }),
    signatureAlgorithm: signatureNames[algorithm] ?? algorithm,
    publicKey: x509.publicKey,
    x509,
  };
}

/** The certificates of a PEM file in their order: as in Go's ParseCertsPEM, one that cannot be read spoils the file. */
export function judgeCertificates(pem: string): Reading<CertificateFile> {
  const blocks = pemBlocks(pem).filter(({ label, hasHeaders }) => label === 'CERTIFICATE' && !hasHeaders);
  const certificates: Certificate[] = [];
  for (const { der } of blocks) {
    try {
      certificates.push(readCertificate(der));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { kind: 'broken', found: `holds a certificate that Kubernetes cannot read: ${reason}` };
    }
  }
  const [first, ...rest] = certificates;
  return first === undefined ? withoutBlock(pem, 'certificate') : { kind: 'good', value: [first, ...rest] };
}

/** The same, where the reason does not matter: none when there is none or one of them cannot be read. */
export function readCertificates(pem: string): readonly Certificate[] {
  const reading = judgeCertificates(pem);
  return reading.kind === 'good' ? reading.value : [];
}
