// How one kind of document is read: null is absence, unknown fields are reported and left out, everything wrong is listed at once.
import * as z from 'zod';
import type { YamlPath } from '../../util/yaml.ts';
import { unknownField, withoutNulls, wrongType, type Finding } from '../finding.ts';

interface Reading<T> {
  /** undefined when something is wrong. */
  readonly value: T | undefined;
  readonly wrong: readonly Finding[];
  /** Fields that the kind does not have; they are not in the value. */
  readonly unknown: readonly Finding[];
}

/** One kind of one API version. */
export interface DocumentKind<T> {
  readonly kind: string;
  readonly schema: z.ZodType;
  read(document: unknown): Reading<T>;
}

function pathOf(path: readonly PropertyKey[]): YamlPath {
  return path.map((part) => (typeof part === 'number' ? part : String(part)));
}

function valueAt(value: unknown, path: YamlPath): unknown {
  return path.reduce<unknown>((current, part) => {
    if (typeof current !== 'object' || current === null) return undefined;
    return Object.entries(current).find(([key]) => key === String(part))?.[1];
  }, value);
}

/** The names of the fields that the schema has at a path. */
function fieldsAt(schema: z.core.$ZodType, path: YamlPath): readonly string[] {
  let current: z.core.$ZodType = schema;
  for (const part of [...path, undefined]) {
    while (current instanceof z.ZodOptional || current instanceof z.ZodExactOptional || current instanceof z.ZodPipe) {
      current = current instanceof z.ZodPipe ? current.in : current.unwrap();
    }
    if (part === undefined) break;
    const next: unknown = current instanceof z.ZodArray ? current.element : memberOf(current, part);
    if (!(next instanceof z.core.$ZodType)) return [];
    current = next;
  }
  return current instanceof z.ZodObject ? Object.keys(current.shape) : [];
}

function memberOf(schema: z.core.$ZodType, part: string | number): unknown {
  return schema instanceof z.ZodObject ? valueAt(schema.shape, [part]) : undefined;
}

function findingOf(issue: z.core.$ZodIssue, document: unknown): Finding {
  const path = pathOf(issue.path);
  if (issue.code === 'invalid_type') return wrongType(path, valueAt(document, path), issue.expected);
  if (issue.code === 'invalid_value') {
    const choices = issue.values.filter((choice) => choice !== '').join(', ');
    return { path, message: `is not one of ${choices}`, fix: `use one of ${choices}` };
  }
  const fix: unknown = issue.code === 'custom' ? issue.params?.['fix'] : undefined;
  return { path, message: issue.message, fix: typeof fix === 'string' ? fix : 'correct it' };
}

function without(document: unknown, unknown: readonly Finding[]): unknown {
  const copy: unknown = structuredClone(document);
  for (const { path } of unknown) {
    const parent = valueAt(copy, path.slice(0, -1));
    if (typeof parent === 'object' && parent !== null) Reflect.deleteProperty(parent, String(path.at(-1)));
  }
  return copy;
}

/** A kind read by a strict schema whose output `convert` turns into hub types. */
export function documentKind<S extends z.ZodType, T>(
  kind: string,
  schema: S,
  convert: (document: z.output<S>) => T,
): DocumentKind<T> {
  return {
    kind,
    schema,
    read(raw) {
      const document = withoutNulls(raw);
      const first = schema.safeParse(document);
      if (first.success) return { value: convert(first.data), wrong: [], unknown: [] };
      const unknown = first.error.issues.flatMap((issue) =>
        issue.code === 'unrecognized_keys'
          ? issue.keys.map((key) => unknownField([...pathOf(issue.path), key], fieldsAt(schema, pathOf(issue.path))))
          : [],
      );
      const second = schema.safeParse(without(document, unknown));
      if (second.success) return { value: convert(second.data), wrong: [], unknown };
      return { value: undefined, wrong: second.error.issues.map((issue) => findingOf(issue, document)), unknown };
    },
  };
}
