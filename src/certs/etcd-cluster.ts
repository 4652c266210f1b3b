// The PKI of an etcd cluster outside Kubernetes: one CA, a server and a peer certificate a member, a client certificate
// for whoever uses it. Keep what is good, make what is missing, refuse what belongs to another cluster.
import { createHash, createPrivateKey } from 'node:crypto';
import { KbError, type Problem } from '../errors.ts';
import type { Artifact } from '../host/host.ts';
import { newestVersion } from '../kube/releases.ts';
import type { RandomSource } from '../util/keygen.ts';
import { authorityPlan, type EtcdPkiPlace } from './etcd-places.ts';
import { belongsTo, describePair, inspectPair, missingAltNames, outsideValidity, type Pair } from './inspect.ts';
import { issueAuthority, issueLeaf, type Authority, type Circumstances } from './issue.ts';
import {
  blocksForEtcd,
  halfWritten,
  invalidNow,
  keyMissing,
  mismatch,
  notAuthority,
  unchained,
  withoutAuthority,
} from './problems.ts';
import { readCertificates, type Certificate } from './x509.ts';

export interface EtcdPkiRequest {
  /** The members' hosts; the first one keeps the CA's key when there is none yet. */
  readonly places: readonly EtcdPkiPlace[];
  readonly chance: Pick<RandomSource, 'keys' | 'serial'>;
  readonly now: Date;
}

/** The CA as it is known to a run; it can sign where its key was found. */
export interface EtcdAuthority {
  readonly certificate: Certificate;
  readonly signer?: Authority;
}

export interface EtcdPkiResult {
  readonly authority: EtcdAuthority;
  /** What is to be written, in the order of the places; a key before its certificate. */
  readonly files: readonly (readonly Artifact[])[];
  readonly warnings: readonly string[];
}

/** Elliptic: made in a moment on every host, and etcd speaks to nobody who could not read it. */
const algorithm = 'ECDSA-P256';
const leafSeconds = 365 * 24 * 3600;
const authoritySeconds = 10 * leafSeconds;
const dayMilliseconds = 24 * 3600 * 1000;
/** A run within the last days of a certificate makes a new one; etcd reads it at the next connection. */
const renewalDays = 60;

/** The token by which members know their own: the same for the same CA, whoever asks. */
export function clusterToken({ certificate }: EtcdAuthority): string {
  return `kbinit-${createHash('sha256').update(certificate.x509.raw).digest('hex').slice(0, 16)}`;
}

/** The PKI of the members. @throws KbError with every problem: KB_ETCD_OTHER_CLUSTER, KB_PKI_INCOMPLETE, KB_CA_*, KB_CERT_* */
export async function ensureEtcdPki(request: EtcdPkiRequest): Promise<EtcdPkiResult> {
  const found = findAuthority(request);
  const authority = found ?? (await makeAuthority(request));
  const made = await ensureLeaves(request, authority);
  const files = made.files.map((artifacts, index) => {
    const place = request.places[index];
    if (place === undefined) throw new TypeError('there are more files than places');
    return [...authorityFiles(place, authority, index === 0 ? authority.newKey : undefined), ...artifacts];
  });
  return { authority, files, warnings: made.warnings };
}

/** The CA's certificate and the client's pair at each place. @throws KbError as ensureEtcdPki */
export async function ensureEtcdClients(
  request: EtcdPkiRequest,
  authority: EtcdAuthority,
): Promise<Pick<EtcdPkiResult, 'files' | 'warnings'>> {
  const foreign = request.places.flatMap((place) => {
    const pair = authorityPair(place);
    const isOther = pair.certificate.kind !== 'absent' && !isSame(pair, authority.certificate);
    return isOther || pair.key.kind !== 'absent' ? [otherClusters(place, pair)] : [];
  });
  if (foreign.length > 0) throw new KbError(foreign);
  const made = await ensureLeaves(request, authority);
  const files = made.files.map((artifacts, index) => {
    const place = request.places[index];
    return place === undefined ? artifacts : [...authorityFiles(place, authority), ...artifacts];
  });
  return { files, warnings: made.warnings };
}

