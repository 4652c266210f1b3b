// Strategic merge patch for the kinds that `--patches` knows: lists of named things merge by their key.
import { isJsonArray, isJsonObject, type JsonObject, jsonEquals, without } from './json.ts';

/** How the fields of one type merge. A field not named: objects merge as objects, lists are replaced. */
export interface MergeSchema {
  readonly fields?: Readonly<Record<string, FieldSchema>>;
}

/** How one field merges. */
export interface FieldSchema {
  /** The type of the field, or of a list's items. */
  readonly type?: MergeSchema;
  /** A list of objects that merge by this key. */
  readonly mergeKey?: string;
  /** A list of plain values that merge as a set. */
  readonly isSet?: boolean;
}

// patchMergeKey and patchStrategy of core/v1, apps/v1 and meta/v1.
const objectMeta: MergeSchema = { fields: { finalizers: { isSet: true }, ownerReferences: { mergeKey: 'uid' } } };

const container: MergeSchema = {
  fields: {
    env: { mergeKey: 'name' },
    ports: { mergeKey: 'containerPort' },
    volumeDevices: { mergeKey: 'devicePath' },
    volumeMounts: { mergeKey: 'mountPath' },
  },
};

const podSpec: MergeSchema = {
  fields: {
    containers: { mergeKey: 'name', type: container },
    ephemeralContainers: { mergeKey: 'name', type: container },
    hostAliases: { mergeKey: 'ip' },
    imagePullSecrets: { mergeKey: 'name' },
    initContainers: { mergeKey: 'name', type: container },
    resourceClaims: { mergeKey: 'name' },
    schedulingGates: { mergeKey: 'name' },
    topologySpreadConstraints: { mergeKey: 'topologyKey' },
    volumes: { mergeKey: 'name' },
  },
};

const pod: MergeSchema = { fields: { metadata: { type: objectMeta }, spec: { type: podSpec } } };

/** The merge keys of the kinds that can be patched. */
export const mergeSchemas: Readonly<Record<'Pod' | 'Deployment' | 'KubeletConfiguration', MergeSchema>> = {
  Pod: pod,
  Deployment: { fields: { metadata: { type: objectMeta }, spec: { type: { fields: { template: { type: pod } } } } } },
  // No field of kubelet.config.k8s.io/v1beta1 has a merge key.
  KubeletConfiguration: {},
};

const directive = '$patch';
const retainKeys = '$retainKeys';
const deletePrefix = '$deleteFromPrimitiveList/';
const orderPrefix = '$setElementOrder/';

/** Merge a patch into an object. @throws Error when the patch does not fit the type */
export function applyStrategicMerge(target: JsonObject, patch: unknown, schema: MergeSchema): JsonObject {
  if (!isJsonObject(patch)) throw new Error('a strategic merge patch is an object');
  return mergeObject(target, patch, schema) ?? {};
}

/** undefined: the patch deletes the object. */
function mergeObject(target: JsonObject, patch: JsonObject, schema: MergeSchema): JsonObject | undefined {
  const content = without(patch, [directive, retainKeys]);
  switch (patch[directive]) {
    case 'delete':
      return undefined;
    case 'replace':
      return prune(content);
    case undefined:
    case 'merge':
      return mergeFields(retained(target, patch), content, schema);
    default:
      throw new Error(`unknown directive ${directive}: ${JSON.stringify(patch[directive])}`);
  }
}

/** `$retainKeys` names the only keys that may stay: a union's old member goes. */
function retained(target: JsonObject, patch: JsonObject): JsonObject {
  const keys = patch[retainKeys];
  if (keys === undefined) return target;
  if (!isJsonArray(keys)) throw new Error(`${retainKeys} is a list of keys`);
  return Object.fromEntries(Object.entries(target).filter(([key]) => keys.includes(key)));
}

function mergeFields(target: JsonObject, patch: JsonObject, schema: MergeSchema): JsonObject {
  const merged = new Map(Object.entries(target));
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(deletePrefix)) {
      const field = key.slice(deletePrefix.length);
      const removed = listOf(value, key);
      merged.set(
        field,
        listOf(merged.get(field) ?? [], field).filter((item) => !removed.some((r) => jsonEquals(r, item))),
      );
    } else if (!key.startsWith(orderPrefix)) {
      const result = mergeField(merged.get(key), value, schema.fields?.[key] ?? {}, key);
      if (result === undefined) merged.delete(key);
      else merged.set(key, result);
    }
  }
  for (const [key, value] of Object.entries(patch)) {
    if (!key.startsWith(orderPrefix)) continue;
    const field = key.slice(orderPrefix.length);
    const items = listOf(merged.get(field) ?? [], field);
    merged.set(field, reorder(items, listOf(value, key), schema.fields?.[field]?.mergeKey));
  }
  return Object.fromEntries(merged);
}

/** undefined: the field goes. */
function mergeField(target: unknown, value: unknown, field: FieldSchema, name: string): unknown {
  if (value === null) return undefined;
  if (isJsonObject(value)) return mergeObject(isJsonObject(target) ? target : {}, value, field.type ?? {});
  if (!isJsonArray(value)) return value;
  const old = isJsonArray(target) ? target : [];
  if (field.mergeKey !== undefined) return mergeList(old, value, field.mergeKey, field.type ?? {}, name);
  if (field.isSet === true) return [...old, ...value.filter((item) => !old.includes(item))];
  return value.map((item) => (isJsonObject(item) ? prune(item) : item));
}

function mergeList(
  target: readonly unknown[],
  patch: readonly unknown[],
  mergeKey: string,
  type: MergeSchema,
  name: string,
): readonly unknown[] {
  const items = patch.map((item) => objectOf(item, name));
  if (items.some((item) => item[directive] === 'replace' && item[mergeKey] === undefined)) {
    return items.filter((item) => item[directive] === undefined).map(prune);
  }
  return items.reduce<readonly unknown[]>((list, item) => mergeItem(list, item, mergeKey, type, name), target);
}

function mergeItem(
  list: readonly unknown[],
  item: JsonObject,
  mergeKey: string,
  type: MergeSchema,
  name: string,
): readonly unknown[] {
  const key = item[mergeKey];
  if (key === undefined) throw new Error(`an item of ${name} has no ${mergeKey}, which says where it merges`);
  const index = list.findIndex((existing) => isJsonObject(existing) && existing[mergeKey] === key);
  const existing = index === -1 ? {} : objectOf(list[index], name);
  const merged = mergeObject(existing, item, type);
  if (index === -1) return merged === undefined ? list : [...list, merged];
  return merged === undefined ? list.toSpliced(index, 1) : list.with(index, merged);
}

/** Items named in the order come as named; the others keep their places behind them. */
function reorder(
  items: readonly unknown[],
  order: readonly unknown[],
  mergeKey: string | undefined,
): readonly unknown[] {
  const keyOf = (item: unknown): unknown => (mergeKey !== undefined && isJsonObject(item) ? item[mergeKey] : item);
  const keys = order.map(keyOf);
  const rank = (item: unknown): number => {
    const index = keys.indexOf(keyOf(item));
    return index === -1 ? keys.length : index;
  };
  return items.toSorted((a, b) => rank(a) - rank(b));
}

/** New content keeps neither nulls nor directives. */
function prune(object: JsonObject): JsonObject {
  return mergeFields({}, without(object, [directive, retainKeys]), {});
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (!isJsonArray(value)) throw new Error(`${name} is not a list`);
  return value;
}

function objectOf(value: unknown, name: string): JsonObject {
  if (!isJsonObject(value)) throw new Error(`an item of ${name} is not an object`);
  return value;
}
