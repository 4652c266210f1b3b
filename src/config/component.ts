// Component configs as Go reads and writes them: types checked against the field table, zero values put where Go puts them.
import { hasField, type GoDocument, type GoFields, type GoLeaf, type GoNested } from '../kube/go-fields.ts';
import { canonicalQuantity } from '../kube/quantity.ts';
import { formatVersion, type KubeVersion } from '../kube/version.ts';
import { formatDuration, parseDuration } from '../util/duration.ts';
import type { YamlPath } from '../util/yaml.ts';
import { isMapping, unknownField, withoutNulls, wrongType, type Finding } from './finding.ts';

type Mapping = Readonly<Record<string, unknown>>;

/** A user's document after the check: known fields of the right types, durations as Go prints them. */
export interface CheckedComponent {
  readonly value: Mapping;
  readonly wrong: readonly Finding[];
  readonly unknown: readonly Finding[];
}

/** Check a document against what its kind has in this version. */
export function checkComponent(document: GoDocument, raw: Mapping, version: KubeVersion): CheckedComponent {
  const wrong: Finding[] = [];
  const unknown: Finding[] = [];
  const { apiVersion: _apiVersion, kind: _kind, ...given } = raw;
  const checker = { document, version, wrong, unknown };
  const value = checkFields(checker, document.fields, withoutNulls(given), []);
  return { value, wrong, unknown };
}

interface Checker {
  readonly document: GoDocument;
  readonly version: KubeVersion;
  readonly wrong: Finding[];
  readonly unknown: Finding[];
}

const historyPath = (path: YamlPath): string => path.filter((part) => typeof part === 'string').join('.');

function checkFields(checker: Checker, fields: GoFields, given: unknown, path: YamlPath): Mapping {
  if (!isMapping(given)) {
    checker.wrong.push(wrongType(path, given, 'object'));
    return {};
  }
  const checked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    const here = [...path, name];
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined) checker.unknown.push(unknownField(here, Object.keys(fields)));
    else if (!hasField(checker.document, historyPath(here), checker.version)) {
      const message = `unknown field in ${formatVersion(checker.version)}, ignored`;
      checker.unknown.push({ path: here, message, fix: 'remove it, or use a version that has it' });
    } else checked[name] = checkField(checker, field, value, here);
  }
  return checked;
}

function checkField(checker: Checker, field: GoLeaf | GoNested, value: unknown, path: YamlPath): unknown {
  if (typeof field === 'string') return checkLeaf(checker, field, value, path);
  if (field.form !== 'list') return checkFields(checker, field.fields, value, path);
  return checkList(checker, value, path, (item, here) => checkFields(checker, field.fields, item, here));
}

function checkList(
  checker: Checker,
  value: unknown,
  path: YamlPath,
  check: (item: unknown, path: YamlPath) => unknown,
): readonly unknown[] {
  if (Array.isArray(value)) return value.map((item: unknown, index) => check(item, [...path, index]));
  checker.wrong.push(wrongType(path, value, 'array'));
  return [];
}

/** The type of a leaf without its marks. */
const plainType = (field: string): string => field.replace(/^\*|!$/g, '');

function checkLeaf(checker: Checker, field: string, value: unknown, path: YamlPath): unknown {
  const type = plainType(field);
  if (type.startsWith('[]')) {
    return checkList(checker, value, path, (item, here) => checkLeaf(checker, type.slice(2), item, here));
  }
  if (type.startsWith('map:')) {
    if (!isMapping(value)) {
      checker.wrong.push(wrongType(path, value, 'object'));
      return {};
    }
    const entries = Object.entries(value);
    return Object.fromEntries(
      entries.map(([key, item]) => [key, checkLeaf(checker, type.slice('map:'.length), item, [...path, key])]),
    );
  }
  const read = scalars[type]?.read(value);
  if (read !== undefined) return read;
  checker.wrong.push(wrongType(path, value, scalars[type]?.expected ?? type));
  return value;
}

/** How a scalar is read; undefined is the wrong type. */
interface ScalarRule {
  readonly expected: string;
  readonly zero: unknown;
  read(value: unknown): unknown;
}

function readDuration(value: unknown): string | undefined {
  const seconds = typeof value === 'string' ? parseDuration(value) : undefined;
  return seconds === undefined ? undefined : formatDuration(seconds);
}

/** resource.Quantity, as Go writes it: YAML's `2` is a number. */
function readQuantity(value: unknown): string | undefined {
  const text = typeof value === 'number' ? JSON.stringify(value) : value;
  return typeof text === 'string' ? canonicalQuantity(text.trim()) : undefined;
}

const scalars: Readonly<Record<string, ScalarRule>> = {
  string: { expected: 'string', zero: '', read: (value) => (typeof value === 'string' ? value : undefined) },
  bool: { expected: 'boolean', zero: false, read: (value) => (typeof value === 'boolean' ? value : undefined) },
  int: { expected: 'int', zero: 0, read: (value) => (Number.isSafeInteger(value) ? value : undefined) },
  number: { expected: 'number', zero: 0, read: (value) => (typeof value === 'number' ? value : undefined) },
  duration: { expected: 'a duration like 10s or 24h0m0s', zero: '0s', read: readDuration },
  quantity: { expected: 'a quantity like 64Mi', zero: '0', read: readQuantity },
  // component-base TimeOrMetaDuration: a number of nanoseconds or a duration.
  nanoseconds: {
    expected: 'a duration like 5s, or nanoseconds',
    zero: 0,
    read: (value) => (Number.isSafeInteger(value) ? value : readDuration(value)),
  },
};

/** The document as Go serialises it: fields of this version, zero values where the type has no omitempty. */
export function serializeComponent(
  document: GoDocument,
  value: Mapping,
  version: KubeVersion,
): Record<string, unknown> {
  const written = writeFields(document, document.fields, value, version, '');
  return { apiVersion: document.apiVersion, kind: document.kind, ...written };
}

function writeFields(
  document: GoDocument,
  fields: GoFields,
  value: Mapping,
  version: KubeVersion,
  prefix: string,
): Record<string, unknown> {
  const written: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const path = `${prefix}${name}`;
    if (!hasField(document, path, version)) continue;
    const nested = (inner: GoNested, item: unknown): unknown =>
      writeFields(document, inner.fields, isMapping(item) ? item : {}, version, `${path}.`);
    const text = typeof field === 'string' ? writeLeaf(field, value[name]) : writeNested(field, value[name], nested);
    if (text !== undefined) written[name] = text;
  }
  return written;
}

function writeNested(field: GoNested, value: unknown, write: (field: GoNested, item: unknown) => unknown): unknown {
  if (field.form === 'struct') return write(field, value);
  if (value === undefined) return undefined;
  if (field.form === 'pointer') return write(field, value);
  const items = Array.isArray(value) ? value.map((item: unknown) => write(field, item)) : [];
  return items.length === 0 ? undefined : items;
}

function writeLeaf(field: string, value: unknown): unknown {
  const isAlwaysWritten = field.endsWith('!');
  const type = plainType(field);
  const isCollection = type.startsWith('[]') || type.startsWith('map:');
  if (value === undefined) {
    if (!isAlwaysWritten) return undefined;
    return field.startsWith('*') || isCollection ? null : scalars[type]?.zero;
  }
  if (isAlwaysWritten || field.startsWith('*')) return value;
  if (isCollection) return Object.keys(Object(value)).length === 0 ? undefined : value;
  return value === scalars[type]?.zero ? undefined : value;
}