// ----------------------------------------------------------------------------------------------------------- the CA

function authorityPair({ authority, folder, existing }: EtcdPkiPlace): Pair {
  return inspectPair(authority, { existing, certificatesDir: folder, journal: new Set() });
}

function leafPairs({ leaves, folder, existing }: EtcdPkiPlace): readonly Pair[] {
  return leaves.map((leaf) => inspectPair(leaf, { existing, certificatesDir: folder, journal: new Set() }));
}

function isSame(pair: Pair, ca: Certificate): boolean {
  return pair.certificate.kind === 'good' && pair.certificate.value[0].x509.raw.equals(ca.x509.raw);
}

/** The CA that is there, the same on every host that has one; undefined when it is to be made. */
function findAuthority({ places, now }: EtcdPkiRequest): (EtcdAuthority & { readonly newKey?: undefined }) | undefined {
  const pairs = places.map((place) => ({ place, pair: authorityPair(place) }));
  const present = pairs.filter(({ pair }) => pair.certificate.kind !== 'absent');
  const problems = present.flatMap(({ place, pair }) => onHost(place, judgeAuthority(pair, now)));
  const [first] = present;
  const ca = first?.pair.certificate;
  if (first === undefined || ca?.kind !== 'good') {
    if (problems.length > 0) throw new KbError(problems);
    refuseOrphans(pairs);
    return undefined;
  }
  const others = present.filter(({ pair }) => pair.certificate.kind === 'good' && !isSame(pair, ca.value[0]));
  problems.push(...others.map(({ place, pair }) => otherClusters(place, pair)));
  if (problems.length > 0) throw new KbError(problems);
  const [certificate] = ca.value;
  const signer = present.flatMap(({ pair: { key } }) =>
    key.kind === 'good' ? [{ certificate, key: key.value }] : [],
  )[0];
  return { certificate, ...(signer === undefined ? {} : { signer }) };
}

function judgeAuthority(pair: Pair, now: Date): readonly Problem[] {
  if (pair.certificate.kind !== 'good' || pair.key.kind === 'broken') return [halfWritten(pair)];
  const file = pair.certificate.value;
  return [...notAuthority(pair, file), ...blocksForEtcd(pair), ...mismatch(pair), ...invalidNow(pair, file, now)];
}

/** Certificates whose CA is gone: a new CA would cut them off. */
function refuseOrphans(pairs: readonly { readonly place: EtcdPkiPlace; readonly pair: Pair }[]): void {
  const problems = pairs.flatMap(({ place, pair }) => {
    const signed = leafPairs(place).filter(({ certificate }) => certificate.kind === 'good');
    return signed.length === 0 ? [] : onHost(place, [withoutAuthority(pair, signed)]);
  });
  if (problems.length > 0) throw new KbError(problems);
}

async function makeAuthority(request: EtcdPkiRequest): Promise<EtcdAuthority & { readonly newKey: string }> {
  const key = await request.chance.keys.next(algorithm);
  const pem = issueAuthority(authorityPlan('ca'), key, circumstances(request));
  const [certificate] = readCertificates(pem);
  if (certificate === undefined) throw new TypeError('the new CA of etcd cannot be read');
  const signer = { certificate, key: createPrivateKey(key.privatePem) };
  return { certificate, signer, newKey: key.privatePem };
}

/** The certificate where it is missing; the key only where it was made for. */
function authorityFiles(place: EtcdPkiPlace, { certificate }: EtcdAuthority, newKey?: string): readonly Artifact[] {
  const pair = authorityPair(place);
  const key: readonly Artifact[] =
    newKey === undefined ? [] : [{ path: pair.keyPath, mode: 0o600, body: newKey, secret: true }];
  if (pair.certificate.kind !== 'absent') return key;
  return [...key, { path: pair.certificatePath, mode: 0o644, body: certificate.pem }];
}

// ------------------------------------------------------------------------------------------------------- the leaves

type Leaf = { readonly pair: Pair; readonly place: EtcdPkiPlace; readonly index: number };

