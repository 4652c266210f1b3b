// The PKI that is there against the plan: what is kept, what is made, and everything that is refused, all at once.
import type { Problem } from '../errors.ts';
import {
  belongsTo,
  describePair,
  inspectPair,
  missingAltNames,
  outsideValidity,
  whyNotChained,
  type CertificateFile,
  type Disk,
  type Pair,
} from './inspect.ts';
import type { CertificatePlan } from './plan.ts';

export interface Survey {
  /** Every row's pair by name, also of rows that were not asked for. */
  readonly pairs: ReadonlyMap<string, Pair>;
  readonly make: readonly Pair[];
  readonly keep: readonly Pair[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  /** ca.crt is there without its key, and not because our own earlier run was killed between the two. */
  readonly isExternalCa: boolean;
}

interface Verdict {
  readonly action: 'keep' | 'make' | 'refuse';
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

const make: Verdict = { action: 'make', problems: [], warnings: [] };
const caEndsSoonDays = 30;
const dayMilliseconds = 24 * 3600 * 1000;

/** Judge the asked-for rows and the CAs they need. */
export function surveyPki(
  request: Disk & { readonly plan: readonly CertificatePlan[]; readonly only: ReadonlySet<string>; readonly now: Date },
): Survey {
  const { plan, only, now } = request;
  const pairs = new Map(plan.map((row) => [row.name, inspectPair(row, request)]));
  const leavesOf = (ca: Pair): readonly Pair[] =>
    [...pairs.values()].filter(({ plan: row }) => row.signer === ca.plan.name);
  const asked = [...pairs.values()].filter(({ plan: row }) => only.has(row.name));
  const judged = new Map<Pair, Verdict>();
  for (const pair of asked) {
    const ca = pair.plan.signer === 'self' ? pair : pairs.get(pair.plan.signer);
    if (ca === undefined) throw new TypeError(`the plan has ${pair.plan.name} without its CA`);
    if (!judged.has(ca)) judged.set(ca, judgeAuthority(ca, leavesOf(ca), now));
    if (pair !== ca) judged.set(pair, judgeLeaf(pair, ca, now));
  }
  const chosen = (action: Verdict['action']): readonly Pair[] =>
    asked.filter((pair) => judged.get(pair)?.action === action);
  const verdicts = [...judged.values()];
  const missing = missingAuthorities(judged, only);
  return {
    pairs,
    make: chosen('make'),
    keep: chosen('keep'),
    problems: [...verdicts.flatMap(({ problems }) => problems), ...missing, ...keylessAuthorities(judged)],
    warnings: verdicts.flatMap(({ warnings }) => warnings),
    isExternalCa: [...pairs.values()].some(
      (pair) => pair.plan.name === 'ca' && isKeyless(pair) && !isLeftOver(pair, leavesOf(pair)),
    ),
  };
}

/** A CA that is kept elsewhere: its certificates come from there (spec 04 §1.5, external CA mode). */
function isKeyless(ca: Pair): boolean {
  return ca.certificate.kind === 'good' && ca.key.kind === 'absent';
}

const isSigned = (leaf: Pair): boolean => leaf.certificate.kind === 'good';

/** Nothing, or half of a pair that our own killed run was writing, and no certificate that a new CA would cut off. */
function isLeftOver(pair: Pair, leaves: readonly Pair[]): boolean {
  return pair.isOurs && !isComplete(pair) && !leaves.some(isSigned);
}

function judgeAuthority(pair: Pair, leaves: readonly Pair[], now: Date): Verdict {
  const { certificate, key } = pair;
  if (isLeftOver(pair, leaves)) return make;
  if (certificate.kind === 'absent' && key.kind === 'absent') {
    return refuse(withoutAuthority(pair, leaves.filter(isSigned)));
  }
  if (certificate.kind !== 'good' || key.kind === 'broken') return refuse(halfWritten(pair));
  const ca = certificate.value[0];
  const problems = [
    ...notAuthority(pair, certificate.value),
    ...mismatch(pair),
    ...invalidNow(pair, certificate.value, now),
  ];
  const days = Math.floor((ca.notAfter.getTime() - now.getTime()) / dayMilliseconds);
  const ends = `${pair.certificatePath} ends in ${days} days, on ${ca.notAfter.toISOString()}: everything it signed ends with it`;
  return {
    action: problems.length > 0 ? 'refuse' : 'keep',
    problems,
    warnings: problems.length === 0 && days < caEndsSoonDays ? [ends] : [],
  };
}

function judgeLeaf(pair: Pair, ca: Pair, now: Date): Verdict {
  const { certificate, key } = pair;
  if (!isComplete(pair) && pair.isOurs) return make;
  if (certificate.kind !== 'good' || key.kind !== 'good') return refuse(halfWritten(pair));
  const chain = ca.certificate.kind === 'good' ? unchained(pair, certificate.value, ca.certificate.value[0]) : [];
  const problems = [...mismatch(pair), ...chain, ...invalidNow(pair, certificate.value, now)];
  const missing = missingAltNames(pair.plan, certificate.value[0]);
  const uncovered = `${pair.certificatePath} is not valid for ${missing.join(', ')}: who connects there will refuse it`;
  return {
    action: problems.length > 0 ? 'refuse' : 'keep',
    problems,
    warnings: problems.length === 0 && missing.length > 0 ? [uncovered] : [],
  };
}

/** Both files can be read. With nothing there at all, `isOurs` is true as well: nothing of anybody else's is in the way. */
function isComplete({ certificate, key }: Pair): boolean {
  return certificate.kind === 'good' && key.kind === 'good';
}

function refuse(problem: Problem): Verdict {
  return { action: 'refuse', problems: [problem], warnings: [] };
}

const authorityTitles: Readonly<Record<string, string>> = {
  ca: 'the cluster CA',
  'front-proxy-ca': 'the front-proxy CA',
  'etcd-ca': 'the etcd CA',
};

/** `the etcd CA`, `the certificate apiserver` */
function titleOf({ plan: { name } }: Pair): string {
  return authorityTitles[name] ?? `the certificate ${name}`;
}

const phaseOf = (pair: Pair): string => `certs/${pair.plan.name}`;

function withoutAuthority(pair: Pair, signed: readonly Pair[]): Problem {
  const paths = signed.map(({ certificatePath }) => certificatePath);
  return {
    code: 'KB_PKI_INCOMPLETE',
    summary: `${titleOf(pair)} is missing, what it signed is not`,
    phase: phaseOf(pair),
    detail: `${describePair(pair)}; ${paths.join(', ')} ${paths.length === 1 ? 'exists' : 'exist'}`,
    fix: `put ${pair.certificatePath} and ${pair.keyPath} back, or move those certificates and their keys away to get new ones`,
  };
}

function halfWritten(pair: Pair): Problem {
  const isBroken = pair.certificate.kind === 'broken' || pair.key.kind === 'broken';
  return {
    code: isBroken ? 'KB_CERT_INVALID' : 'KB_PKI_INCOMPLETE',
    summary: isBroken ? `${titleOf(pair)} cannot be read` : `${titleOf(pair)} is not complete`,
    phase: phaseOf(pair),
    detail: describePair(pair),
    fix: `put the right ${pair.certificatePath} and ${pair.keyPath} there, or move ${pair.plan.signer === 'self' ? 'both and all certificates they signed' : 'both'} away to let kbinit make new ones`,
  };
}

function notAuthority(pair: Pair, [ca]: CertificateFile): readonly Problem[] {
  if (ca.isCa) return [];
  return [
    {
      code: 'KB_CERT_NOT_CA',
      summary: `${titleOf(pair)} is not a CA`,
      phase: phaseOf(pair),
      detail: `${pair.certificatePath} (${ca.subject.commonName}) has no basic constraint CA:TRUE`,
      fix: 'put a CA certificate there, signed with CA:TRUE and the key usage keyCertSign',
    },
  ];
}

function mismatch(pair: Pair): readonly Problem[] {
  const { certificate, key, certificatePath, keyPath } = pair;
  if (certificate.kind !== 'good' || key.kind !== 'good' || belongsTo(certificate.value[0], key.value)) return [];
  return [
    {
      code: 'KB_CERT_KEY_MISMATCH',
      summary: `the key of ${titleOf(pair)} is another one's`,
      phase: phaseOf(pair),
      detail: `${certificatePath} holds another public key than that of ${keyPath}`,
      fix: `put the key of this certificate at ${keyPath}, or move both away to let kbinit make a new pair`,
    },
  ];
}

function invalidNow(pair: Pair, [certificate]: CertificateFile, now: Date): readonly Problem[] {
  const found = outsideValidity(certificate, now);
  if (found === undefined) return [];
  const isExpired = now > certificate.notAfter;
  const renewal =
    pair.plan.signer === 'self'
      ? 'put a valid CA there; what the old one signed has to be made anew with it'
      : `put a valid certificate there, or move ${pair.certificatePath} and ${pair.keyPath} away to get a new pair`;
  return [
    {
      code: isExpired ? 'KB_CERT_EXPIRED' : 'KB_CERT_NOT_YET_VALID',
      summary: `${titleOf(pair)} ${isExpired ? 'has expired' : 'is not valid yet'}`,
      phase: phaseOf(pair),
      detail: `${pair.certificatePath} ${found}; it is ${now.toISOString()}`,
      fix: isExpired ? renewal : `check the clock of this machine; if it is right, ${renewal}`,
    },
  ];
}

function unchained(pair: Pair, file: CertificateFile, ca: CertificateFile[0]): readonly Problem[] {
  const found = whyNotChained(file, ca);
  if (found === undefined) return [];
  return [
    {
      code: 'KB_CERT_CHAIN',
      summary: `${titleOf(pair)} was not signed by its CA`,
      phase: phaseOf(pair),
      detail: `${pair.certificatePath} ${found}`,
      fix: `put the certificate that ${pair.plan.signer} signed there, or move ${pair.certificatePath} and ${pair.keyPath} away to get a new pair`,
    },
  ];
}

/** A leaf was asked for alone and there is no CA to sign it. */
function missingAuthorities(judged: ReadonlyMap<Pair, Verdict>, only: ReadonlySet<string>): readonly Problem[] {
  return [...judged]
    .filter(([pair, { action }]) => action === 'make' && !only.has(pair.plan.name))
    .map(([pair]) => ({
      code: 'KB_PKI_INCOMPLETE',
      summary: `${titleOf(pair)} does not exist yet`,
      phase: phaseOf(pair),
      detail: describePair(pair),
      fix: `run \`kbinit init phase certs ${pair.plan.name}\` first`,
    }));
}

/** A CA without key can stand only over a full set of leaves. */
function keylessAuthorities(judged: ReadonlyMap<Pair, Verdict>): readonly Problem[] {
  const keyless = [...judged].filter(([pair, { action }]) => action === 'keep' && isKeyless(pair));
  return keyless.flatMap(([ca]) => {
    const unmade = [...judged].filter(([pair, { action }]) => action === 'make' && pair.plan.signer === ca.plan.name);
    if (unmade.length === 0) return [];
    const paths = unmade.map(([pair]) => pair.certificatePath);
    return [
      {
        code: 'KB_CA_KEY_MISSING' as const,
        summary: `${titleOf(ca)} has a certificate but no key`,
        phase: phaseOf(ca),
        detail: `${ca.certificatePath} exists, ${ca.keyPath} does not, and ${paths.join(', ')} must be signed`,
        fix: `copy the key to ${ca.keyPath}; or, with a CA that is kept elsewhere, have it sign ${paths.join(', ')} and put them there with their keys; or move ${ca.certificatePath} and all certificates it signed away to let kbinit make new ones`,
      },
    ];
  });
}
