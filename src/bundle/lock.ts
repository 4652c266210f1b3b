// The lock of a bundle, `kbinit-bundle.json`: every file of it with size and sha256, every image with its digest.
import { KbError, type Problem } from '../errors.ts';
import { releaseOf } from '../kube/releases.ts';
import { formatVersion, parseVersion } from '../kube/version.ts';
import { isJsonArray, isJsonObject, parseJson, type JsonObject } from '../util/json.ts';

export const lockName = 'kbinit-bundle.json';

/** A file of the bundle, by its path below the bundle's folder. */
export interface LockedFile {
  readonly path: string;
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

export interface LockedBinary extends LockedFile {
  /** As in the folder it came from: `kubelet`, `cni/bridge`. */
  readonly name: string;
  /** As far as the program tells it without being run. */
  readonly version?: string;
}

export interface LockedPackage extends LockedFile {
  readonly name: string;
  readonly version: string;
  /** The package manager's word: `x86_64`, `amd64`, `noarch`, `all`. */
  readonly architecture: string;
  readonly format: 'rpm' | 'deb';
  /** The systems it is for: `rpm` and `deb` are all of that format; `el9`, `debian-12` that one. */
  readonly system: string;
}

export interface LockedImage {
  /** With its tag, as Kubernetes asks for it. */
  readonly name: string;
  /** `sha256:…` of its manifest or of its index of platforms. */
  readonly digest: string;
  /** The path of the archive that has it. */
  readonly archive: string;
  /** Only hosts with this role need it. */
  readonly only?: 'control-plane';
}

export type Architecture = 'amd64' | 'arm64';

export interface BundleLock {
  readonly schemaVersion: 1;
  readonly kubernetesVersion: string;
  /** As images name it. */
  readonly architecture: Architecture;
  readonly imageRepository: string;
  /** The Pod network whose images are in it. */
  readonly network: 'flannel' | 'none';
  readonly binaries: readonly LockedBinary[];
  readonly packages: readonly LockedPackage[];
  readonly archives: readonly LockedFile[];
  readonly images: readonly LockedImage[];
}

/** Every file of a bundle but its lock. */
export function lockedFiles({ binaries, packages, archives }: BundleLock): readonly LockedFile[] {
  return [...binaries, ...packages, ...archives];
}

/** The lock as it is written. */
export function formatLock(lock: BundleLock): string {
  return `${JSON.stringify(lock, undefined, 2)}\n`;
}

/** A lock, read. @throws KbError KB_BUNDLE with everything that is wrong with it */
export function parseLock(text: string): BundleLock {
  const object = parseJson(text, isJsonObject);
  if (object === undefined) throw new KbError(wrongLock('it is not a JSON object'));
  if (object['schemaVersion'] !== 1) {
    const said = JSON.stringify(object['schemaVersion']) ?? 'missing';
    throw new KbError(wrongLock(`its schemaVersion is ${said}; this kbinit knows 1`));
  }
  const reader = new Reader();
  const lock: BundleLock = {
    schemaVersion: 1,
    kubernetesVersion: kubernetesVersion(reader, object),
    architecture: reader.text(object, 'architecture', /^(?:amd64|arm64)$/) === 'arm64' ? 'arm64' : 'amd64',
    imageRepository: reader.text(object, 'imageRepository', /^[a-z0-9][a-z0-9._:/-]*$/),
    network: reader.text(object, 'network', /^(?:flannel|none)$/) === 'none' ? 'none' : 'flannel',
    binaries: reader.list(object, 'binaries', (item, at) => ({
      name: reader.text(item, 'name', /^(?:cni\/)?[a-z0-9][a-z0-9_-]*$/, at),
      ...(item['version'] !== undefined && { version: reader.text(item, 'version', version, at) }),
      ...reader.file(item, 'binaries', at),
    })),
    packages: reader.list(object, 'packages', (item, at) => ({
      name: reader.text(item, 'name', /^[A-Za-z0-9][A-Za-z0-9+._-]*$/, at),
      version: reader.text(item, 'version', version, at),
      architecture: reader.text(item, 'architecture', /^[a-z0-9_]+$/, at),
      format: reader.text(item, 'format', /^(?:rpm|deb)$/, at) === 'deb' ? 'deb' : 'rpm',
      system: reader.text(item, 'system', systemName, at),
      ...reader.file(item, 'packages', at),
    })),
    archives: reader.list(object, 'archives', (item, at) => reader.file(item, 'images', at)),
    images: reader.list(object, 'images', (item, at) => ({
      name: reader.text(item, 'name', /^[a-z0-9][A-Za-z0-9._:/@-]*$/, at),
      digest: reader.text(item, 'digest', /^sha256:[0-9a-f]{64}$/, at),
      archive: reader.text(item, 'archive', pathIn('images'), at),
      ...(item['only'] === 'control-plane' && { only: 'control-plane' as const }),
    })),
  };
  if (reader.problems.length === 0) reader.problems.push(...contradictions(lock));
  if (reader.problems.length > 0) throw new KbError(reader.problems);
  return lock;
}

/** What packages may be for. */
export const systemName: RegExp = /^(?:rpm|deb|el\d+|[a-z]+-\d+(?:\.\d+)?)$/;
const version = /^[A-Za-z0-9][A-Za-z0-9+.:~^_%-]*$/;

/** Nothing of a lock leads out of the bundle's folder, and no word of a path is hidden or a flag. */
function pathIn(folder: string): RegExp {
  return new RegExp(`^${folder}(?:/[A-Za-z0-9_][A-Za-z0-9+.~^_%-]*)+$`);
}

function kubernetesVersion(reader: Reader, object: JsonObject): string {
  const text = reader.text(object, 'kubernetesVersion', /^v\d/);
  const found = parseVersion(text);
  if (found !== undefined && formatVersion(found) === text && releaseOf(found) !== undefined) return text;
  if (reader.problems.length === 0) {
    reader.problems.push(wrongLock(`kubernetesVersion ${text} is not one that this kbinit knows`));
  }
  return text;
}

class Reader {
  readonly problems: Problem[] = [];

