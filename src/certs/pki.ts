// The PKI of a control plane: keep what is good, make what is missing, refuse the rest before anything is written.
import { createPrivateKey } from 'node:crypto';
import type { ClusterSpec } from '../config/spec.ts';
import { KbError, type Problem } from '../errors.ts';
import type { Artifact } from '../host/host.ts';
import type { RandomSource, KeyPair } from '../util/keygen.ts';
import type { AltNameSpec } from './alt-names.ts';
import type { Disk, Pair } from './inspect.ts';
import { issueAuthority, issueLeaf, type Authority } from './issue.ts';
import { pkiKeyAlgorithm } from './keys.ts';
import { certificatePhaseNames, certificatePlan } from './plan.ts';
import { serviceAccountPaths, surveyServiceAccount, type ServiceAccountSurvey } from './service-account.ts';
import { surveyPki, type Survey } from './survey.ts';
import { readCertificates } from './x509.ts';

export interface PkiRequest extends AltNameSpec {
  readonly cluster: ClusterSpec;
  /** Sub-phases that were asked for; all of them when left out. */
  readonly only?: readonly string[];
  /** Texts by absolute path; see pkiPaths. */
  readonly existing: ReadonlyMap<string, string>;
  readonly chance: Pick<RandomSource, 'keys' | 'serial'>;
  /** The start of the process. */
  readonly now: Date;
  /** Paths that this spec's own earlier, killed run was writing. */
  readonly journal?: ReadonlySet<string>;
}

