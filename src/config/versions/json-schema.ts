// JSON schemas of kubeadm's kinds, made of the zod schemas that read them: an editor accepts what kbinit accepts.
import * as z from 'zod';
import { kubeadmVersions } from './index.ts';

/** A JSON schema, or a part of one. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** A kind and the schema of what it may hold. */
export interface KindSchema {
  readonly apiVersion: string;
  readonly kind: string;
  readonly schema: JsonSchema;
}

/** Every kind of every kubeadm API version that is read, oldest first. */
export function kubeadmSchemas(): readonly KindSchema[] {
  return kubeadmVersions.flatMap(({ apiVersion, init, cluster, join, reset, upgrade }) =>
    [init, cluster, join, reset, upgrade]
      .filter((kind) => kind !== undefined)
      .map(({ kind, schema }) => ({ apiVersion, kind, schema: toJson(schema) })),
  );
}

/** What is written, not what it becomes: a duration is text here. */
function toJson(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', target: 'draft-7', unrepresentable: 'any' });
}
