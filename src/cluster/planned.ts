// The cluster as it will be when everything planned so far was done: one for all hosts of a run.
import type { EtcdMember, KubeObject, ObjectRef } from './types.ts';
import { objectPath, refOf } from './resources.ts';

/** Objects and etcd members that a dry run has planned, and those that it has planned to remove. */
export class PlannedCluster {
  readonly #objects = new Map<string, KubeObject>();
  readonly #removed = new Set<string>();
  readonly #members = new Map<string, EtcdMember>();
  readonly #membersGone = new Set<string>();

  put(object: KubeObject): void {
    const path = objectPath(refOf(object));
    this.#objects.set(path, object);
    this.#removed.delete(path);
  }

  remove(ref: ObjectRef): void {
    this.#objects.delete(objectPath(ref));
    this.#removed.add(objectPath(ref));
  }

  /** By the path of its URL; undefined where nothing is planned of it. */
  object(path: string): KubeObject | undefined {
    return this.#objects.get(path);
  }

  isRemoved(ref: ObjectRef): boolean {
    return this.#removed.has(objectPath(ref));
  }

  /** What a list will have: those of the server that stay, as they will be, and the planned ones of the kind. */
  merged(
    found: readonly KubeObject[],
    { apiVersion, kind, namespace }: Omit<ObjectRef, 'name'>,
    matches: (object: KubeObject) => boolean,
  ): readonly KubeObject[] {
    const isOfKind = (one: KubeObject): boolean =>
      one.apiVersion === apiVersion &&
      one.kind === kind &&
      (namespace === undefined || one.metadata.namespace === namespace);
    const planned = [...this.#objects.values()].filter((one) => isOfKind(one) && matches(one));
    const paths = new Set(planned.map((one) => objectPath(refOf(one))));
    const stays = found.filter((one) => {
      const path = objectPath(refOf(one));
      return !this.#removed.has(path) && !paths.has(path);
    });
    return [...stays, ...planned];
  }

  /** Of a member that only etcd could give its own: decimal text, as etcd's. */
  nextMemberId(): string {
    return String(this.#members.size);
  }

  putMember(member: EtcdMember): void {
    this.#members.set(member.id, member);
  }

  removeMember(id: string): void {
    this.#members.delete(id);
    this.#membersGone.add(id);
  }

  /** The members of etcd as they will be. */
  members(found: readonly EtcdMember[]): readonly EtcdMember[] {
    const stays = found.filter(({ id }) => !this.#membersGone.has(id) && !this.#members.has(id));
    return [...stays, ...this.#members.values()];
  }
}

/** Whether an object has the labels of `a=b,c=d`; a selector of another form matches nothing that is only planned. */
export function hasLabels(object: KubeObject, selector: string | undefined): boolean {
  if (selector === undefined || selector === '') return true;
  const { labels } = object.metadata;
  return selector.split(',').every((term) => {
    const [, key = '', value] = /^([\w./-]+)(?:==?([\w.-]*))?$/.exec(term) ?? [];
    const found = labels?.[key];
    return found !== undefined && (value === undefined || found === value);
  });
}
