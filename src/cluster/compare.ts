// Is an object on the server what we want? Everything we name must be there; what the server adds does not count.
import { isJsonObject } from '../util/json.ts';

/** Fields that only the server writes. */
const serverOwned = new Set(['status', 'creationTimestamp', 'resourceVersion', 'uid']);

/** True when `found` holds everything of `wanted`: the same scalars, lists of the same length, no key missing. */
export function isContained(wanted: unknown, found: unknown): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(found) &&
      found.length === wanted.length &&
      wanted.every((item, index) => isContained(item, found[index]))
    );
  }
  if (isJsonObject(wanted)) {
    // The server drops empty objects and nulls.
    if (found === undefined || found === null) return Object.keys(wanted).length === 0;
    if (!isJsonObject(found)) return false;
    return Object.entries(wanted).every(([key, value]) => serverOwned.has(key) || isContained(value, found[key]));
  }
  if (wanted === null || wanted === undefined) return found === null || found === undefined;
  return wanted === found || (isZero(wanted) && found === undefined);
}

function isZero(value: unknown): boolean {
  return value === '' || value === 0 || value === false;
}