  text(object: JsonObject, key: string, pattern: RegExp, at = ''): string {
    const value = object[key];
    if (typeof value === 'string' && value.length <= 300 && pattern.test(value)) return value;
    const said = value === undefined ? 'missing' : `${JSON.stringify(value).slice(0, 100)}, which cannot be`;
    this.problems.push(wrongLock(`${at}${key} is ${said}`));
    return '';
  }

  file(object: JsonObject, folder: string, at: string): LockedFile {
    const size = object['size'];
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
      this.problems.push(wrongLock(`${at}size is not a number of bytes`));
    }
    return {
      path: this.text(object, 'path', pathIn(folder), at),
      size: typeof size === 'number' ? size : 0,
      sha256: this.text(object, 'sha256', /^[0-9a-f]{64}$/, at),
    };
  }

  list<T>(object: JsonObject, key: string, read: (item: JsonObject, at: string) => T): readonly T[] {
    const value = object[key];
    if (!isJsonArray(value)) {
      this.problems.push(wrongLock(`${key} is not a list`));
      return [];
    }
    return value.map((item, index) => read(isJsonObject(item) ? item : {}, `${key}[${index}].`));
  }
}

/** A file is named once, and an image is in an archive of the bundle. */
function contradictions(lock: BundleLock): readonly Problem[] {
  const paths = lockedFiles(lock).map(({ path }) => path);
  const names = lock.images.map(({ name }) => name);
  const archives = new Set(lock.archives.map(({ path }) => path));
  return [
    ...twice(paths).map((path) => wrongLock(`it names the file ${path} twice`)),
    ...twice(names).map((name) => wrongLock(`it names the image ${name} twice`)),
    ...lock.images
      .filter(({ archive }) => !archives.has(archive))
      .map(({ name, archive }) => wrongLock(`${name} is listed in ${archive}, which is not an archive of the bundle`)),
  ];
}

function twice(words: readonly string[]): readonly string[] {
  return [...new Set(words.filter((word, index) => words.indexOf(word) < index))];
}

function wrongLock(detail: string): Problem {
  return {
    code: 'KB_BUNDLE',
    summary: `the lock of the bundle, ${lockName}, cannot be used`,
    detail,
    fix: 'copy the bundle again from its source, or recreate it with `kbinit bundle create`',
  };
}
