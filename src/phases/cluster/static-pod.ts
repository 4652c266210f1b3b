// What the manifest of a static Pod on a host says: its name, labels, flags and the folders it mounts.
import { isJsonArray, isJsonObject } from '../../util/json.ts';
import { readYaml } from '../../util/yaml.ts';

export interface StaticPodManifest {
  readonly name: string;
  readonly labels: Readonly<Record<string, unknown>>;
  /** Of the first container, without dashes; the last of equals, as the components take it. */
  readonly flags: ReadonlyMap<string, string>;
  /** Paths on the host by the names of their volumes. */
  readonly hostPaths: ReadonlyMap<string, string>;
}

/** Read a manifest; undefined for a text that is no Pod. */
export function parseStaticPod(text: string | undefined): StaticPodManifest | undefined {
  const document = text === undefined ? undefined : readPod(text);
  if (document === undefined || document['kind'] !== 'Pod') return undefined;
  const [metadata, spec] = [objectOf(document['metadata']), objectOf(document['spec'])];
  const container = objectOf(listOf(spec['containers'])[0]);
  const words = [...listOf(container['command']), ...listOf(container['args'])].map(textOf);
  const volumes = listOf(spec['volumes']).map(objectOf);
  return {
    name: textOf(metadata['name']),
    labels: objectOf(metadata['labels']),
    flags: new Map(words.flatMap((word) => flagOf(word))),
    hostPaths: new Map(volumes.map((volume) => [textOf(volume['name']), textOf(objectOf(volume['hostPath'])['path'])])),
  };
}

function flagOf(word: string): readonly (readonly [string, string])[] {
  const [, name, value] = /^--?([a-z0-9-]+)=(.*)$/s.exec(word) ?? [];
  return name === undefined || value === undefined ? [] : [[name, value]];
}

function readPod(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return objectOf(readYaml(text));
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return isJsonObject(value) ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return isJsonArray(value) ? value : [];
}
