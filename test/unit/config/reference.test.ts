import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { madeFiles } from '../../../scripts/schemas.ts';
import { isMapping } from '../../../src/config/finding.ts';
import { initDefaults, joinDefaults, resetDefaults, upgradeDefaults } from '../../../src/config/print.ts';
import { jsonSchema, schemaKinds, schemaOfAll } from '../../../src/config/schema.ts';
import { newestVersion } from '../../../src/kube/releases.ts';
import { readYamlAll } from '../../../src/util/yaml.ts';

const made = await madeFiles();

/** What a document has that its schema does not allow: fields that are unknown, values of another type. */
function strays(value: unknown, schema: unknown, path: string): readonly string[] {
  if (!isMapping(schema)) return [`${path} has no schema`];
  if (Array.isArray(schema['anyOf'])) {
    return schema['anyOf'].some((one) => strays(value, one, path).length === 0) ? [] : [`${path} fits nothing`];
  }
  const types: readonly unknown[] = Array.isArray(schema['type']) ? schema['type'] : [schema['type']];
  if (
    schema['type'] !== undefined &&
    !types.includes(typeOf(value)) &&
    !(typeOf(value) === 'integer' && types.includes('number'))
  ) {
    return [`${path} is ${typeOf(value)}, not ${types.join('|')}`];
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => strays(item, schema['items'], `${path}[${index}]`));
  if (!isMapping(value)) return [];
  const properties = isMapping(schema['properties']) ? schema['properties'] : {};
  const others = schema['additionalProperties'];
  return Object.entries(value).flatMap(([name, child]) => strays(child, properties[name] ?? others, `${path}.${name}`));
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function check(document: unknown): readonly string[] {
  if (!isMapping(document)) return ['no document'];
  const kind = schemaKinds().find((one) => one.kind === document['kind'] && one.apiVersion === document['apiVersion']);
  return kind === undefined ? ['no kind'] : strays(document, jsonSchema(kind), kind.kind);
}

test.each([...made.keys()])('%s is what `npm run docs` makes', (path) => {
  expect(existsSync(path) ? readFileSync(path, 'utf8') : '').toBe(made.get(path));
});

test('there is no schema of a kind that is gone', () => {
  expect(readdirSync('schemas').filter((name) => !made.has(`schemas/${name}`))).toEqual([]);
});

describe('the schemas', () => {
  test('have a sentence for every field of kubeadm’s kinds', () => {
    const bare: string[] = [];
    const visit = (schema: unknown, path: string): void => {
      if (!isMapping(schema)) return;
      if (isMapping(schema['items'])) visit(schema['items'], path);
      for (const [name, field] of Object.entries(isMapping(schema['properties']) ? schema['properties'] : {})) {
        const isTop = name === 'apiVersion' || name === 'kind';
        if (!isTop && isMapping(field) && field['description'] === undefined) bare.push(`${path}.${name}`);
        visit(field, `${path}.${name}`);
      }
    };
    for (const kind of schemaKinds().filter(({ apiVersion }) => apiVersion.startsWith('kubeadm'))) {
      visit(jsonSchema(kind), `${kind.apiVersion} ${kind.kind}`);
    }
    expect(bare).toEqual([]);
  });

  test.each(['1.30', '1.36'])('allow what is printed as defaults of %s', (name) => {
    const version = name === '1.30' ? { major: 1, minor: 30, patch: 0 } : newestVersion();
    const printed = [
      ...initDefaults(version, ['KubeletConfiguration', 'KubeProxyConfiguration']),
      ...joinDefaults(version, 'node'),
      ...resetDefaults(),
      ...upgradeDefaults(),
    ];
    const isComponent = (document: Record<string, unknown>): boolean =>
      String(document['apiVersion']).includes('config.k8s');
    expect(printed.filter((document) => !isComponent(document)).flatMap(check)).toEqual([]);
  });

  const goldens = ['v1.33.13/tuned-v1beta3', 'v1.36.3/tuned-v1beta4', 'v1.36.3/ha-mirror', 'v1.36.3/external-etcd'];
  test.each(goldens)('allow the golden configuration %s', (name) => {
    const text = readFileSync(`test/golden/${name}/config.yaml`, 'utf8');
    expect(
      readYamlAll(text)
        .filter((one) => one !== null)
        .flatMap(check),
    ).toEqual([]);
  });

  test('refuse an unknown field', () => {
    const document = {
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      kind: 'ClusterConfiguration',
      networking: { podCIDR: 'x' },
    };
    expect(check(document)).toEqual(['ClusterConfiguration.networking.podCIDR has no schema']);
  });

  test('are one schema for files of any kind', () => {
    const { oneOf } = schemaOfAll();
    expect(Array.isArray(oneOf) ? oneOf.length : 0).toBe(10);
  });
});
