// The PKI that is there against the plan: what is kept, what is made, and everything that is refused, all at once.
import type { Problem } from '../errors.ts';
import { inspectPair, missingAltNames, type Disk, type Pair } from './inspect.ts';
import type { CertificatePlan } from './plan.ts';
import {
  blocksForEtcd,
  halfWritten,
  invalidNow,
  keyMissing,
  mismatch,
  noAuthorityYet,
  notAuthority,
  severalCertificates,
  unchained,
  withoutAuthority,
} from './problems.ts';

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
    ...severalCertificates(pair, certificate.value),
    ...blocksForEtcd(pair),
    ...mismatch(pair),
    ...invalidNow(pair, certificate.value, now),
  ];
  const days = Math.floor((ca.notAfter.getTime() - now.getTime()) / dayMilliseconds);
  const ends = `${pair.certificatePath} expires in ${days} days, on ${ca.notAfter.toISOString()}: all certificates it signed become invalid then`;
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

/** A leaf was asked for alone and there is no CA to sign it. */
function missingAuthorities(judged: ReadonlyMap<Pair, Verdict>, only: ReadonlySet<string>): readonly Problem[] {
  return [...judged]
    .filter(([pair, { action }]) => action === 'make' && !only.has(pair.plan.name))
    .map(([pair]) => noAuthorityYet(pair));
}

/** A CA without key can stand only over a full set of leaves. */
function keylessAuthorities(judged: ReadonlyMap<Pair, Verdict>): readonly Problem[] {
  const keyless = [...judged].filter(([pair, { action }]) => action === 'keep' && isKeyless(pair));
  return keyless.flatMap(([ca]) => {
    const unmade = [...judged].filter(([pair, { action }]) => action === 'make' && pair.plan.signer === ca.plan.name);
    return unmade.length === 0
      ? []
      : [
          keyMissing(
            ca,
            unmade.map(([pair]) => pair.certificatePath),
          ),
        ];
  });
}
