// What is said about a place in a document: the words for wrong types and unknown fields, the same for every kind.
import type { YamlPath } from '../util/yaml.ts';

/** Something about a place in a document. Never repeats text of the document that may be a secret. */
export interface Finding {
  readonly path: YamlPath;
  readonly message: string;
  readonly fix: string;
}

/** Go's decoder leaves a field at its zero value when it reads null. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isMapping(value)) return value;
  const entries = Object.entries(value).filter(([, child]) => child !== null);
  return Object.fromEntries(entries.map(([key, child]) => [key, withoutNulls(child)]));
}

/** True for what YAML calls a mapping. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOfValue(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'boolean') return `the boolean ${value}`;
  if (typeof value === 'number') return `the number ${value}`;
  return 'a mapping';
}

const expectations: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

/** A value of the wrong type. */
export function wrongType(path: YamlPath, value: unknown, expected: string): Finding {
  const isScalar = typeof value === 'number' || typeof value === 'boolean';
  const words = expectations[expected] ?? expected;
  const fix = expected === 'string' && isScalar ? 'quote it' : `write ${words}`;
  return { path, message: `found ${kindOfValue(value)}, needs ${words}`, fix };
}

/** A field that is not known, with the one that was perhaps meant: Go's names are case-sensitive. */
export function unknownField(path: YamlPath, known: readonly string[]): Finding {
  const name = String(path.at(-1));
  const meant = known.find((key) => key.toLowerCase() === name.toLowerCase());
  if (meant === undefined) return { path, message: 'unknown field, ignored', fix: 'remove it' };
  return { path, message: `unknown field, ignored; the name is ${meant}`, fix: `write ${meant}` };
}
