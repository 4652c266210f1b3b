// What is made from the configuration's schemas: schemas/*.json for editors, and docs/config-reference.md for people.
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { isMapping } from '../src/config/finding.ts';
import { initDefaults, joinDefaults, resetDefaults, upgradeDefaults } from '../src/config/print.ts';
import { jsonSchema, schemaKinds, schemaOfAll } from '../src/config/schema.ts';
import { kubeProxyConfiguration } from '../src/kube/kube-proxy-fields.ts';
import { kubeletConfiguration } from '../src/kube/kubelet-fields.ts';
import { newestVersion } from '../src/kube/releases.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Every file that is made, by its path in the project. */
export async function madeFiles(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  const schemas: [string, unknown][] = [
    ['schemas/kubeadm-config.json', schemaOfAll()],
    ...schemaKinds().map((kind): [string, unknown] => [
      `schemas/${kind.kind}.${kind.apiVersion.split('/')[1] ?? ''}.json`,
      jsonSchema(kind),
    ]),
  ];
  for (const [path, schema] of schemas) files.set(path, `${JSON.stringify(schema, undefined, 2)}\n`);
  const page = 'docs/config-reference.md';
  const config = await resolveConfig(join(root, page));
  files.set(page, await format(referencePage(), { ...config, parser: 'markdown' }));
  return files;
}

const intro = `<!-- Made by \`npm run docs\` from src/config and src/kube: change the schemas, not this page. -->

# Configuration reference

Every kind and field that \`kbinit\` reads. What it does with them is in [config.md](config.md); \`kbinit config schema\`
prints the same as JSON schemas for editors, and \`kbinit config print init-defaults\` the defaults as a file.
Durations are Go's (\`24h0m0s\`, \`90s\`). A default in *italics* comes from the host or from chance.
`;

function referencePage(): string {
  const sections = schemaKinds().map((kind) => {
    const rows = fieldsOf(jsonSchema(kind), '', [], defaultsOf(kind.apiVersion, kind.kind), historyOf(kind.kind));
    const isComponent = kind.apiVersion.includes('config.k8s.io');
    const head = isComponent
      ? ['| field | type | default | in Kubernetes |', '| --- | --- | --- | --- |']
      : ['| field | type | default | meaning |', '| --- | --- | --- | --- |'];
    const version = kind.apiVersion.split('/')[1] ?? '';
    return [`## ${kind.kind} ${version}`, '', `\`apiVersion: ${kind.apiVersion}\``, '', ...head, ...rows].join('\n');
  });
  return [intro, ...sections].join('\n\n');
}

/** What the printed defaults hold, by field path; placeholders are not defaults. */
function defaultsOf(apiVersion: string, kind: string): ReadonlyMap<string, string> {
  const version = apiVersion.endsWith('v1beta3') ? { major: 1, minor: 30, patch: 0 } : newestVersion();
  const printed = [
    ...initDefaults(version, ['KubeletConfiguration', 'KubeProxyConfiguration']),
    ...joinDefaults(version, ''),
    ...resetDefaults(),
    ...upgradeDefaults(),
  ].find((document) => document['kind'] === kind);
  const found = new Map<string, string>();
  const visit = (value: unknown, path: string): void => {
    if (isMapping(value)) {
      for (const [name, child] of Object.entries(value)) visit(child, path === '' ? name : `${path}.${name}`);
    } else if (Array.isArray(value) && value.every(isMapping)) for (const item of value) visit(item, `${path}[]`);
    else if (value !== null && value !== '' && value !== 0) {
      found.set(path, `\`${JSON.stringify(value).replaceAll('"', '')}\``);
    }
  };
  visit(printed, '');
  for (const [path, where] of Object.entries(fromHost)) if (found.has(path)) found.set(path, `*${where}*`);
  const isPlaceholder = (path: string): boolean => kind === 'JoinConfiguration' && path.startsWith('discovery.');
  for (const path of [...found.keys()].filter(isPlaceholder)) found.delete(path);
  return found;
}

const fromHost: Readonly<Record<string, string>> = {
  'bootstrapTokens[].token': 'random',
  'nodeRegistration.name': "the host's name",
  'nodeRegistration.criSocket': 'the runtime of the host',
  'localAPIEndpoint.advertiseAddress': 'address of the default route',
  criSocket: 'the runtime of the host',
  kubernetesVersion: 'the newest that is known',
};

/** In which minors a field of a component config exists. */
function historyOf(kind: string): ((path: string) => string) | undefined {
  const document = [kubeletConfiguration, kubeProxyConfiguration].find((one) => one.kind === kind);
  if (document === undefined) return undefined;
  return (path) => {
    const { since, until } = document.history[path.replaceAll('[]', '')] ?? {};
    if (since !== undefined) return `from 1.${since}`;
    return until === undefined ? 'all' : `until 1.${until}`;
  };
}

function fieldsOf(
  schema: Readonly<Record<string, unknown>>,
  prefix: string,
  rows: string[],
  defaults: ReadonlyMap<string, string>,
  history: ((path: string) => string) | undefined,
): readonly string[] {
  const properties = isMapping(schema['properties']) ? schema['properties'] : {};
  for (const [name, field] of Object.entries(properties)) {
    if (!isMapping(field) || (prefix === '' && (name === 'apiVersion' || name === 'kind'))) continue;
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const last = history === undefined ? field['description'] : history(path);
    rows.push(
      `| \`${path}\` | ${typeOf(field)} | ${defaults.get(path) ?? ''} | ${typeof last === 'string' ? last : ''} |`,
    );
    const items = isMapping(field['items']) ? field['items'] : undefined;
    fieldsOf(items ?? field, items === undefined ? path : `${path}[]`, rows, defaults, history);
  }
  return rows;
}

function typeOf(field: Readonly<Record<string, unknown>>): string {
  if (Array.isArray(field['enum'])) {
    return Array.from<unknown>(field['enum'])
      .filter((choice) => choice !== '')
      .map((choice) => `\`${String(choice)}\``)
      .join(', ');
  }
  const types = Array.isArray(field['type']) ? Array.from<unknown>(field['type']) : [field['type']];
  if (types.includes('array')) {
    const items = isMapping(field['items']) ? typeOf(field['items']) : '';
    return items === 'object' ? 'list' : `list of ${items}`;
  }
  if (isMapping(field['additionalProperties'])) return `mapping to ${typeOf(field['additionalProperties'])}`;
  if (Array.isArray(field['anyOf'])) {
    return Array.from<unknown>(field['anyOf']).filter(isMapping).map(typeOf).join(' or ');
  }
  return types.map(String).join(' or ');
}

/** Write what has changed; remove schemas of kinds that are gone. */
async function main(): Promise<void> {
  const files = await madeFiles();
  await mkdir(join(root, 'schemas'), { recursive: true });
  for (const [path, text] of files) {
    const file = join(root, path);
    await mkdir(dirname(file), { recursive: true });
    if ((await readFile(file, 'utf8').catch(() => '')) === text) continue;
    await writeFile(file, text);
    console.log(`${path} written`);
  }
  for (const name of await readdir(join(root, 'schemas'))) {
    if (!files.has(`schemas/${name}`)) await rm(join(root, 'schemas', name));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
