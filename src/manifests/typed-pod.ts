// What Go's types make of a patched Pod: kubeadm reads it into core/v1 and writes it anew, so empty values of fields
// that are not pointers vanish and resources are always there.
import { isJsonArray, isJsonObject, type JsonObject } from '../util/json.ts';

/** Plain booleans, `omitempty`. Others (readOnlyRootFilesystem, optional, …) are pointers and stay false. */
const booleans: ReadonlySet<string> = new Set('hostNetwork hostPID hostIPC stdin stdinOnce tty readOnly'.split(' '));

/** Plain numbers, `omitempty`; priority, runAsUser, … are pointers. */
const numbers: ReadonlySet<string> = new Set(
  'initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold hostPort'.split(' '),
);

/** Pointers to text: an empty one stays. */
const textPointers: ReadonlySet<string> = new Set(['type', 'runtimeClassName', 'storageClassName', 'service']);

/** Mappings of the user's own keys: empty ones vanish, empty values in them stay. */
const mappings: ReadonlySet<string> = new Set(
  'labels annotations nodeSelector matchLabels limits requests overhead'.split(' '),
);

/** A field that Go writes even when it is empty. */
const required: ReadonlySet<string> = new Set(['name', 'containers', 'creationTimestamp', 'mountPath']);

/** The Pod as Go would write it. */
export function asGoWrites(pod: JsonObject): JsonObject {
  const fields = objectFields(pod);
  return { ...fields, ...(isJsonObject(fields['spec']) ? { spec: withResources(fields['spec']) } : {}) };
}

function objectFields(object: JsonObject): JsonObject {
  const kept = Object.entries(object).filter(([name, value]) => required.has(name) || !vanishes(name, value));
  return Object.fromEntries(kept.map(([name, value]) => [name, mappings.has(name) ? value : inner(value)]));
}

function inner(value: unknown): unknown {
  if (isJsonArray(value)) return value.map(inner);
  return isJsonObject(value) ? objectFields(value) : value;
}

function vanishes(name: string, value: unknown): boolean {
  if (value === null) return true;
  if (value === false) return booleans.has(name);
  if (value === 0) return numbers.has(name);
  if (value === '') return !textPointers.has(name);
  if (isJsonArray(value)) return value.length === 0;
  return isJsonObject(value) && mappings.has(name) && Object.keys(value).length === 0;
}

/** A struct, not a pointer: an empty one is written as well. */
function withResources(spec: JsonObject): JsonObject {
  const complete = (list: unknown): unknown =>
    isJsonArray(list) ? list.map((one) => (isJsonObject(one) ? { resources: {}, ...one } : one)) : list;
  return {
    ...spec,
    ...('containers' in spec ? { containers: complete(spec['containers']) } : {}),
    ...('initContainers' in spec ? { initContainers: complete(spec['initContainers']) } : {}),
  };
}
