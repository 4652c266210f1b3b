// An image archive, judged while it streams past once: the digest of every blob, whether each image is whole, and whether
// containerd would read the same out of it (core/images/archive/importer.go).
import { createHash, type Hash } from 'node:crypto';
import { isOneVisibleLine, quoted } from '../util/invisible.ts';
import { isJsonArray, isJsonObject, parseJson, type JsonObject } from '../util/json.ts';
import type { Architecture } from './lock.ts';
import { measure, type Measured } from './measure.ts';
import { TarReader } from './tar.ts';

export interface ArchivedImage {
  readonly name: string;
  readonly digest: string;
}

export interface ArchiveReport extends Measured {
  readonly images: readonly ArchivedImage[];
  /** What is wrong with it, in sentences that go on from its name. */
  readonly findings: readonly string[];
}

/** Indexes, manifests and configurations are texts of some kilobytes; what is larger is a layer. */
const largestText = 4 * 1024 * 1024;
/** For all texts of an archive together. */
const mostText = 64 * 1024 * 1024;

/** Two empty blocks end an archive; without them it may lack more than these. */
const endBytes = 1024;

/** Its name as containerd writes it; the OCI's own annotation is only a tag. */
const nameAnnotation = 'io.containerd.image.name';

interface Contents {
  /** Texts by what they are: `index.json`, `sha256:…`. */
  readonly texts: Map<string, string>;
  readonly sizes: Map<string, number>;
  readonly names: Set<string>;
  readonly findings: string[];
}

/** Read an archive once and say what is in it. Only its own texts are kept in memory. */
export async function inspectArchive(path: string, architecture: Architecture): Promise<ArchiveReport> {
  const contents: Contents = { texts: new Map(), sizes: new Map(), names: new Set(), findings: [] };
  const reader = new TarReader(listener(contents));
  let isCompressed: boolean | undefined;
  let end = Buffer.alloc(0);
  const measured = await measure(path, async (piece) => {
    isCompressed ??= piece[0] === 0x1f && piece[1] === 0x8b;
    if (!isCompressed) await reader.push(piece);
    end = Buffer.from(
      piece.length >= endBytes ? piece.subarray(-endBytes) : Buffer.concat([end, piece]).subarray(-endBytes),
    );
  });
  if (isCompressed === true) return { ...measured, images: [], findings: ['is compressed: unpack it with gunzip'] };
  const broken = await reader.finish();
  if (broken !== undefined) return { ...measured, images: [], findings: [`is not whole: ${broken}`] };
  if (end.length < endBytes || end.some((byte) => byte !== 0)) {
    return { ...measured, images: [], findings: ['is not whole: its end is missing'] };
  }
  const images = imagesOf(contents);
  if (contents.names.has('index.json')) contents.findings.push(...layoutProblems(contents, images));
  for (const image of images) contents.findings.push(...incomplete(contents, image, architecture));
  return { ...measured, images, findings: contents.findings };
}

/** Files of an archive whose text says what is in it. */
const describing: ReadonlySet<string> = new Set(['index.json', 'oci-layout', 'manifest.json']);

