// What Go's types make of a patched Pod: kubeadm reads it into core/v1 and writes it anew, so empty values of fields
// that are not pointers vanish, resources are always there, and quantities get their canonical form.
import { canonicalQuantity } from '../kube/quantity.ts';
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

/** Fields that hold quantities, by the object that they are in. */
const quantities: Readonly<Record<string, readonly string[]>> = {
  emptyDir: ['sizeLimit'],
  resourceFieldRef: ['divisor'],
};

/** Fields that are lists of quantities by resource. */
const quantityLists: Readonly<Record<string, readonly string[]>> = {
  resources: ['limits', 'requests'],
  spec: ['overhead'],
};

/** What Go writes where nothing is given: structs, and a pointer that is not left out. */
const always: Readonly<Record<string, JsonObject>> = {
  resourceFieldRef: { divisor: '0' },
  volumeClaimTemplate: { metadata: {} },
  grpc: { service: null },
};

/** The Pod as Go would write it. @throws Error for a quantity that Go cannot read, and for a Pod without containers */
export function asGoWrites(pod: JsonObject): JsonObject {
  const fields = objectFields(pod, '');
  // kubeadm writes such a manifest, and waits in vain: the kubelet does not take it (validatePodSpec).
  const { containers } = isJsonObject(fields['spec']) ? fields['spec'] : {};
  if (!isJsonArray(containers) || containers.length === 0) throw new Error('it has no container');
  return { ...fields, ...(isJsonObject(fields['spec']) ? { spec: withResources(fields['spec']) } : {}) };
}

/** `within` is the field that holds the object. */
function objectFields(object: JsonObject, within: string): JsonObject {
  const kept = Object.entries(object).filter(([name, value]) => required.has(name) || !vanishes(name, value));
  const fields = Object.fromEntries(kept.map(([name, value]) => [name, fieldValue(within, name, value)]));
  return { ...always[within], ...fields };
}

function fieldValue(within: string, name: string, value: unknown): unknown {
  if (quantities[within]?.includes(name) === true) return quantity(name, value);
  if (quantityLists[within]?.includes(name) === true && isJsonObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([resource, one]) => [resource, quantity(resource, one)]));
  }
  return mappings.has(name) ? value : inner(name, value);
}

function inner(name: string, value: unknown): unknown {
  if (isJsonArray(value)) return value.map((one) => inner(name, one));
  return isJsonObject(value) ? objectFields(value, name) : value;
}

/** YAML's `cpu: 2` is a number. */
function quantity(name: string, value: unknown): string {
  const text = typeof value === 'number' ? JSON.stringify(value) : value === null ? '0' : value;
  const canonical = typeof text === 'string' ? canonicalQuantity(text.trim()) : undefined;
  if (canonical !== undefined) return canonical;
  throw new Error(`${name}: ${JSON.stringify(value)} is not a quantity such as 250m or 512Mi`);
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
