// The API of a dry run: reads go through where there is a server, writes become lines of the plan.
import { KbError } from '../errors.ts';
import { bodyOf } from '../plan/body.ts';
import type { Op } from '../plan/op.ts';
import { planned } from '../plan/planned.ts';
import type { Reporter } from '../report/events.ts';
import { writeYaml } from '../util/yaml.ts';
import { isJsonObject, type JsonObject } from '../util/json.ts';
import { applyMergePatch } from '../util/merge-patch.ts';
import { isContained } from './compare.ts';
import { hasLabels, PlannedCluster } from './planned.ts';
import { objectName, objectPath, refOf } from './resources.ts';
import type { Api, ApiCredentials, ApplyOutcome, KubeObject, ObjectRef } from './types.ts';

export interface RecordingOptions {
  readonly host: string;
  readonly reporter: Reporter;
  /** A real client; it may be that no server answers. */
  readonly inner?: Api;
  readonly credentials: ApiCredentials;
  /** What is planned of the cluster so far; one of this client's own where it is missing. */
  readonly planned?: PlannedCluster;
}

function asObject(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

type ObjectVerb = Extract<Op, { op: 'object' }>['verb'];

/** Secrets are planned by name only. */
function content(object: KubeObject): string | undefined {
  return object.kind === 'Secret' ? undefined : writeYaml(object);
}

/** An API that changes nothing. What was "written" can be read back, what was "removed" cannot. */
export function recordingApi(options: RecordingOptions): Api {
  const { planned: world = new PlannedCluster() } = options;
  let { inner } = options;
  /** Ask the server; one that does not answer holds nothing, and is not asked again. */
  const ask = async <T>(question: (api: Api) => Promise<T>): Promise<T | undefined> => {
    if (inner === undefined) return undefined;
    try {
      return await question(inner);
    } catch (error) {
      if (!(error instanceof KbError) || !error.has('KB_API_UNREACHABLE')) throw error;
      inner = undefined;
      return undefined;
    }
  };
  const read = async (ref: ObjectRef): Promise<KubeObject | undefined> =>
    world.object(objectPath(ref)) ?? (world.isRemoved(ref) ? undefined : await ask((api) => api.get(ref)));
  const emit = (op: Op, shown?: string): void => options.reporter.emit(planned(options.host, op, shown));
  const plan = (verb: ObjectVerb, ref: ObjectRef, object?: KubeObject): void => {
    const { apiVersion, kind, namespace, name } = ref;
    const named = { apiVersion, kind, ...(namespace === undefined ? {} : { namespace }), name };
    const shown = object && content(object);
    const is = object && bodyOf(writeYaml(object), object.kind === 'Secret');
    emit({ op: 'object', verb, object: named, ...(is === undefined ? {} : { is }) }, shown);
  };
  return {
    server: options.credentials.server,
    get: read,
    async list(kind, selector) {
      const found = (await ask((api) => api.list(kind, selector))) ?? [];
      // What fields a planned object will have is the server's to say.
      const matches = (one: KubeObject): boolean => selector?.fields === undefined && hasLabels(one, selector?.labels);
      return world.merged(found, kind, matches);
    },
    async raw(path, timeoutSeconds) {
      const object = world.object(path);
      if (object !== undefined) return { status: 200, body: JSON.stringify(object) };
      // The caller wants this very answer, or to know that there is none.
      return (await options.inner?.raw(path, timeoutSeconds)) ?? { status: 200, body: 'ok' };
    },
    async apply(object) {
      const existing = await read(refOf(object));
      const outcome: ApplyOutcome =
        existing === undefined ? 'created' : isContained(object, existing) ? 'unchanged' : 'updated';
      world.put(object);
      const { reporter, host } = options;
      if (outcome === 'unchanged') {
        reporter.emit({ kind: 'plan', host, action: 'keep', text: `keep ${objectName(refOf(object))}` });
      } else plan(outcome === 'created' ? 'create' : 'update', refOf(object), object);
      return { outcome, object };
    },
    async create(object) {
      plan('create', refOf(object), object);
      world.put(object);
      return object;
    },
    async replace(object) {
      plan('update', refOf(object), object);
      world.put(object);
      return object;
    },
    async patch(ref, patch) {
      plan('patch', ref, { ...ref, metadata: { name: ref.name }, ...patch });
      const { apiVersion, kind, namespace, name } = ref;
      const bare = { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } };
      const before = (await read(ref)) ?? bare;
      // Lists with a merge key are replaced as a whole: enough for what is read back.
      const patched = { ...before, ...asObject(applyMergePatch(before, patch)) };
      world.put(patched);
      return patched;
    },
    async remove(ref) {
      if ((await read(ref)) === undefined) return false;
      plan('remove', ref);
      world.remove(ref);
      return true;
    },
    async evict({ namespace, name }) {
      const ref = { apiVersion: 'v1', kind: 'Pod', namespace, name };
      plan('evict', ref);
      world.remove(ref);
      return { kind: 'accepted' };
    },
    close: () => options.inner?.close(),
  };
}
