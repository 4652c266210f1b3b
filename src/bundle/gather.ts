// What a bundle is to be made of, judged before anything is written: all problems at once.
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { KbError, type Problem } from '../errors.ts';
import { formatVersion } from '../kube/version.ts';
import { destination, readLock } from '../prepare/binaries.ts';
import { pinned } from '../prepare/packages.ts';
import { inspectArchive, type ArchivedImage } from './archive.ts';
import {
  systemName,
  type Architecture,
  type LockedBinary,
  type LockedFile,
  type LockedImage,
  type LockedPackage,
} from './lock.ts';
import { measure } from './measure.ts';
import { fits, readPackageName, type NamedPackage } from './package-name.ts';
import { inspectProgram } from './program.ts';
import { requiredPrograms, versionedPrograms, wrongProgram } from './verify.ts';
import { wantedImages, type ImageWish } from './wanted.ts';
import { readLocalText } from '../util/local-file.ts';

/** A host whose containerd has images. */
export interface ImageHost {
  readonly name: string;
  /** Whether it gets what it lacks from a registry. */
  readonly isPulling: boolean;
  /** The digests of those of these images that it has, or can get. */
  readonly find: (images: readonly string[], mayPull: boolean) => Promise<ReadonlyMap<string, string>>;
  /** Write the archive of one of them to a file of this machine. */
  readonly fetch: (image: string, file: string) => Promise<void>;
}

