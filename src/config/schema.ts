// JSON schemas of every kind a configuration file may hold, with a sentence for each field.
import { kubeProxyConfiguration } from '../kube/kube-proxy-fields.ts';
import { kubeletConfiguration } from '../kube/kubelet-fields.ts';
import type { GoDocument, GoFields, GoLeaf, GoNested } from '../kube/go-fields.ts';
import { describeField } from './descriptions.ts';
import { isMapping } from './finding.ts';
import { kubeadmSchemas, type JsonSchema, type KindSchema } from './versions/json-schema.ts';

const components: readonly GoDocument[] = [kubeletConfiguration, kubeProxyConfiguration];

/** Every kind, oldest version first. */
export function schemaKinds(): readonly KindSchema[] {
  return [
    ...kubeadmSchemas(),
    ...components.map(({ apiVersion, kind, fields }) => ({ apiVersion, kind, schema: objectOf(fields) })),
  ];
}

/** `https://json-schema.org` knows it by this name. */
const dialect = 'http://json-schema.org/draft-07/schema#';

/** The schema of one kind, as a document of its own. */
export function jsonSchema(kind: KindSchema): Record<string, unknown> {
  return { $schema: dialect, title: `${kind.kind} (${kind.apiVersion})`, ...bodyOf(kind) };
}

/** One schema for files with any of the kinds in them. */
export function schemaOfAll(): Record<string, unknown> {
  return { $schema: dialect, title: 'kubeadm configuration', oneOf: schemaKinds().map(bodyOf) };
}

function bodyOf({ apiVersion, kind, schema }: KindSchema): JsonSchema {
  const { $schema: _dialect, ...body } = schema;
  const properties = isMapping(body['properties']) ? body['properties'] : {};
  const required = Array.isArray(body['required']) ? Array.from<unknown>(body['required']) : [];
  const described = describe({ ...body, properties: { ...properties, apiVersion: {}, kind: {} } }, [kind]);
  const fields = isMapping(described['properties']) ? described['properties'] : {};
  return {
    ...described,
    properties: { ...fields, apiVersion: { const: apiVersion }, kind: { const: kind } },
    required: [...new Set(['apiVersion', 'kind', ...required])],
  };
}

/** Put the sentences to the fields; the path begins with the kind. */
function describe(schema: JsonSchema, path: readonly string[]): JsonSchema {
  const sentence = describeField(path);
  const properties = isMapping(schema['properties']) ? schema['properties'] : undefined;
  const items = isMapping(schema['items']) ? schema['items'] : undefined;
  const described: JsonSchema = {
    ...schema,
    ...(sentence !== undefined && path.length > 1 && { description: sentence }),
    ...(items !== undefined && { items: { ...describe(items, path), description: items['description'] } }),
    ...(properties !== undefined && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, child]) => [
          name,
          isMapping(child) ? describe(child, [...path, name]) : child,
        ]),
      ),
    }),
  };
  // kubeadm itself prints null there: the default of the node's role.
  return path.at(-1) === 'taints' && schema['type'] === 'array' ? { ...described, type: ['array', 'null'] } : described;
}

function objectOf(fields: GoFields): JsonSchema {
  const properties = Object.entries(fields).map(([name, field]) => [name, schemaOf(field)] as const);
  return { type: 'object', properties: Object.fromEntries(properties), additionalProperties: false };
}

function schemaOf(field: GoLeaf | GoNested): JsonSchema {
  if (typeof field === 'string') return leafSchema(field.replace(/^\*|!$/g, ''));
  const object = objectOf(field.fields);
  return field.form === 'list' ? { type: 'array', items: object } : object;
}

const scalars: Readonly<Record<string, JsonSchema>> = {
  string: { type: 'string' },
  bool: { type: 'boolean' },
  int: { type: 'integer' },
  number: { type: 'number' },
  duration: { type: 'string' },
  quantity: { type: ['string', 'number'] },
  nanoseconds: { type: ['string', 'integer'] },
};

function leafSchema(type: string): JsonSchema {
  if (type.startsWith('[]')) return { type: 'array', items: leafSchema(type.slice(2)) };
  if (type.startsWith('map:')) return { type: 'object', additionalProperties: leafSchema(type.slice('map:'.length)) };
  return scalars[type] ?? {};
}