async function ensureLeaves(
  request: EtcdPkiRequest,
  authority: EtcdAuthority,
): Promise<Pick<EtcdPkiResult, 'files' | 'warnings'>> {
  const leaves: readonly Leaf[] = request.places.flatMap((place, index) =>
    leafPairs(place).map((pair) => ({ pair, place, index })),
  );
  const judged = leaves.map((leaf) => ({ ...leaf, why: whyAnew(leaf, request.now) }));
  const problems = judged.flatMap(({ pair, place }) => onHost(place, strangers(pair, authority.certificate)));
  const unmade = judged.filter(({ why }) => why !== undefined);
  const { signer } = authority;
  if (signer === undefined && unmade.length > 0) problems.push(...withoutKey(unmade));
  if (problems.length > 0) throw new KbError(problems);
  const files: Artifact[][] = request.places.map(() => []);
  for (const { pair, index } of unmade) {
    if (signer !== undefined) files[index]?.push(...(await issue(request, pair, signer)));
  }
  const warnings = unmade.flatMap(({ pair, place, why }) =>
    why === undefined || pair.certificate.kind === 'absent'
      ? []
      : [`${place.name}: ${pair.certificatePath} ${why}: replaced`],
  );
  return { files, warnings };
}

/** Why the pair is to be made: it is not there, not whole, or not good (any more). A leaf is worth nothing but its use. */
function whyAnew({ pair }: Leaf, now: Date): string | undefined {
  const { certificate, key, plan } = pair;
  if (certificate.kind !== 'good' || key.kind !== 'good') return 'is not complete';
  const [own] = certificate.value;
  if (!belongsTo(own, key.value)) return 'has the key of another one';
  const outside = outsideValidity(own, now);
  if (outside !== undefined) return outside;
  const days = Math.floor((own.notAfter.getTime() - now.getTime()) / dayMilliseconds);
  if (days < renewalDays) return `expires in ${days} days`;
  const missing = missingAltNames(plan, own);
  return missing.length === 0 ? undefined : `is not valid for ${missing.join(', ')}`;
}

/** A certificate of another CA is another cluster's. */
function strangers(pair: Pair, ca: Certificate): readonly Problem[] {
  return pair.certificate.kind === 'good' ? unchained(pair, pair.certificate.value, ca) : [];
}

function withoutKey(unmade: readonly Leaf[]): readonly Problem[] {
  const [first] = unmade;
  if (first === undefined) return [];
  const paths = unmade.map(({ pair, place }) => `${place.name}:${pair.certificatePath}`);
  return onHost(first.place, [keyMissing(authorityPair(first.place), paths)]);
}

async function issue(request: EtcdPkiRequest, pair: Pair, signer: Authority): Promise<readonly Artifact[]> {
  const key = await request.chance.keys.next(algorithm);
  const body = issueLeaf({ ...pair.plan, begins: 'by-version' }, key.publicPem, signer, circumstances(request));
  return [
    { path: pair.keyPath, mode: 0o600, body: key.privatePem, secret: true },
    { path: pair.certificatePath, mode: 0o644, body },
  ];
}

function circumstances({ chance, now }: EtcdPkiRequest): Circumstances {
  return {
    cluster: {
      version: newestVersion(),
      certificateValiditySeconds: leafSeconds,
      caCertificateValiditySeconds: authoritySeconds,
    },
    chance,
    now,
  };
}

// ------------------------------------------------------------------------------------------------------ what is said

function onHost({ name }: EtcdPkiPlace, problems: readonly Problem[]): Problem[] {
  return problems.map((problem) => ({ ...problem, host: name, phase: 'certs' }));
}

function otherClusters(place: EtcdPkiPlace, pair: Pair): Problem {
  return {
    code: 'KB_ETCD_OTHER_CLUSTER',
    summary: 'there is a CA of another etcd cluster',
    host: place.name,
    phase: 'certs',
    detail: describePair(pair),
    fix: `name the hosts of one cluster only; or, if that other cluster is to be lost, move ${place.folder} away`,
  };
}
