// Strategic merge patch for the kinds that `--patches` knows: lists of named things merge by their key.
import { isJsonArray, isJsonObject, type JsonObject, jsonEquals, without } from '../util/json.ts';

/** How the fields of one type merge. A field not named: objects merge as objects, lists are replaced. */
export interface MergeSchema {
  readonly fields?: Readonly<Record<string, FieldSchema>>;
}

/** How one field merges. */
interface FieldSchema {
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

/** Merge a patch into an object, as apimachinery's strategicpatch does. @throws Error when the patch does not fit */
export function applyStrategicMerge(target: JsonObject, patch: unknown, schema: MergeSchema): JsonObject {
  if (!isJsonObject(patch)) throw new Error('a strategic merge patch is an object');
  return mergeObject(target, patch, schema);
}

function mergeObject(target: JsonObject, patch: JsonObject, schema: MergeSchema): JsonObject {
  const wanted = patch[directive];
  if (wanted === undefined) return mergeFields(retained(target, patch), without(patch, [retainKeys]), schema);
  if (wanted === 'replace') return pruned(without(patch, [directive, retainKeys]));
  // An object that is deleted leaves an empty one: only null removes a key.
  if (wanted === 'delete') return {};
  throw unknownDirective(wanted);
}

/** `$retainKeys` names the only keys that may stay: a union's old member goes. */
function retained(target: JsonObject, patch: JsonObject): JsonObject {
  const keys = patch[retainKeys];
  if (keys === undefined) return target;
  const kept = listOf(keys, retainKeys);
  return Object.fromEntries(Object.entries(target).filter(([key]) => kept.includes(key)));
}

function mergeFields(target: JsonObject, patch: JsonObject, schema: MergeSchema): JsonObject {
  const merged = new Map(Object.entries(target));
  const keep = (key: string, value: unknown): void => {
    if (value === undefined) merged.delete(key);
    else merged.set(key, value);
  };
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(deletePrefix)) {
      const field = key.slice(deletePrefix.length);
      keep(field, withoutItems(merged.get(field), listOf(value, key)));
    } else if (!key.startsWith(orderPrefix)) {
      keep(key, mergeField(merged.get(key), value, schema.fields?.[key] ?? {}, key));
    }
  }
  for (const [key, value] of Object.entries(patch)) {
    if (!key.startsWith(orderPrefix)) continue;
    const field = key.slice(orderPrefix.length);
    const items = merged.get(field);
    if (!isJsonArray(items)) continue;
    merged.set(
      field,
      ordered(items, listOf(value, key), arrayOrEmpty(target[field]), schema.fields?.[field]?.mergeKey),
    );
  }
  return Object.fromEntries(merged);
}

/** undefined: the field goes. */
function mergeField(target: unknown, value: unknown, field: FieldSchema, name: string): unknown {
  if (value === null) return undefined;
  if (isJsonObject(value) && isJsonObject(target)) return mergeObject(target, value, field.type ?? {});
  if (isJsonArray(value) && isJsonArray(target)) return mergeList(target, value, field, name);
  return prunedValue(value);
}

function mergeList(
  target: readonly unknown[],
  patch: readonly unknown[],
  field: FieldSchema,
  name: string,
): readonly unknown[] {
  if (field.mergeKey !== undefined) return mergeByKey(target, patch, field.mergeKey, field.type ?? {}, name);
  if (field.isSet !== true) return cleanedList(patch);
  const added = patch.filter((item) => !target.includes(item));
  return ordered([...target, ...added], patch, target, undefined);
}

function mergeByKey(
  target: readonly unknown[],
  patch: readonly unknown[],
  mergeKey: string,
  type: MergeSchema,
  name: string,
): readonly unknown[] {
  const all = patch.map((item) => objectOf(item, name));
  const items = all.filter((item) => item[directive] === undefined);
  const directives = all.filter((item) => item[directive] !== undefined);
  if (directives.some((item) => item[directive] === 'replace')) return cleanedList(items);
  const remaining = directives.reduce((list, item) => withoutKey(list, item, mergeKey, name), target);
  const merged = items.reduce<readonly unknown[]>((list, item) => {
    const index = list.findIndex((other) => keyOf(other, mergeKey) === requiredKey(item, mergeKey, name));
    if (index === -1) return [...list, cleaned(item)];
    return list.with(index, mergeObject(objectOf(list[index], name), item, type));
  }, remaining);
  return ordered(merged, items, remaining, mergeKey);
}

