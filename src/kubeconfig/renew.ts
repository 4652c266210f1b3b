// A new certificate for each of the control plane's: judged all at once, then made, a key before its certificate.
import { reissue, renewedKeyAlgorithm, surveySigner, type AuthorityName, type Signer } from '../certs/renew.ts';
import type { Certificate } from '../certs/x509.ts';
import { KbError, type Problem } from '../errors.ts';
import type { Artifact } from '../host/host.ts';
import type { RandomSource, KeyPair } from '../util/keygen.ts';
import { withClientCertificate } from './kubeconfig.ts';
import { diskOf, readItem, type RenewableFiles } from './expirations.ts';
import { pathOf, renewablesOf, type Renewable } from './renewables.ts';

export interface RenewRequest extends RenewableFiles {
  /** Names of what is to be renewed. */
  readonly only: readonly string[];
  readonly chance: Pick<RandomSource, 'keys' | 'serial'>;
  /** False when the cluster's configuration could not be read: a new key is then of its old one's kind. */
  readonly isConfigured: boolean;
}

export interface Renewal {
  readonly item: Renewable;
  readonly outcome: 'renewed' | 'missing' | 'external';
  /** Of a renewed one: when it ends. */
  readonly notAfter?: Date;
}

export interface RenewResult {
  /** A key stands before its certificate. */
  readonly artifacts: readonly Artifact[];
  readonly renewals: readonly Renewal[];
  readonly warnings: readonly string[];
}

/** New certificates for what is there, whatever its dates. @throws KbError with every problem at once, before any is made */
export async function renew(request: RenewRequest): Promise<RenewResult> {
  const { cluster, now } = request;
  const items = renewablesOf(cluster).filter(({ name }) => request.only.includes(name));
  const signers = new Map<AuthorityName, Signer>();
  for (const { signer } of items) {
    if (!signers.has(signer)) signers.set(signer, surveySigner(signer, diskOf(request), now));
  }
  const judged = items.map((item) => judge(item, signers.get(item.signer), request));
  const problems = unique(judged.flatMap((one) => (one.kind === 'refused' ? one.problems : [])));
  if (problems.length > 0) throw new KbError(problems);
  const done = await Promise.all(judged.map((one) => replace(one, request)));
  return {
    artifacts: done.flatMap(({ artifacts }) => artifacts),
    renewals: done.map(({ renewal }) => renewal),
    warnings: done.flatMap(({ warnings }) => warnings),
  };
}

type Judged =
  | {
      readonly kind: 'renewable';
      readonly item: Renewable;
      readonly old: Certificate;
      readonly signer: Signer & { readonly kind: 'ready' };
    }
  | { readonly kind: 'missing' | 'external'; readonly item: Renewable }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] };

function judge(item: Renewable, signer: Signer | undefined, request: RenewableFiles): Judged {
  const read = readItem(item, request);
  if (read.kind === 'missing') return { kind: 'missing', item };
  if (signer?.kind === 'external') return { kind: 'external', item };
  const signerProblems = signer?.kind === 'unusable' ? signer.problems : [];
  if (read.kind === 'refused') return { kind: 'refused', problems: [...signerProblems, ...read.problems] };
  if (signer?.kind !== 'ready') return { kind: 'refused', problems: signerProblems };
  return { kind: 'renewable', item, old: read.certificate, signer };
}

/** One CA's problem is told once, not for each of its certificates. */
function unique(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}

interface Replaced {
  readonly renewal: Renewal;
  readonly artifacts: readonly Artifact[];
  readonly warnings: readonly string[];
}

async function replace(judged: Judged, request: RenewRequest): Promise<Replaced> {
  if (judged.kind === 'refused') throw new TypeError('refused items are not replaced');
  const { item } = judged;
  if (judged.kind !== 'renewable') return { renewal: { item, outcome: judged.kind }, artifacts: [], warnings: [] };
  const { old } = judged;
  const { authority } = judged.signer;
  const algorithm = renewedKeyAlgorithm(old, request.cluster, request.isConfigured);
  const key = await request.chance.keys.next(algorithm);
  const certificate = reissue(old, key, authority, request);
  const { notAfter } = certificate;
  const caEnd = authority.certificate.notAfter;
  const warning = `${item.name} is valid until ${notAfter.toISOString()}, its CA ${item.signer} only until ${caEnd.toISOString()}`;
  return {
    renewal: { item, outcome: 'renewed', notAfter },
    artifacts: artifactsOf(item, { certificate, key, ca: authority.certificate }, request),
    warnings: notAfter > caEnd ? [warning] : [],
  };
}

function artifactsOf(
  item: Renewable,
  made: { readonly certificate: Certificate; readonly key: KeyPair; readonly ca: Certificate },
  { cluster, existing }: RenewRequest,
): readonly Artifact[] {
  const path = pathOf(item, cluster);
  const { certificate, key, ca } = made;
  if (item.kind === 'pair') {
    return [
      { path: path.replace(/\.crt$/, '.key'), mode: 0o600, body: key.privatePem, secret: true },
      { path, mode: 0o644, body: certificate.pem },
    ];
  }
  const identity = { ca: ca.pem, certificate: certificate.pem, key: key.privatePem };
  const body = withClientCertificate(existing.get(path) ?? '', path, identity);
  return [{ path, mode: 0o600, body, secret: true }];
}
