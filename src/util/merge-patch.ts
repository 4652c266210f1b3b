// JSON Merge Patch (RFC 7386) on plain values.
import { isJsonObject, type JsonObject } from './json.ts';

/** Objects merge key by key, null removes a key, everything else replaces. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch;
  const merged = new Map(isJsonObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, applyMergePatch(merged.get(key), value));
  }
  return Object.fromEntries(merged) satisfies JsonObject;
}
