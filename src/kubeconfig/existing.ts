// Whether a kubeconfig that is there may stay: it must trust this cluster's CA (spec 04 §2.2).
import { KbError, type Problem } from '../errors.ts';
import { comparesKubeconfigCaByCertificate } from '../kube/traits.ts';
import type { KubeVersion } from '../kube/version.ts';
import { outsideValidity } from '../certs/inspect.ts';
import { readCertificates } from '../certs/x509.ts';
import { parseKubeconfig, type CurrentContext } from './kubeconfig.ts';

export interface KubeconfigVerdict {
  readonly action: 'keep' | 'make' | 'refuse';
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** A file to judge, and what it should be. */
export interface Candidate {
  /** The sub-phase. */
  readonly name: string;
  readonly path: string;
  readonly text: string | undefined;
  /** The server a new file would name. */
  readonly server: string;
  /** The cluster's CA file and its text. */
  readonly ca: { readonly path: string; readonly bundle: string };
  readonly version: KubeVersion;
  /** A kubeconfig may name its CA by path. */
  readonly existing: ReadonlyMap<string, string>;
  readonly now: Date;
  /** This spec's own earlier, killed run was writing it. */
  readonly isOurs: boolean;
}

const make: KubeconfigVerdict = { action: 'make', problems: [], warnings: [] };

/** Judge one file: its CA must be the cluster's; another server or an expired certificate is a warning. */
export function judgeKubeconfig(candidate: Candidate): KubeconfigVerdict {
  const { name, path, text, isOurs } = candidate;
  if (text === undefined) return make;
  const phase = `kubeconfig/${name}`;
  const context = parse(text, path);
  if (context instanceof KbError) return isOurs ? make : refuse(context.within({ phase }).problems);
  if (!trustsCa(candidate, context)) return refuse([otherCa(candidate, phase)]);
  return {
    action: 'keep',
    problems: [],
    warnings: [...otherServer(candidate, context), ...expired(candidate, context)],
  };
}

function refuse(problems: readonly Problem[]): KubeconfigVerdict {
  return { action: 'refuse', problems, warnings: [] };
}

function parse(text: string, path: string): CurrentContext | KbError {
  try {
    return parseKubeconfig(text, path);
  } catch (error) {
    if (error instanceof KbError) return error;
    throw error;
  }
}

function trustsCa({ ca, existing, version }: Candidate, context: CurrentContext): boolean {
  const source = context.ca;
  const text = source?.kind === 'file' ? (existing.get(source.path) ?? '') : (source?.text ?? '');
  const expected = readCertificates(ca.bundle);
  const [first] = expected;
  if (!comparesKubeconfigCaByCertificate(version)) {
    return first !== undefined && text.trim() === first.pem.trim();
  }
  const [current] = readCertificates(text);
  return current !== undefined && expected.some(({ x509 }) => x509.fingerprint256 === current.x509.fingerprint256);
}

function otherCa({ path, ca }: Candidate, phase: string): Problem {
  return {
    code: 'KB_KUBECONFIG_CA',
    summary: 'kubeconfig belongs to a different cluster',
    phase,
    detail: `${path} exists and does not trust the CA in ${ca.path}`,
    fix: `move ${path} away to let kbinit write a new one; if it belongs to a running cluster, reset this host first`,
  };
}

function otherServer({ path, server }: Candidate, current: CurrentContext): readonly string[] {
  return current.server === server ? [] : [`${path} is kept although it names ${current.server}, not ${server}`];
}

function expired({ path, now }: Candidate, { clientCertificate }: CurrentContext): readonly string[] {
  const [certificate] = clientCertificate?.kind === 'data' ? readCertificates(clientCertificate.text) : [];
  const found = certificate && outsideValidity(certificate, now);
  return found === undefined ? [] : [`${path} is kept although its client certificate ${found}`];
}
