// Labels that stand for a version: `stable`, `latest-1`, `stable-1.36` (kubeadm app/util/version.go).
import { newestVersion, releases, supportedRange } from './releases.ts';
import { compareVersions, parseVersion, type KubeVersion } from './version.ts';

const pattern = /^(?:release\/)?((?:stable|latest)(?:-([1-9])(?:\.([1-9]\d?))?)?)$/;

/** Whether a text is a label, whatever version it stands for. */
export function isLabel(text: string): boolean {
  return pattern.test(text);
}

/** Why a label can never be used; undefined when it can. */
export function labelFault(text: string): string | undefined {
  const [, , major, minor] = pattern.exec(text) ?? [];
  const isKnown = releases.some(({ reference }) => {
    return `${reference.major}` === (major ?? '1') && (minor === undefined || `${reference.minor}` === minor);
  });
  return isKnown ? undefined : `is outside what kbinit knows, ${supportedRange()}`;
}

/** The file that says which version a label stands for now, below the folder of the releases. */
export function labelFile(text: string): string {
  return `${pattern.exec(text)?.[1] ?? text}.txt`;
}

/** What a label stands for when nobody can be asked. */
export function builtInVersion(text: string): KubeVersion {
  const minor = pattern.exec(text)?.[3];
  const row = releases.find(({ reference }) => `${reference.minor}` === minor);
  return row?.reference ?? newestVersion();
}

/** The version in an answer; `tooNew` when kbinit does not know its minor yet. */
export function readLabelAnswer(answer: string): KubeVersion | 'tooNew' | undefined {
  const version = parseVersion(answer.trim());
  if (version === undefined || answer.includes('+')) return undefined;
  const newest = newestVersion();
  const next = { major: newest.major, minor: newest.minor + 1, patch: 0, pre: '0' };
  return compareVersions(version, next) < 0 ? version : 'tooNew';
}

/** What to ask for when a label stands for a version that is too new, as kubeadm does. */
export function newestStableLabel(): string {
  const { major, minor } = newestVersion();
  return `stable-${major}.${minor}`;
}