interface PkiItem {
  readonly name: string;
  readonly outcome: 'created' | 'reused';
  readonly base: string;
  /** Of serving certificates that were made. */
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

export interface PkiResult {
  /** What is to be written; a CA before what it signed, a key before its certificate. */
  readonly artifacts: readonly Artifact[];
  /** What is there and stays, with the modes it must have. */
  readonly kept: readonly Artifact[];
  readonly items: readonly PkiItem[];
  readonly warnings: readonly string[];
  /** ca.crt is there without ca.key, and everything it has to sign is there: kbinit makes no key (spec 04 §1.5). */
  readonly isExternalCa: boolean;
}

/** Complete the PKI. @throws KbError with every problem at once: KB_CA_KEY_MISSING, KB_PKI_INCOMPLETE, KB_CERT_* */
export async function ensurePki(request: PkiRequest): Promise<PkiResult> {
  const { now, existing } = request;
  const plan = certificatePlan(request);
  const { certificatesDir } = request.cluster;
  const disk: Disk = { existing, certificatesDir, journal: request.journal ?? new Set() };
  const only = new Set(request.only ?? certificatePhaseNames.map(({ name }) => name));
  const survey = surveyPki({ ...disk, plan, only, now });
  const { isExternalCa } = survey;
  const account = only.has('sa') ? surveyServiceAccount(disk, isExternalCa) : undefined;
  const problems = [...survey.problems, ...problemsOf(account)];
  if (problems.length > 0) throw new KbError(problems);
  const made = await makeMissing(request, survey, account?.action === 'make');
  const serviceAccount = serviceAccountFiles(disk, account, made.serviceAccount);
  return {
    artifacts: [...made.artifacts, ...serviceAccount.artifacts],
    kept: [...survey.keep.flatMap((pair) => keptFiles(pair, existing)), ...serviceAccount.kept],
    items: itemsOf(survey, account),
    warnings: survey.warnings,
    isExternalCa,
  };
}

function problemsOf(account: ServiceAccountSurvey | undefined): readonly Problem[] {
  return account?.action === 'refuse' ? [account.problem] : [];
}

interface Made {
  readonly artifacts: readonly Artifact[];
  readonly serviceAccount?: KeyPair;
}

/** Keys side by side, then certificates in the plan's order. */
async function makeMissing(request: PkiRequest, survey: Survey, withServiceAccount: boolean): Promise<Made> {
  const { chance } = request;
  const algorithm = pkiKeyAlgorithm(request.cluster);
  const wanted = survey.make.length + (withServiceAccount ? 1 : 0);
  const keys = await Promise.all(Array.from({ length: wanted }, () => chance.keys.next(algorithm)));
  const authorities = keptAuthorities(survey);
  const artifacts = survey.make.flatMap((pair, index) => {
    const key = keys[index];
    if (key === undefined) throw new TypeError('there are fewer keys than certificates');
    const certificate = issue(request, pair, key, authorities);
    return [
      { path: pair.keyPath, mode: 0o600, body: key.privatePem, secret: true as const },
      { path: pair.certificatePath, mode: 0o644, body: certificate },
    ];
  });
  const last = withServiceAccount ? keys.at(-1) : undefined;
  return { artifacts, ...(last === undefined ? {} : { serviceAccount: last }) };
}

function keptAuthorities({ pairs }: Survey): Map<string, Authority> {
  return new Map(
    [...pairs.values()].flatMap(({ plan, certificate, key }) =>
      plan.signer === 'self' && certificate.kind === 'good' && key.kind === 'good'
        ? [[plan.name, { certificate: certificate.value[0], key: key.value }] as const]
        : [],
    ),
  );
}

/** One certificate; a CA is put among the authorities for what comes after it. */
function issue(request: PkiRequest, { plan }: Pair, key: KeyPair, authorities: Map<string, Authority>): string {
  if (plan.signer === 'self') {
    const pem = issueAuthority(plan, key, request);
    const [certificate] = readCertificates(pem);
    if (certificate === undefined) throw new TypeError(`the new CA ${plan.name} cannot be read`);
    authorities.set(plan.name, { certificate, key: createPrivateKey(key.privatePem) });
    return pem;
  }
  const authority = authorities.get(plan.signer);
  if (authority === undefined) throw new TypeError(`${plan.name} has no CA to sign it`);
  return issueLeaf({ ...plan, begins: 'by-version' }, key.publicPem, authority, request);
}

interface Files {
  readonly artifacts: readonly Artifact[];
  readonly kept: readonly Artifact[];
}

/** sa.pub goes through kubeadm's key writer, hence its mode. */
function serviceAccountFiles(
  { certificatesDir, existing }: Disk,
  account: ServiceAccountSurvey | undefined,
  pair: KeyPair | undefined,
): Files {
  const paths = serviceAccountPaths(certificatesDir);
  const key = (body: string): Artifact => ({ path: paths.key, mode: 0o600, body, secret: true });
  const pub = (body: string): Artifact => ({ path: paths.pub, mode: 0o600, body });
  if (pair !== undefined) return { artifacts: [key(pair.privatePem), pub(pair.publicPem)], kept: [] };
  if (account?.action !== 'keep') return { artifacts: [], kept: [] };
  const { publicToWrite } = account;
  const [keyText, pubText] = [existing.get(paths.key), existing.get(paths.pub)];
  return {
    artifacts: publicToWrite === undefined ? [] : [pub(publicToWrite)],
    kept: [
      ...(keyText === undefined ? [] : [key(keyText)]),
      ...(pubText === undefined || publicToWrite !== undefined ? [] : [pub(pubText)]),
    ],
  };
}

function keptFiles({ certificatePath, keyPath }: Pair, existing: ReadonlyMap<string, string>): readonly Artifact[] {
  const [certificate, key] = [existing.get(certificatePath), existing.get(keyPath)];
  return [
    ...(key === undefined ? [] : [{ path: keyPath, mode: 0o600, body: key, secret: true as const }]),
    ...(certificate === undefined ? [] : [{ path: certificatePath, mode: 0o644, body: certificate }]),
  ];
}

/** In the plan's order. */
function itemsOf(survey: Survey, account: ServiceAccountSurvey | undefined): readonly PkiItem[] {
  const created = new Set(survey.make);
  const asked = new Set([...survey.make, ...survey.keep]);
  const items = [...survey.pairs.values()]
    .filter((pair) => asked.has(pair))
    .map((pair) => itemOf(pair, created.has(pair)));
  if (account === undefined) return items;
  return [...items, { name: 'sa', base: 'sa', outcome: account.action === 'make' ? 'created' : 'reused' }];
}

function itemOf({ plan }: Pair, isCreated: boolean): PkiItem {
  const { name, base } = plan;
  const isServing = plan.usages.includes('serverAuth');
  if (!isCreated) return { name, base, outcome: 'reused' };
  return { name, base, outcome: 'created', ...(isServing ? plan.altNames : {}) };
}
