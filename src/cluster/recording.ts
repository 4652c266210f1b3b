// The API of a dry run: reads go through where there is a server, writes become lines of the plan.
import { KbError } from '../errors.ts';
import type { PlannedChange, Reporter } from '../report/events.ts';
import { writeYaml } from '../util/yaml.ts';
import { isContained } from './compare.ts';
import { refOf } from './client.ts';
import { objectName, objectPath } from './resources.ts';
import type { Api, ApiCredentials, ApplyOutcome, KubeObject, ObjectRef } from './types.ts';

export interface RecordingOptions {
  readonly host: string;
  readonly reporter: Reporter;
  /** A real client; it may be that no server answers. */
  readonly inner?: Api;
  readonly credentials: ApiCredentials;
}

/** Secrets are planned by name only. */
function content(object: KubeObject): string | undefined {
  return object.kind === 'Secret' ? undefined : writeYaml(object);
}

/** An API that changes nothing. What was "written" can be read back, what was "removed" cannot. */
export function recordingApi(options: RecordingOptions): Api & { readonly written: readonly KubeObject[] } {
  const written = new Map<string, KubeObject>();
  /** Paths of what was "removed": later phases do not find it. */
  const removed = new Set<string>();
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
    written.get(objectPath(ref)) ?? (removed.has(objectPath(ref)) ? undefined : await ask((api) => api.get(ref)));
  const plan = (action: PlannedChange['action'], text: string, object?: KubeObject): void => {
    const shown = object && content(object);
    options.reporter.emit({
      kind: 'plan',
      host: options.host,
      action,
      text,
      ...(shown === undefined ? {} : { content: shown }),
    });
  };
  return {
    server: options.credentials.server,
    get written() {
      return [...written.values()];
    },
    get: read,
    async list(kind, selector) {
      const found = (await ask((api) => api.list(kind, selector))) ?? [];
      return found.filter((object) => !removed.has(objectPath(refOf(object))));
    },
    async raw(path, timeoutSeconds) {
      // Whoever asks wants this very answer, or to know that there is none.
      return (await options.inner?.raw(path, timeoutSeconds)) ?? { status: 200, body: 'ok' };
    },
    async apply(object) {
      const existing = await read(refOf(object));
      const outcome: ApplyOutcome =
        existing === undefined ? 'created' : isContained(object, existing) ? 'unchanged' : 'updated';
      written.set(objectPath(refOf(object)), object);
      const [action, verb] = (
        { created: ['create', 'create'], updated: ['change', 'update'], unchanged: ['keep', 'keep'] } as const
      )[outcome];
      plan(action, `${verb} ${objectName(refOf(object))}`, outcome === 'unchanged' ? undefined : object);
      return { outcome, object };
    },
    async create(object) {
      plan('create', `create ${objectName(refOf(object))}`, object);
      return object;
    },
    async replace(object) {
      plan('change', `update ${objectName(refOf(object))}`, object);
      return object;
    },
    async patch(ref, patch) {
      plan('change', `change ${objectName(ref)}`, { ...ref, metadata: { name: ref.name }, ...patch });
      return (await read(ref)) ?? { ...ref, metadata: { name: ref.name } };
    },
    async remove(ref) {
      if ((await read(ref)) === undefined) return false;
      plan('delete', `remove ${objectName(ref)}`);
      written.delete(objectPath(ref));
      removed.add(objectPath(ref));
      return true;
    },
    async evict({ namespace, name }) {
      const ref = { apiVersion: 'v1', kind: 'Pod', namespace, name };
      plan('delete', `evict ${objectName(ref)}`);
      removed.add(objectPath(ref));
      return { kind: 'accepted' };
    },
    close: () => options.inner?.close(),
  };
}
