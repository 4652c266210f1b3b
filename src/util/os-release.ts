// os-release(5): what a distribution says of itself.
import type { Said } from './said.ts';
import { lineShape, releaseWordShape } from './shapes.ts';

/** Systems that kbinit can prepare, by os-release's ID; others say with ID_LIKE that they are such. */
const families = { rhel: /^(?:rhel|centos|rocky|almalinux|ol)$/, debian: /^(?:debian|ubuntu)$/ } as const;

/** Red Hat's family, Debian's, or another. */
export function systemFamily(osRelease: Readonly<Record<string, string>>): 'rhel' | 'debian' | undefined {
  const words = [osRelease['ID'] ?? '', ...(osRelease['ID_LIKE'] ?? '').split(/\s+/)];
  return (['rhel', 'debian'] as const).find((family) => words.some((word) => families[family].test(word)));
}

/** Whether a system is one of Red Hat's family itself, not one that is like it. */
export function isOfRhel(id: string): boolean {
  return families.rhel.test(id);
}

/** KEY=value, shell quoting at most. */
export function readOsRelease(lines: readonly string[], said: Said): Record<string, string> {
  const pairs = lines.flatMap((line) => {
    const match = /^\s*([A-Za-z0-9_]+)=(.*?)\s*$/.exec(line);
    if (match === null) return [];
    const [, key = '', raw = ''] = match;
    const quoted = /^(["'])(.*)\1$/.exec(raw);
    const value = quoted === null ? raw : (quoted[2] ?? '').replaceAll(/\\(["$`\\])/g, '$1');
    // The two that become parts of names; the others are for people.
    const shape = key === 'ID' || key === 'VERSION_ID' ? releaseWordShape : lineShape;
    return [[key, said.value(`${key} of os-release`, value, shape)]];
  });
  return Object.fromEntries(pairs);
}