/** `$patch: delete` within a list takes out the item of its key. */
function withoutKey(list: readonly unknown[], item: JsonObject, mergeKey: string, name: string): readonly unknown[] {
  if (item[directive] !== 'delete') throw unknownDirective(item[directive]);
  const key = requiredKey(item, mergeKey, name);
  return list.filter((other) => keyOf(other, mergeKey) !== key);
}

/**
 * Items named in `order` come as named; the others keep their order and go before the first named item that stood
 * behind them. What is new has no such place, so it comes first: patched containers, variables and mounts do.
 */
function ordered(
  items: readonly unknown[],
  order: readonly unknown[],
  before: readonly unknown[],
  mergeKey: string | undefined,
): readonly unknown[] {
  const indexIn = (list: readonly unknown[], item: unknown): number =>
    list.findIndex((other) => jsonEquals(keyOf(other, mergeKey), keyOf(item, mergeKey)));
  const named = items.filter((item) => indexIn(order, item) >= 0);
  const queue = items
    .filter((item) => indexIn(order, item) < 0)
    .toSorted((a, b) => indexIn(before, a) - indexIn(before, b));
  const result: unknown[] = [];
  for (const item of named.toSorted((a, b) => indexIn(order, a) - indexIn(order, b))) {
    const place = indexIn(before, item);
    const isBefore = (other: unknown): boolean => indexIn(before, other) < place;
    result.push(...queue.splice(0, queue.filter(isBefore).length), item);
  }
  return [...result, ...queue];
}

function keyOf(item: unknown, mergeKey: string | undefined): unknown {
  return mergeKey !== undefined && isJsonObject(item) ? item[mergeKey] : item;
}

function requiredKey(item: JsonObject, mergeKey: string, name: string): unknown {
  const key = item[mergeKey];
  if (key === undefined) throw new Error(`an item of ${name} has no ${mergeKey}, which says where it merges`);
  return key;
}

function withoutItems(target: unknown, removed: readonly unknown[]): unknown {
  return isJsonArray(target) ? target.filter((item) => !removed.some((other) => jsonEquals(other, item))) : target;
}

/** New content keeps no nulls, and nothing that carries a directive. */
function pruned(object: JsonObject): JsonObject {
  const entries = Object.entries(object).map(([key, value]) => [key, prunedValue(value)] as const);
  return Object.fromEntries(entries.filter(([key, value]) => value !== undefined && !isDirective(key)));
}

function prunedValue(value: unknown): unknown {
  if (value === null || (isJsonObject(value) && value[directive] !== undefined)) return undefined;
  if (isJsonArray(value)) return prunedList(value);
  return isJsonObject(value) ? pruned(value) : value;
}

function prunedList(list: readonly unknown[]): readonly unknown[] {
  return list.map(prunedValue).filter((item) => item !== undefined);
}

/** A list's items from a patch keep what they say beside their directives; only what they delete is gone. */
function cleaned(object: JsonObject): JsonObject {
  const entries = Object.entries(object).filter(
    ([key, value]) => key !== directive && !isDirective(key) && !isGone(value),
  );
  return Object.fromEntries(entries.map(([key, value]) => [key, cleanedValue(value)]));
}

function cleanedValue(value: unknown): unknown {
  if (isJsonArray(value)) return cleanedList(value);
  return isJsonObject(value) ? cleaned(value) : value;
}

function cleanedList(list: readonly unknown[]): readonly unknown[] {
  return list.filter((item) => !isGone(item) && !isMarker(item)).map(cleanedValue);
}

function isGone(value: unknown): boolean {
  return value === null || (isJsonObject(value) && value[directive] === 'delete');
}

/** An item that only says how its list merges. */
function isMarker(item: unknown): boolean {
  return isJsonObject(item) && item[directive] !== undefined;
}

function isDirective(key: string): boolean {
  return key === retainKeys || key.startsWith(deletePrefix) || key.startsWith(orderPrefix);
}

function arrayOrEmpty(value: unknown): readonly unknown[] {
  return isJsonArray(value) ? value : [];
}

function unknownDirective(value: unknown): Error {
  return new Error(`unknown directive ${directive}: ${JSON.stringify(value)}`);
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (!isJsonArray(value)) throw new Error(`${name} is not a list`);
  return value;
}

function objectOf(value: unknown, name: string): JsonObject {
  if (!isJsonObject(value)) throw new Error(`an item of ${name} is not an object`);
  return value;
}
