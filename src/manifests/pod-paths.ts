// Which file of the host a static Pod's container sees at a path, and which of its flags names that path.
import { isJsonObject, type JsonObject } from '../util/json.ts';
import { readYaml } from '../util/yaml.ts';

/** A static Pod's manifest; undefined where it is none that can be read. */
export function readPod(text: string | undefined): JsonObject | undefined {
  try {
    const pod = text === undefined ? undefined : readYaml(text);
    return isJsonObject(pod) ? pod : undefined;
  } catch {
    return undefined;
  }
}

/** A folder or file of the host in a container. */
export interface HostMount {
  readonly hostPath: string;
  readonly mountPath: string;
  /** `File`, `DirectoryOrCreate`, …; '' asks for nothing. */
  readonly type: string;
}

/** Every hostPath that a container of the Pod mounts. */
export function hostMounts(pod: JsonObject): readonly HostMount[] {
  const spec = objectAt(pod, 'spec');
  const volumes = new Map(
    objectsAt(spec, 'volumes').flatMap((volume): [string, JsonObject][] => {
      const hostPath = volume['hostPath'];
      return isJsonObject(hostPath) ? [[textAt(volume, 'name'), hostPath]] : [];
    }),
  );
  return objectsAt(spec, 'containers').flatMap((container) =>
    objectsAt(container, 'volumeMounts').flatMap((mount): HostMount[] => {
      const volume = volumes.get(textAt(mount, 'name'));
      if (volume === undefined) return [];
      const sub = textAt(mount, 'subPath');
      const hostPath = `${textAt(volume, 'path').replace(/(.)\/+$/, '$1')}${sub === '' ? '' : `/${sub}`}`;
      return [
        { hostPath, mountPath: textAt(mount, 'mountPath').replace(/(.)\/+$/, '$1'), type: textAt(volume, 'type') },
      ];
    }),
  );
}

/** Where on the host is what the container sees at this path; undefined where nothing of the host is mounted there. */
export function hostPathOf(pod: JsonObject, path: string): string | undefined {
  const nearest = nearestTo(path, hostMounts(pod));
  if (nearest === undefined) return undefined;
  const rest = path.slice(nearest.mountPath.length).replace(/^\//, '');
  return rest === '' ? nearest.hostPath : `${withSlash(nearest.hostPath)}${rest}`;
}

/** Whether a volume that is not of the host (an emptyDir, a Secret) is what the container sees at this path. */
export function isMadeInPod(pod: JsonObject, path: string): boolean {
  const all = objectsAt(objectAt(pod, 'spec'), 'containers').flatMap((container) =>
    objectsAt(container, 'volumeMounts').map((mount) => ({ mountPath: textAt(mount, 'mountPath') })),
  );
  return nearestTo(path, all)?.mountPath !== nearestTo(path, hostMounts(pod))?.mountPath;
}

function nearestTo<T extends { readonly mountPath: string }>(path: string, mounts: readonly T[]): T | undefined {
  const over = mounts.filter(({ mountPath }) => path === mountPath || path.startsWith(withSlash(mountPath)));
  return over.toSorted((one, other) => one.mountPath.length - other.mountPath.length).at(-1);
}

/** `--name` of the argument that has this path for its value. */
export function flagOf(pod: JsonObject, path: string): string | undefined {
  return podArguments(pod).find(({ value }) => value === path)?.flag;
}

/** Every `--name=value` of the Pod's command and arguments. */
export function podArguments(pod: JsonObject): readonly { readonly flag: string; readonly value: string }[] {
  const words = objectsAt(objectAt(pod, 'spec'), 'containers').flatMap(({ command, args }) =>
    [command, args].flatMap((list: unknown): readonly unknown[] => (Array.isArray(list) ? list : [])),
  );
  return words.flatMap((word) => {
    const [, flag, value] = /^(--[\w.-]+)=(.*)$/s.exec(typeof word === 'string' ? word : '') ?? [];
    return flag === undefined || value === undefined ? [] : [{ flag, value }];
  });
}

function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`;
}

function objectAt(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isJsonObject(value) ? value : {};
}

function objectsAt(object: JsonObject, key: string): readonly JsonObject[] {
  const value = object[key];
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function textAt(object: JsonObject, key: string): string {
  const value = object[key];
  return typeof value === 'string' ? value : '';
}
