// JSON values of any shape: what an object is, when two values are equal, how a text of ours is read back.

/** A JSON object of any content. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object: neither a list nor null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a value is a list. */
export function isJsonArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** Deep equality of JSON values; the order of keys does not count. */
export function jsonEquals(a: unknown, b: unknown): boolean {
  if (isJsonArray(a)) return isJsonArray(b) && a.length === b.length && a.every((item, i) => jsonEquals(item, b[i]));
  if (!isJsonObject(a) || !isJsonObject(b)) return a === b;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && jsonEquals(a[key], b[key]))
  );
}

/** An object without some of its keys. */
export function without(object: JsonObject, keys: Iterable<string>): JsonObject {
  const dropped = new Set(keys);
  return Object.fromEntries(Object.entries(object).filter(([key]) => !dropped.has(key)));
}

/** What a JSON text holds, where it is what the guard says; undefined for anything else, broken text included. */
export function parseJson<T>(text: string | undefined, guard: (value: unknown) => value is T): T | undefined {
  if (text === undefined || isTooDeep(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return guard(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Kubernetes' objects have a few dozen levels; whoever walks thousands of them runs out of stack. */
const mostLevels = 500;

/** Nested deeper than anything that is meant. Brackets in texts count too, which no real text has so many of. */
function isTooDeep(text: string): boolean {
  let level = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    level += bracket === '[' || bracket === '{' ? 1 : -1;
    if (level > mostLevels) return true;
  }
  return false;
}
