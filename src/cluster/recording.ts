// The API of a dry run: reads go through where there is a server, writes become lines of the plan.
import type { Reporter } from '../report/events.ts';
import { isContained } from './compare.ts';
import { refOf } from './client.ts';
import { objectName, objectPath } from './resources.ts';
import type { Api, ApiCredentials, ApplyOutcome, KubeObject, ObjectRef } from './types.ts';

export interface RecordingOptions {
  readonly host: string;
  readonly reporter: Reporter;
  /** A real client, when the API server answers already. */
  readonly inner?: Api;
  readonly credentials: ApiCredentials;
}

/** Secrets are planned by name only. */
function content(object: KubeObject): string | undefined {
  return object.kind === 'Secret' ? undefined : JSON.stringify(object);
}

/** An API that changes nothing. What was "written" can be read back, so later phases find it. */
export function recordingApi(options: RecordingOptions): Api & { readonly written: readonly KubeObject[] } {
  const written = new Map<string, KubeObject>();
  const read = async (ref: ObjectRef): Promise<KubeObject | undefined> =>
    written.get(objectPath(ref)) ?? (await options.inner?.get(ref));
  const plan = (text: string, object?: KubeObject): void => {
    const shown = object && content(object);
    options.reporter.emit({
      kind: 'plan',
      host: options.host,
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
      return (await options.inner?.list(kind, selector)) ?? [];
    },
    async raw(path, timeoutSeconds) {
      return (await options.inner?.raw(path, timeoutSeconds)) ?? { status: 200, body: 'ok' };
    },
    async apply(object) {
      const existing = await read(refOf(object));
      const outcome: ApplyOutcome =
        existing === undefined ? 'created' : isContained(object, existing) ? 'unchanged' : 'updated';
      written.set(objectPath(refOf(object)), object);
      const verb = { created: 'create', updated: 'update', unchanged: 'keep' }[outcome];
      plan(`${verb} ${objectName(refOf(object))}`, outcome === 'unchanged' ? undefined : object);
      return { outcome, object };
    },
    async patch(ref, patch) {
      plan(`change ${objectName(ref)}`, { ...ref, metadata: { name: ref.name }, ...patch });
      return (await read(ref)) ?? { ...ref, metadata: { name: ref.name } };
    },
    async remove(ref) {
      plan(`remove ${objectName(ref)}`);
      return true;
    },
    close: () => options.inner?.close(),
  };
}
