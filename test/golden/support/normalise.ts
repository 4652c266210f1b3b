// Where kubeadm's output and kbinit's may differ without meaning anything: one named rule each, with its reason.
import type { KubeObject } from '../../../src/manifests/object.ts';
import { readYaml } from '../../../src/util/yaml.ts';

/** A difference that does not count. */
export interface Rule {
  readonly name: string;
  readonly reason: string;
  apply(object: KubeObject): KubeObject;
}

export const rules: readonly Rule[] = [
  {
    name: 'empty status',
    reason: 'Go writes the zero status of every typed object; the server owns the status and ignores what is sent',
    apply: ({ status: _status, ...object }) => cast(object),
  },
  {
    name: 'null creation timestamp',
    reason: "up to 1.33 Go wrote a zero time as null; the server sets it (for files the tests compare bytes instead)",
    apply: (object) => cast(dropNullTimestamps(object)),
  },
  {
    name: 'resource version 0',
    reason: 'the manifest of Service kube-dns in kubeadm has it; on create it means nothing, on apply it must not be there',
    apply: (object) => {
      const { resourceVersion, ...metadata } = object.metadata;
      return resourceVersion === '0' ? { ...object, metadata } : object;
    },
  },
  {
    name: 'empty resources',
    reason: 'Go writes the zero resources of a container; the server defaults them to the same',
    apply: (object) => cast(dropEmptyResources(object)),
  },
  {
    name: 'namespace of a cluster-wide object',
    reason: 'kubeadm 1.28 put kubeadm:get-nodes into kube-system; the client of a cluster-wide kind ignores it',
    apply: (object) => {
      const { namespace, ...metadata } = object.metadata;
      return object.kind.startsWith('Cluster') && namespace !== undefined ? { ...object, metadata } : object;
    },
  },
  {
    name: 'random token',
    reason: 'the token that ends kubeadm-certs has a random id and secret',
    apply: (object) => (isHelperToken(object) ? withRandomToken(object) : object),
  },
  {
    name: 'owner by random name',
    reason: 'kubeadm-certs belongs to that token; its uid is empty in a dry run',
    apply: (object) => {
      const owners = object.metadata['ownerReferences'];
      if (!Array.isArray(owners)) return object;
      const named = owners.map((owner: object) => ({ ...owner, name: 'bootstrap-token-<random>' }));
      return { ...object, metadata: { ...object.metadata, ownerReferences: named } };
    },
  },
  {
    name: 'encrypted value',
    reason: 'AES-GCM with a random nonce: no two encryptions are equal; certs tests decrypt',
    apply: (object) =>
      object.metadata.name === 'kubeadm-certs' && object.kind === 'Secret'
        ? mapData(object, (value) => (value === '' ? '' : '<encrypted>'))
        : object,
  },
  {
    name: 'date',
    reason: 'an expiration counts from the moment of the run; unit tests check it against a fixed clock',
    apply: (object) => mapData(object, (value, key) => (key === 'expiration' ? checkedDate(value) : value)),
  },
  {
    name: 'CA of the run',
    reason: 'every run makes a CA of its own; the kubeconfig in cluster-info is compared as YAML',
    apply: (object) =>
      object.metadata.name === 'cluster-info' ? mapData(object, (value) => readKubeconfig(value)) : object,
  },
];

/** An object without the differences that do not count. */
function normalise(object: KubeObject): KubeObject {
  return rules.reduce((current, rule) => rule.apply(current), object);
}

/** Objects by what identifies them; two of one name are a defect. */
export function byIdentity(objects: readonly KubeObject[]): Readonly<Record<string, KubeObject>> {
  const map: Record<string, KubeObject> = {};
  for (const object of objects.map(normalise)) {
    const { apiVersion, kind, metadata } = object;
    const identity = `${apiVersion} ${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
    if (identity in map) throw new Error(`${identity} is there twice`);
    map[identity] = object;
  }
  return map;
}

// A rule drops optional keys only: what is left is still an object.
function cast(value: unknown): KubeObject {
  return value as KubeObject;
}

function dropNullTimestamps(value: unknown): unknown {
  return mapEntries(value, (key, item) => key === 'creationTimestamp' && item === null);
}

function dropEmptyResources(value: unknown): unknown {
  return mapEntries(
    value,
    (key, item) => key === 'resources' && typeof item === 'object' && item !== null && Object.keys(item).length === 0,
  );
}

function mapEntries(value: unknown, isDropped: (key: string, item: unknown) => boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => mapEntries(item, isDropped));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, item]) => !isDropped(key, item))
      .map(([key, item]) => [key, mapEntries(item, isDropped)]),
  );
}

function mapData(object: KubeObject, change: (value: string, key: string) => unknown): KubeObject {
  const data = object['data'];
  if (typeof data !== 'object' || data === null) return object;
  const changed = Object.entries(data).map(([key, value]) => [key, change(String(value), key)]);
  return { ...object, data: Object.fromEntries(changed) };
}

const helperDescription = Buffer.from('Proxy for managing TTL for the kubeadm-certs secret').toString('base64');

function isHelperToken(object: KubeObject): boolean {
  const data = object['data'];
  return typeof data === 'object' && data !== null && 'description' in data && data.description === helperDescription;
}

function withRandomToken(object: KubeObject): KubeObject {
  const named = { ...object, metadata: { ...object.metadata, name: 'bootstrap-token-<random>' } };
  return mapData(named, (value, key) => (['token-id', 'token-secret'].includes(key) ? `<${key}>` : value));
}

function checkedDate(value: string): string {
  const text = Buffer.from(value, 'base64').toString('utf8');
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) throw new Error(`${text} is no date as Go prints it`);
  return '<date>';
}

function readKubeconfig(text: string): unknown {
  const yaml = text.replace(/(certificate-authority-data: )\S+/, '$1<data>');
  // Up to 1.33 Go wrote the empty preferences of every kubeconfig.
  const { preferences: _preferences, ...kubeconfig } = readYaml(yaml) as Record<string, unknown>;
  return kubeconfig;
}
