// os-release(5): what a distribution says of itself.
import type { Said } from './said.ts';
import { lineShape, releaseWordShape } from './shapes.ts';

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
