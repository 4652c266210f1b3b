// Which images the runtime of a host has, as its programs tell.
import { isJsonArray, isJsonObject, parseJson } from '../util/json.ts';

/** Digests by name. */
export type FoundImages = ReadonlyMap<string, ReadonlySet<string>>;

/** What `crictl images -o json` or, without crictl, `ctr images ls` said. */
export function readImages(crictl: string, ctr: readonly string[]): FoundImages {
  const images = parseJson(crictl === '' ? undefined : crictl, isJsonObject)?.['images'];
  return new Map([
    ...(isJsonArray(images) ? images.flatMap(ofRuntime) : []),
    ...ctr.flatMap((line): [string, Set<string>][] => {
      const [name = '', , digest = ''] = line.split(/\s+/);
      return digest.startsWith('sha256:') ? [[name, new Set([digest])]] : [];
    }),
  ]);
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
