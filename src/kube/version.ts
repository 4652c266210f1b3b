// A Kubernetes version: parse, print, compare. Which versions differ in what is in releases.ts and traits.ts.

export interface KubeVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** `rc.1` of v1.36.0-rc.1. */
  readonly pre?: string;
  /** `k3s1` of v1.36.3+k3s1: a vendor's mark, which no comparison looks at. */
  readonly build?: string;
}

const number = '(0|[1-9]\\d*)';
const words = (word: string): string => `${word}(?:\\.${word})*`;
/** A number among the parts of a pre-release has no leading zeros; build metadata may be anything (semver 2.0 §9, §10). */
const pattern = new RegExp(
  `^v?${number}\\.${number}\\.${number}(?:-(${words('(?:0|[1-9]\\d*|\\d*[A-Za-z-][0-9A-Za-z-]*)')}))?(?:\\+(${words('[0-9A-Za-z-]+')}))?$`,
);

/** Read `v1.36.3`, `1.36.3-rc.1` or `v1.36.3+k3s1`, as apimachinery's ParseSemantic; undefined for anything else. */
export function parseVersion(text: string): KubeVersion | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, major, minor, patch, pre, build] = match;
  return {
    major: Number(major),
    minor: Number(minor),
    patch: Number(patch),
    ...(pre === undefined ? {} : { pre }),
    ...(build === undefined ? {} : { build }),
  };
}

/** `v1.36.3`, with everything behind it. */
export function formatVersion(version: KubeVersion): string {
  const build = version.build === undefined ? '' : `+${version.build}`;
  return `${formatRelease(version)}${build}`;
}

/** The upstream release that a vendor's build is made of: what packages and download pages have. */
export function formatRelease({ major, minor, patch, pre }: KubeVersion): string {
  return `v${major}.${minor}.${patch}${pre === undefined ? '' : `-${pre}`}`;
}

/** Negative when a is older. A pre-release is older than its release; pre-releases compare part by part (semver 2.0 §11). */
export function compareVersions(a: KubeVersion, b: KubeVersion): number {
  const numeric = a.major - b.major || a.minor - b.minor || a.patch - b.patch;
  if (numeric !== 0 || a.pre === b.pre) return numeric;
  if (a.pre === undefined) return 1;
  if (b.pre === undefined) return -1;
  return comparePre(a.pre.split('.'), b.pre.split('.'));
}

function comparePre(a: readonly string[], b: readonly string[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [left, right] = [a[index], b[index]];
    if (left === right) continue;
    if (left === undefined) return -1;
    if (right === undefined) return 1;
    const [leftNumber, rightNumber] = [/^\d+$/.test(left), /^\d+$/.test(right)];
    if (leftNumber && rightNumber) return Number(left) - Number(right);
    if (leftNumber !== rightNumber) return leftNumber ? -1 : 1;
    return left < right ? -1 : 1;
  }
  return 0;
}
