// FakeApi: an API server that keeps the objects it is given and those that are written; Pods go when they are evicted.
import { isContained } from '../../src/cluster/compare.ts';
import { refOf } from '../../src/cluster/resources.ts';
import { applyMergePatch } from '../../src/util/merge-patch.ts';
import type { Api, ApiOpener, Eviction, KubeObject, ObjectRef, RemoveOptions } from '../../src/cluster/types.ts';

export interface FakeApiOptions {
  /** `/readyz` answers 200. */
  readonly isReady?: boolean;
  /** What an eviction says; accepted unless told otherwise. */
  readonly evict?: (name: string, count: number) => Eviction;
}

export class FakeApi implements ApiOpener {
  objects: KubeObject[];
  /** `GET …` is not kept; everything that changes something is, in words. */
  readonly changes: string[] = [];
  readonly servers: string[] = [];
  isReady: boolean;
  readonly #evict: FakeApiOptions['evict'];
  #version = 0;

  constructor(objects: readonly KubeObject[] = [], options: FakeApiOptions = {}) {
    this.objects = [...objects];
    this.isReady = options.isReady ?? true;
    this.#evict = options.evict;
  }

  open({ server }: { readonly server: string }): Api {
    this.servers.push(server);
    return {
      server,
      get: async (ref) => this.#find(ref),
      list: async (kind, selector = {}) =>
        this.objects.filter(
          (object) =>
            object.kind === kind.kind &&
            (kind.namespace === undefined || object.metadata.namespace === kind.namespace) &&
            matches(object, selector),
        ),
      raw: async () => (this.isReady ? { status: 200, body: 'ok' } : { status: 500, body: '[-]etcd failed' }),
      apply: async (object) => {
        const found = this.#find(refOf(object));
        if (found !== undefined && isContained(object, found)) return { outcome: 'unchanged', object: found };
        const outcome = found === undefined ? 'created' : 'updated';
        this.changes.push(`${outcome === 'created' ? 'create' : 'update'} ${nameOf(refOf(object))}`);
        return { outcome, object: this.#put(object) };
      },
      create: async (object) => {
        if (this.#find(refOf(object)) !== undefined) return undefined;
        this.changes.push(`create ${nameOf(refOf(object))}`);
        return this.#put(object);
      },
      replace: async (object) => {
        const found = this.#find(refOf(object));
        if (found === undefined || found.metadata.resourceVersion !== object.metadata.resourceVersion) return undefined;
        this.changes.push(`replace ${nameOf(refOf(object))}`);
        return this.#put(object);
      },
      patch: async (ref, patch) => {
        this.changes.push(`patch ${nameOf(ref)} ${JSON.stringify(patch)}`);
        const found = this.#find(ref);
        if (found === undefined) throw new Error(`FakeApi: ${nameOf(ref)} is not there`);
        return this.#put({ ...found, ...asRecord(applyMergePatch(found, patch)) });
      },
      remove: async (ref, options: RemoveOptions = {}) => {
        const found = this.#find(ref);
        const how = options.graceSeconds === 0 ? ' at once' : '';
        this.changes.push(`remove ${nameOf(ref)}${how}`);
        this.objects = this.objects.filter((object) => object !== found);
        return found !== undefined;
      },
      evict: async ({ namespace, name }) => {
        const answer = this.#evict?.(name, this.changes.filter((one) => one.endsWith(`/${name}`)).length) ?? accepted;
        this.changes.push(`evict ${namespace}/${name}`);
        if (answer.kind === 'accepted') {
          this.objects = this.objects.filter(({ kind, metadata }) => kind !== 'Pod' || metadata.name !== name);
        }
        return answer;
      },
      close: () => undefined,
    };
  }

  /** Every write gives an object another version. */
  #put(object: KubeObject): KubeObject {
    this.#version++;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
    const before = this.#find(refOf(object));
    this.objects = [...this.objects.filter((one) => one !== before), stored];
    return stored;
  }

  #find(ref: ObjectRef): KubeObject | undefined {
    return this.objects.find(
      ({ kind, metadata }) =>
        kind === ref.kind && metadata.name === ref.name && (metadata.namespace ?? '') === (ref.namespace ?? ''),
    );
  }
}

const accepted: Eviction = { kind: 'accepted' };

function matches(
  object: KubeObject,
  { labels, fields }: { readonly labels?: string; readonly fields?: string },
): boolean {
  const node = /^spec\.nodeName=(.+)$/.exec(fields ?? '')?.[1];
  if (node !== undefined && asRecord(object['spec'])['nodeName'] !== node) return false;
  return (labels ?? '').split(',').every((label) => {
    const [key = '', value] = label.split('=');
    return (
      key === '' ||
      (value === undefined ? object.metadata.labels?.[key] !== undefined : object.metadata.labels?.[key] === value)
    );
  });
}

function nameOf({ kind, namespace, name }: ObjectRef): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
