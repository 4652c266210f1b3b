// Which images the runtime of a host has, as its programs tell.
import { isJsonArray, isJsonObject, parseJson } from '../util/json.ts';

/** Digests by name. */
export type FoundImages = ReadonlyMap<string, ReadonlySet<string>>;

/** What `crictl images -o json` or, without crictl, `ctr images ls` said. */
export function readImages(crictl: string, ctr: readonly string[]): FoundImages {
  const images = parseJson(crictl === '' ? undefined : crictl, isJsonObject)?.['images'];
  return new Map([
    ...(isJsonArray(images) ? images.flatMap(ofRuntime) : []),
    ...readCtrList(ctr).map(([name, digest]) => [name, new Set([digest])] as const),
  ]);
}

/** Names and digests of `ctr images ls`: `REF TYPE DIGEST …` a line. */
export function readCtrList(lines: readonly string[]): readonly (readonly [name: string, digest: string])[] {
  return lines.flatMap((line) => {
    const [name = '', , digest = ''] = line.split(/\s+/);
    return /^sha256:[0-9a-f]{64}$/.test(digest) ? [[name, digest] as const] : [];
  });
}

/** All names of one image have all of its digests: which belongs to which the runtime does not tell. */
function ofRuntime(image: unknown): readonly [string, Set<string>][] {
  if (!isJsonObject(image)) return [];
  const texts = (key: string): readonly string[] => {
    const list = image[key];
    return isJsonArray(list) ? list.filter((one) => typeof one === 'string') : [];
  };
  const digests = texts('repoDigests').map((text) => text.slice(text.indexOf('@') + 1));
  return texts('repoTags').map((name) => [name, new Set(digests)]);
}
