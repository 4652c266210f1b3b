// JSON Patch (RFC 6902) on plain values.
import { isJsonArray, isJsonObject, type JsonObject, jsonEquals, without } from '../util/json.ts';

/** Apply every operation in order. @throws Error that names the operation that did not fit */
export function applyJsonPatch(document: unknown, operations: unknown): unknown {
  if (!isJsonArray(operations)) throw new Error('a JSON patch is a list of operations');
  return operations.reduce((current, operation) => applyOperation(current, operation), document);
}

function applyOperation(document: unknown, operation: unknown): unknown {
  if (!isJsonObject(operation)) throw new Error('an operation of a JSON patch is an object');
  const { op } = operation;
  switch (op) {
    case 'add':
      return add(document, pointer(operation, 'path'), valueOf(operation));
    case 'remove':
      return remove(document, pointer(operation, 'path'));
    case 'replace':
      return replace(document, pointer(operation, 'path'), valueOf(operation));
    case 'move': {
      const from = pointer(operation, 'from');
      return add(remove(document, from), pointer(operation, 'path'), get(document, from));
    }
    case 'copy':
      return add(document, pointer(operation, 'path'), get(document, pointer(operation, 'from')));
    case 'test':
      return test(document, pointer(operation, 'path'), valueOf(operation));
    default:
      throw new Error(`unknown operation ${JSON.stringify(op)}`);
  }
}

function valueOf(operation: JsonObject): unknown {
  if (!Object.hasOwn(operation, 'value')) throw new Error(`the operation ${String(operation['op'])} has no value`);
  return operation['value'];
}

/** A JSON pointer's tokens (RFC 6901): `~1` is a slash, `~0` a tilde. */
function pointer(operation: JsonObject, key: 'path' | 'from'): readonly string[] {
  const text = operation[key];
  if (typeof text !== 'string') throw new Error(`the operation ${String(operation['op'])} has no ${key}`);
  if (text === '') return [];
  if (!text.startsWith('/')) throw new Error(`${JSON.stringify(text)} is not a JSON pointer: it must start with /`);
  return text
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function get(document: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, token) => child(value, token, path), document);
}

function child(value: unknown, token: string, path: readonly string[]): unknown {
  if (isJsonObject(value) && Object.hasOwn(value, token)) return value[token];
  if (isJsonArray(value)) return value[existingIndex(value, token, path)];
  throw missing(path);
}

/** Rebuild the document with the parent of `path` changed. */
function change(
  document: unknown,
  path: readonly string[],
  edit: (parent: JsonObject | readonly unknown[], token: string) => unknown,
  full: readonly string[] = path,
): unknown {
  const [token, ...rest] = path;
  if (token === undefined || !(isJsonObject(document) || isJsonArray(document))) throw missing(full);
  if (rest.length === 0) return edit(document, token);
  const changed = change(child(document, token, full), rest, edit, full);
  return isJsonArray(document) ? document.with(Number(token), changed) : { ...document, [token]: changed };
}

function add(document: unknown, path: readonly string[], value: unknown): unknown {
  if (path.length === 0) return value;
  return change(document, path, (parent, token) => {
    if (!isJsonArray(parent)) return { ...parent, [token]: value };
    const index = token === '-' ? parent.length : Number(token);
    if (!/^(-|0|[1-9]\d*)$/.test(token) || index > parent.length) throw missing(path);
    return parent.toSpliced(index, 0, value);
  });
}

function remove(document: unknown, path: readonly string[]): unknown {
  return change(document, path, (parent, token) => {
    if (isJsonArray(parent)) return parent.toSpliced(existingIndex(parent, token, path), 1);
    if (!Object.hasOwn(parent, token)) throw missing(path);
    return without(parent, [token]);
  });
}

function replace(document: unknown, path: readonly string[], value: unknown): unknown {
  if (path.length === 0) return value;
  return change(document, path, (parent, token) => {
    if (isJsonArray(parent)) return parent.with(existingIndex(parent, token, path), value);
    if (!Object.hasOwn(parent, token)) throw missing(path);
    return { ...parent, [token]: value };
  });
}

function test(document: unknown, path: readonly string[], value: unknown): unknown {
  if (!jsonEquals(get(document, path), value)) throw new Error(`the test of ${printed(path)} failed`);
  return document;
}

function existingIndex(list: readonly unknown[], token: string, path: readonly string[]): number {
  const index = Number(token);
  if (!/^(0|[1-9]\d*)$/.test(token) || index >= list.length) throw missing(path);
  return index;
}

function missing(path: readonly string[]): Error {
  return new Error(`${printed(path)} does not exist`);
}

function printed(path: readonly string[]): string {
  return JSON.stringify(path.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''));
}
