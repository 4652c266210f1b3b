// The key pair that signs service-account tokens: sa.key and its public half sa.pub (spec 04 §1.4).
import type { KeyObject } from 'node:crypto';
import type { Problem } from '../errors.ts';
import { describePart, inspect, type Disk, type Part } from './inspect.ts';
import { isSamePair, publicPem, judgePrivateKey, judgePublicKeys } from './keys.ts';

export type ServiceAccountSurvey =
  | { readonly action: 'make' }
  /** sa.key stays; sa.pub, where it is missing, is written from it. */
  | { readonly action: 'keep'; readonly publicToWrite?: string }
  | { readonly action: 'refuse'; readonly problem: Problem };

export interface ServiceAccountPaths {
  readonly key: string;
  readonly pub: string;
}

export function serviceAccountPaths(certificatesDir: string): ServiceAccountPaths {
  return { key: `${certificatesDir}/sa.key`, pub: `${certificatesDir}/sa.pub` };
}

/** Judge the pair. `isExternalCa`: nothing is made beside a CA that is kept elsewhere. */
export function surveyServiceAccount(disk: Disk, isExternalCa: boolean): ServiceAccountSurvey {
  const paths = serviceAccountPaths(disk.certificatesDir);
  const key = inspect(disk.existing.get(paths.key), (text) => judgePrivateKey(text, 'tokens'));
  const pub = inspect(disk.existing.get(paths.pub), judgePublicKeys);
  const found = `${describePart(paths.key, key)}; ${describePart(paths.pub, pub)}`;
  const present = [paths.key, paths.pub].filter((path) => disk.existing.has(path));
  const isOurs = present.every((path) => disk.journal.has(path));
  if (key.kind === 'good') return judgePublic(key.value, pub, { paths, found, isOurs });
  if (isOurs && !isExternalCa) return { action: 'make' };
  const reason = isExternalCa && key.kind === 'absent' ? 'external-ca' : key.kind;
  return { action: 'refuse', problem: unusable(reason, paths, found) };
}

/** The API server reads sa.pub, the controller manager signs with sa.key: tokens are worthless when the two differ. */
function judgePublic(
  key: KeyObject,
  pub: Part<readonly KeyObject[]>,
  context: { readonly paths: ServiceAccountPaths; readonly found: string; readonly isOurs: boolean },
): ServiceAccountSurvey {
  if (pub.kind === 'absent' || (pub.kind === 'broken' && context.isOurs)) {
    return { action: 'keep', publicToWrite: publicPem(key) };
  }
  if (pub.kind === 'good' && pub.value.some((one) => isSamePair(one, key))) return { action: 'keep' };
  const { paths, found } = context;
  const isMismatch = pub.kind === 'good';
  return {
    action: 'refuse',
    problem: {
      code: isMismatch ? 'KB_CERT_KEY_MISMATCH' : 'KB_CERT_INVALID',
      summary: isMismatch ? 'sa.pub is not the public key of sa.key' : 'sa.pub cannot be read',
      phase: 'certs/sa',
      detail: isMismatch ? `${paths.pub} does not hold the public half of ${paths.key}` : found,
      fix: `move ${paths.pub} away: kbinit writes it again from ${paths.key}`,
    },
  };
}

function unusable(reason: 'external-ca' | 'absent' | 'broken', paths: ServiceAccountPaths, found: string): Problem {
  const reasons = {
    'external-ca': {
      code: 'KB_PKI_INCOMPLETE',
      summary: 'the service-account key is missing',
      detail: `${found}; with an external CA kbinit does not generate keys`,
      fix: `put a key pair at ${paths.key} and ${paths.pub}`,
    },
    absent: {
      code: 'KB_PKI_INCOMPLETE',
      summary: 'the service-account key is missing, its public half is not',
      detail: found,
      fix: `put the key of ${paths.pub} at ${paths.key}, or move ${paths.pub} away to let kbinit generate a new pair`,
    },
    broken: {
      code: 'KB_CERT_INVALID',
      summary: 'the service-account key cannot be read',
      detail: found,
      fix: `put the right key at ${paths.key}, or move it and ${paths.pub} away to let kbinit generate a new pair`,
    },
  } as const;
  return { ...reasons[reason], phase: 'certs/sa' };
}