function listener({ texts, sizes, names, findings }: Contents): ConstructorParameters<typeof TarReader>[0] {
  let [name, size, kept] = ['', 0, 0];
  let hash: Hash | undefined;
  let pieces: Buffer[] | undefined;
  return {
    begin(file, fileSize) {
      name = file.replace(/^\.\//, '');
      size = fileSize;
      // containerd cleans every name before it looks what it is, and of two of one name it takes the last.
      if (!isClean(name)) findings.push(`has a file of the name ${quoted(file)}, which containerd takes for another`);
      if (names.has(name) && !name.startsWith('blobs/')) {
        findings.push(`has ${quoted(name)} twice: which of them counts depends on the reader`);
      }
      names.add(name);
      hash = name.startsWith('blobs/') ? createHash('sha256') : undefined;
      const mayBeText = size <= largestText && kept + size <= mostText;
      pieces = mayBeText && (hash !== undefined || describing.has(name)) ? [] : undefined;
    },
    data(piece) {
      hash?.update(piece);
      // A layer does not begin with a brace.
      if (pieces?.length === 0 && piece[0] !== 0x7b && name !== 'manifest.json') pieces = undefined;
      pieces?.push(Buffer.from(piece));
    },
    end() {
      const digest = hash === undefined ? undefined : `sha256:${hash.digest('hex')}`;
      if (digest !== undefined && name !== `blobs/${digest.replace(':', '/')}`) {
        findings.push(`is damaged: ${name.replace('blobs/sha256/', 'the blob sha256:')} is ${digest}`);
      }
      const key = digest ?? name;
      sizes.set(key, size);
      if (pieces === undefined) return;
      kept += size;
      texts.set(key, Buffer.concat(pieces).toString('utf8'));
    },
    odd(file, type) {
      findings.push(`has ${quoted(file)}, a ${type}: an archive of images has plain files and folders`);
    },
  };
}

/** As path.Clean of Go leaves it, below the archive's own folder. */
function isClean(name: string): boolean {
  const parts = name.split('/');
  return isOneVisibleLine(name) && !name.includes('\\') && parts.every((part) => !['', '.', '..'].includes(part));
}

/** What the archive is, as containerd finds out; index.json counts only beside oci-layout. */
function layoutProblems({ texts, names }: Contents, images: readonly ArchivedImage[]): readonly string[] {
  const layout = parseJson(texts.get('oci-layout'), isJsonObject);
  const version = layout?.['imageLayoutVersion'];
  const known = new Set(images.map(({ name }) => name));
  const strangers = names.has('manifest.json') ? dockerNames(texts.get('manifest.json')) : [];
  return [
    ...(version === '1.0.0' ? [] : ['has no oci-layout of version 1.0.0: containerd would not read its index']),
    ...(strangers ?? ['has a manifest.json that cannot be read']).flatMap((name) =>
      strangers === undefined
        ? [name]
        : known.has(name)
          ? []
          : [`has ${quoted(name)} in manifest.json, and not in its index`],
    ),
  ];
}

/** The names that `docker save` gives, as containerd writes them; undefined for a text that is not its manifest.json. */
function dockerNames(text: string | undefined): readonly string[] | undefined {
  const entries = parseJson(text, isJsonArray);
  return entries?.flatMap((entry) => {
    const tags = isJsonObject(entry) ? entry['RepoTags'] : undefined;
    return isJsonArray(tags) ? tags.map((tag) => canonicalName(String(tag))) : [];
  });
}

function canonicalName(name: string): string {
  const [first = '', ...rest] = name.split('/');
  if (rest.length === 0) return `docker.io/library/${name}`;
  return /[.:]/.test(first) || first === 'localhost' ? name : `docker.io/${name}`;
}

/** Go takes keys in any case, and letters that fold to them; JSON.parse does not: then the two read different things. */
function hasOddKeys(object: JsonObject): boolean {
  return Object.keys(object).some((key) =>
    indexKeys.has(key.toLowerCase()) ? !exactKeys.has(key) : /[^ -~]/.test(key),
  );
}

const exactKeys: ReadonlySet<string> = new Set(
  'schemaVersion mediaType artifactType manifests subject annotations digest size urls data platform'.split(' '),
);
const indexKeys: ReadonlySet<string> = new Set([...exactKeys].map((key) => key.toLowerCase()));

function imagesOf({ texts, names, findings }: Contents): readonly ArchivedImage[] {
  const index = parseJson(texts.get('index.json'), isJsonObject);
  const entries = index?.['manifests'];
  if (!isJsonArray(entries)) {
    findings.push(
      names.has('manifest.json')
        ? 'is an archive of `docker save` without an OCI index: save it with Docker 25 or newer, or import it into containerd and write it with `ctr -n k8s.io images export FILE NAME`'
        : 'has no OCI index (index.json): write it with `ctr -n k8s.io images export FILE NAME`',
    );
    return [];
  }
  if ([index, ...entries.filter(isJsonObject)].some((object) => object !== undefined && hasOddKeys(object))) {
    findings.push('has an index.json whose keys are not written as the OCI has them');
  }
  return entries.flatMap((entry, at): readonly ArchivedImage[] => {
    const [digest, annotations] = isJsonObject(entry) ? [entry['digest'], entry['annotations']] : [];
    const name = isJsonObject(annotations) ? annotations[nameAnnotation] : undefined;
    if (typeof digest === 'string' && typeof name === 'string') return [{ name, digest }];
    findings.push(
      `has an image without a full name (entry ${at + 1} of its index lacks ${nameAnnotation}): write it with \`ctr -n k8s.io images export FILE NAME\``,
    );
    return [];
  });
}

/** Whether all that a host of this architecture needs of an image is there. */
function incomplete(
  contents: Contents,
  { name, digest }: ArchivedImage,
  architecture: Architecture,
): readonly string[] {
  const top = parseJson(contents.texts.get(digest), isJsonObject);
  if (top === undefined) return [`lacks ${digest}, which its index calls ${name}`];
  const manifest = isJsonArray(top['manifests']) ? forPlatform(contents, top['manifests'], architecture) : top;
  if (manifest === undefined) return [`has ${name} for other platforms only, not for linux/${architecture}`];
  const { config, layers } = manifest;
  if (!isJsonObject(config) || !isJsonArray(layers)) return [`has an invalid manifest of ${name}`];
  const missing = [config, ...layers].flatMap((part) => lacking(contents, part));
  if (missing.length > 0) return [`lacks parts of ${name}: ${missing.join(', ')}`];
  const built = parseJson(contents.texts.get(textOf(config, 'digest')), isJsonObject)?.['architecture'];
  return built === architecture ? [] : [`has ${name} for ${String(built)}, not for ${architecture}`];
}

function forPlatform(
  { texts }: Contents,
  manifests: readonly unknown[],
  architecture: Architecture,
): JsonObject | undefined {
  const found = manifests.filter(isJsonObject).find(({ platform }) => {
    return isJsonObject(platform) && platform['os'] === 'linux' && platform['architecture'] === architecture;
  });
  return found && parseJson(texts.get(textOf(found, 'digest')), isJsonObject);
}

function lacking({ sizes }: Contents, part: unknown): readonly string[] {
  if (!isJsonObject(part)) return ['a part without a digest'];
  const digest = textOf(part, 'digest');
  return sizes.get(digest) === part['size'] ? [] : [digest];
}

function textOf(object: JsonObject, key: string): string {
  const value = object[key];
  return typeof value === 'string' ? value : '';
}
