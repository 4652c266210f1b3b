// How a Go struct of a component config is written as YAML: the type of each field, and in which minors it exists.
import type { KubeVersion } from './version.ts';

type Scalar = 'string' | 'bool' | 'int' | 'number' | 'duration' | 'quantity' | 'nanoseconds';

/**
 * Go's notation. `*`: a pointer, kept when given even if zero. `!`: no omitempty, so its zero value is written
 * (null for a pointer or list). Without both: left out when zero.
 */
export type GoLeaf =
  | `${'' | '*'}${Scalar}${'' | '!'}`
  | `[]${'string' | 'int'}${'' | '!'}`
  | `map:${'string' | 'bool' | 'quantity' | '[]string'}${'' | '!'}`;

export interface GoNested {
  /** A struct value is always written, a pointer only when given, a list only when it has items. */
  readonly form: 'struct' | 'pointer' | 'list';
  readonly fields: GoFields;
}

export interface GoFields {
  readonly [name: string]: GoLeaf | GoNested;
}

/** Minors of Kubernetes 1 in which a field exists, by its path; a field that is not here exists in all. */
type FieldHistory = Readonly<Record<string, { readonly since?: number; readonly until?: number }>>;

export interface GoDocument {
  readonly apiVersion: string;
  readonly kind: string;
  readonly fields: GoFields;
  readonly history: FieldHistory;
}

export const struct = (fields: GoFields): GoNested => ({ form: 'struct', fields });
export const pointerTo = (fields: GoFields): GoNested => ({ form: 'pointer', fields });
export const listOf = (fields: GoFields): GoNested => ({ form: 'list', fields });

/** Whether the document of this version has the field; the path has no list indexes. */
export function hasField(document: GoDocument, path: string, version: KubeVersion): boolean {
  const { since = 0, until = Infinity } = document.history[path] ?? {};
  return version.major > 1 ? until === Infinity : version.minor >= since && version.minor <= until;
}

/** component-base LoggingConfiguration, part of both documents. */
export const logging: GoNested = struct({
  format: 'string',
  flushFrequency: 'nanoseconds!',
  verbosity: 'int!',
  vmodule: listOf({ filePattern: 'string!', verbosity: 'int!' }),
  options: struct({
    text: struct({ splitStream: 'bool', infoBufferSize: 'quantity!' }),
    json: struct({ splitStream: 'bool', infoBufferSize: 'quantity!' }),
  }),
});