export interface CreateRequest extends ImageWish {
  readonly output: string;
  /** A folder of programs with their SHA256SUMS. */
  readonly binaries: string;
  /** Folders of packages, with the system each is for where that was said. */
  readonly packages: readonly { readonly folder: string; readonly system?: string }[];
  /** Image archives, or folders of them. */
  readonly images: readonly string[];
  readonly host?: ImageHost;
  readonly tell: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** A file to be copied, and what the lock says of it. */
export type Source<T extends LockedFile> = T & { readonly from: string };

/** What was found on this machine, and everything that is wrong with it. */
export interface Gathered {
  readonly architecture: Architecture;
  readonly binaries: readonly Source<LockedBinary>[];
  readonly packages: readonly Source<LockedPackage>[];
  readonly archives: readonly Source<LockedFile>[];
  readonly images: readonly LockedImage[];
  /** Those that the host has, with their digests. */
  readonly fetched: ReadonlyMap<string, string>;
}

/** Look at everything. @throws KbError KB_BUNDLE_INPUT with every problem, KB_FILE */
export async function gather(request: CreateRequest): Promise<Gathered> {
  const problems: string[] = [];
  const { architecture, binaries } = await gatherPrograms(request, problems);
  const packages = await gatherPackages(request, architecture, problems);
  const found = await gatherArchives(request, architecture, problems);
  const wanted = wantedImages(request).map(({ name }) => name);
  const others = wanted.filter((name) => found.images.every((image) => image.name !== name));
  // Nothing is pulled for a bundle that is not going to be made.
  const isFit = problems.length === 0;
  const fetched = (await request.host?.find(others, isFit)) ?? new Map<string, string>();
  const mayCome = !isFit && request.host?.isPulling === true;
  const missing = mayCome ? [] : others.filter((name) => !fetched.has(name));
  if (missing.length > 0) {
    const places = [
      ...(request.images.length > 0 ? ['in the archives'] : []),
      ...(request.host ? [`on ${request.host.name}`] : []),
    ];
    problems.push(`${missing.join(', ')}: not ${places.join(' or ') || 'in anything that was given'}`);
  }
  if (problems.length > 0) throw new KbError(problems.map(unfit));
  return { architecture, binaries, packages, ...found, fetched };
}

async function gatherPrograms(
  { binaries: folder, version }: CreateRequest,
  problems: string[],
): Promise<Pick<Gathered, 'architecture' | 'binaries'>> {
  const hashes = readLock(await readText(join(folder, 'SHA256SUMS')));
  const without = requiredPrograms.filter((name) => !hashes.has(name));
  if (without.length > 0) problems.push(`${join(folder, 'SHA256SUMS')} does not name ${without.join(', ')}`);
  const kubernetesVersion = formatVersion(version);
  let architecture: Architecture | undefined;
  const binaries: Source<LockedBinary>[] = [];
  for (const [name, sha256] of [...hashes].toSorted(kubeletFirst)) {
    if (destination(name) === undefined) continue;
    const from = join(folder, name);
    if (!(await isThere(from))) {
      problems.push(`${from} is in SHA256SUMS and not in the folder`);
      continue;
    }
    const isVersioned = versionedPrograms.has(name);
    const found = await inspectProgram(from, [kubernetesVersion]);
    architecture ??= found.architecture;
    const wrong =
      found.sha256 === sha256
        ? wrongProgram(found, { kubernetesVersion, architecture: architecture ?? 'amd64' }, isVersioned)
        : `is sha256:${found.sha256}, SHA256SUMS has sha256:${sha256}`;
    if (wrong !== undefined) problems.push(`${from} ${wrong}`);
    const told = isVersioned ? kubernetesVersion : found.version;
    binaries.push({
      name,
      ...(told !== undefined && { version: told }),
      path: `binaries/${name}`,
      size: found.size,
      sha256,
      from,
    });
  }
  return { architecture: architecture ?? 'amd64', binaries };
}

/** Its machine is the bundle's. */
function kubeletFirst([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return Number(b === 'kubelet') - Number(a === 'kubelet') || (a < b ? -1 : 1);
}

/** These come as programs, and would be in each other's way. */
const comeAsPrograms: ReadonlySet<string> = new Set([...pinned, 'containerd', 'containerd.io', 'runc']);

async function gatherPackages(
  { packages: folders }: CreateRequest,
  architecture: Architecture,
  problems: string[],
): Promise<readonly Source<LockedPackage>[]> {
  const found: Source<LockedPackage>[] = [];
  for (const { folder, system } of folders) {
    const files = (await filesIn(folder)).filter((file) => /\.(?:rpm|deb)$/.test(file));
    if (files.length === 0) problems.push(`${folder} has no file that ends in .rpm or .deb`);
    if (system !== undefined && !systemName.test(system)) {
      problems.push(`${system} is not a known system: use for example el9, debian-12, rpm or deb`);
    }
    for (const file of files) {
      const from = join(folder, file);
      const named = readPackageName(file);
      const wrong = wrongPackage(named, architecture);
      if (wrong !== undefined) problems.push(`${from} ${wrong}`);
      if (named === undefined || wrong !== undefined) continue;
      const { size, sha256 } = await measure(from);
      const place = system ?? named.format;
      found.push({ ...named, system: place, path: `packages/${place}/${file}`, size, sha256, from });
    }
  }
  const twice = found.filter(({ path }, index) => found.findIndex((other) => other.path === path) < index);
  for (const { from, path } of twice) problems.push(`${from}: ${path} comes from two folders`);
  return found;
}

function wrongPackage(named: NamedPackage | undefined, architecture: Architecture): string | undefined {
  if (named === undefined) return 'is not named as packages are (NAME-VERSION-RELEASE.ARCH.rpm, NAME_VERSION_ARCH.deb)';
  if (!fits(named, architecture)) return `is for ${named.architecture}, the bundle for ${architecture}`;
  return comeAsPrograms.has(named.name) ? `has ${named.name}, which comes as a program` : undefined;
}

async function gatherArchives(
  { images: given, tell }: CreateRequest,
  architecture: Architecture,
  problems: string[],
): Promise<Pick<Gathered, 'archives' | 'images'>> {
  const archives: Source<LockedFile>[] = [];
  const images: LockedImage[] = [];
  for (const from of await archiveFiles(given)) {
    const { size, sha256, findings, images: inside } = await inspectArchive(from, architecture);
    problems.push(...findings.map((text) => `${from} ${text}`));
    const known = inside.filter(({ name }) => images.some((image) => image.name === name));
    const isNew = known.length < inside.length;
    const other = known.find(({ name, digest }) => images.some((one) => one.name === name && one.digest !== digest));
    if (other !== undefined) problems.push(`${from} has another ${other.name} than an archive before it`);
    else if (known.length > 0 && isNew) problems.push(`${from} has ${known[0]?.name ?? ''}, as an archive before it`);
    if (!isNew) tell(`${from} is left out: its images are in other archives`);
    else {
      const path = archivePath(inside, basename(from), archives);
      archives.push({ path, size, sha256, from });
      images.push(...inside.map((image) => ({ ...image, archive: path })));
    }
  }
  return { archives, images };
}

async function archiveFiles(given: readonly string[]): Promise<readonly string[]> {
  const files: string[] = [];
  for (const path of given) {
    const isFolder = (await statOf(path)).isDirectory();
    const inside = isFolder ? (await filesIn(path)).filter((file) => file.endsWith('.tar')) : [];
    files.push(...(isFolder ? inside.map((file) => join(path, file)) : [path]));
  }
  return files;
}

/** An archive of one image is called as the image is. */
export function archivePath(images: readonly ArchivedImage[], file: string, before: readonly LockedFile[]): string {
  const [first] = images;
  const stem = images.length === 1 && first !== undefined ? first.name : file.replace(/\.tar$/, '');
  const plain = stem.replaceAll(/[^A-Za-z0-9.-]/g, '_').replace(/^[^A-Za-z0-9]+/, '') || 'images';
  const isTaken = (path: string): boolean => before.some((one) => one.path === path);
  let path = `images/${plain}.tar`;
  for (let n = 2; isTaken(path); n += 1) path = `images/${plain}_${n}.tar`;
  return path;
}

/** Whether there is something at this path. */
export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function readText(path: string): Promise<string> {
  try {
    return readLocalText(path);
  } catch (error) {
    throw new KbError(notRead(error));
  }
}

async function filesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw new KbError(notRead(error));
  });
  return names.toSorted();
}

async function statOf(path: string): ReturnType<typeof stat> {
  return stat(path).catch((error: unknown) => {
    throw new KbError(notRead(error));
  });
}

function notRead(error: unknown): Problem {
  return {
    code: 'KB_FILE',
    summary: 'a file or folder that the bundle is to be made of cannot be read',
    detail: error instanceof Error ? error.message : String(error),
    fix: 'check the path and its permissions; kbinit reads it on the machine it runs on',
  };
}

/** Why no bundle can be made. */
export function unfit(detail: string): Problem {
  return {
    code: 'KB_BUNDLE_INPUT',
    summary: 'no bundle can be made of this',
    detail,
    fix: 'add what is missing with --images FILE or --host HOST, and replace what is wrong; nothing was written',
  };
}
