// A bundle, made: copied beside its place, verified there and renamed, so that it is whole or not there.
import { copyFile, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { interrupted, KbError, type Problem } from '../errors.ts';
import { formatVersion } from '../kube/version.ts';
import { count } from '../util/text.ts';
import { inspectArchive } from './archive.ts';
import { archivePath, gather, isThere, unfit, type CreateRequest, type Gathered, type Source } from './gather.ts';
import { formatLock, lockName, type BundleLock, type LockedFile, type LockedImage } from './lock.ts';
import { bundleProblems, verifyBundle } from './verify.ts';
import { wantedImages } from './wanted.ts';

/** Make a bundle. @throws KbError KB_BUNDLE_INPUT with every problem, KB_FILE_EXISTS, KB_FILE, KB_BUNDLE */
export async function createBundle(request: CreateRequest): Promise<BundleLock> {
  const output = resolve(request.output);
  if (await isThere(output)) throw new KbError(exists(output));
  const gathered = await gather(request);
  // The same name each time: what a killed run left goes with the next one.
  const work = join(dirname(output), `.${basename(output)}.kbinit`);
  try {
    await rm(work, { recursive: true, force: true });
    await mkdir(work, { recursive: true });
    const lock = await fill(work, request, gathered);
    const { findings } = await verifyBundle(work);
    if (findings.length > 0) throw new KbError(bundleProblems(work, findings));
    if (await isThere(output)) throw new KbError(exists(output));
    await rename(work, output);
    return lock;
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    if (error instanceof KbError || !(error instanceof Error) || !('code' in error)) throw error;
    throw new KbError(notWritten(output, error));
  }
}

async function fill(work: string, request: CreateRequest, gathered: Gathered): Promise<BundleLock> {
  const { tell } = request;
  const files = [...gathered.binaries, ...gathered.packages, ...gathered.archives];
  tell(`copying ${count(files.length, 'file')}`);
  for (const { from, path } of files) {
    stopIfAsked(request);
    await mkdir(dirname(join(work, path)), { recursive: true });
    await copyFile(from, join(work, path));
    await flush(join(work, path));
  }
  const fetched = await fetchImages(work, request, gathered);
  const only = new Map(wantedImages(request).flatMap((image) => (image.only ? [[image.name, image.only]] : [])));
  const lock: BundleLock = {
    schemaVersion: 1,
    kubernetesVersion: formatVersion(request.version),
    architecture: gathered.architecture,
    imageRepository: request.imageRepository,
    network: request.network,
    binaries: gathered.binaries.map(withoutSource),
    packages: gathered.packages.map(withoutSource),
    archives: [...gathered.archives.map(withoutSource), ...fetched.map(({ archive }) => archive)],
    images: [...gathered.images, ...fetched.map(({ image }) => image)].map((image) => {
      const role = only.get(image.name);
      return { ...image, ...(role !== undefined && { only: role }) };
    }),
  };
  await writeFile(join(work, lockName), formatLock(lock), { flush: true });
  return lock;
}

async function fetchImages(
  work: string,
  request: CreateRequest,
  { fetched, archives, architecture }: Gathered,
): Promise<readonly { readonly archive: LockedFile; readonly image: LockedImage }[]> {
  const all: { readonly archive: LockedFile; readonly image: LockedImage }[] = [];
  const { host } = request;
  if (host === undefined) return all;
  await mkdir(join(work, 'images'), { recursive: true });
  for (const [name, digest] of fetched) {
    stopIfAsked(request);
    request.tell(`fetching ${name} from ${host.name}`);
    const path = archivePath([{ name, digest }], '', [...archives, ...all.map(({ archive }) => archive)]);
    await host.fetch(name, join(work, path));
    await flush(join(work, path));
    const { size, sha256, images, findings } = await inspectArchive(join(work, path), architecture);
    const wrong = findings.map((text) => `the archive of ${name} ${text}`);
    if (wrong.length === 0 && !images.some((one) => one.name === name && one.digest === digest)) {
      wrong.push(`${name} was exported as ${images.map((one) => one.digest).join(', ')}, containerd has ${digest}`);
    }
    if (wrong.length > 0) throw new KbError(wrong.map((detail) => ({ ...unfit(detail), host: host.name })));
    all.push({ archive: { path, size, sha256 }, image: { name, digest, archive: path } });
  }
  return all;
}

function withoutSource<T extends LockedFile>(source: Source<T>): Omit<Source<T>, 'from'> {
  const { from, ...locked } = source;
  void from;
  return locked;
}

/** A bundle that was renamed into its place is there after a power cut too. */
async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function stopIfAsked({ signal }: CreateRequest): void {
  if (signal?.aborted === true) throw interrupted('no bundle was made');
}

function notWritten(output: string, error: Error): Problem {
  return {
    code: 'KB_FILE',
    summary: 'the bundle cannot be written',
    detail: `${output}: ${error.message}`,
    fix: 'check the path, its permissions and the room on the disk; what was begun is removed',
  };
}

function exists(output: string): Problem {
  return {
    code: 'KB_FILE_EXISTS',
    summary: 'the output folder already exists',
    detail: `${output} exists`,
    fix: 'move it away, or give another --output; `kbinit bundle verify FOLDER` judges a bundle that is there',
  };
}
