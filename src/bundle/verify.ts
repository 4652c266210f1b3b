// A bundle held against its lock: every byte, every image, and whether it is enough for a cluster.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KbError, type Problem } from '../errors.ts';
import { parseVersion } from '../kube/version.ts';
import { inspectArchive } from './archive.ts';
import { lockedFiles, lockName, parseLock, type BundleLock, type LockedBinary, type LockedFile } from './lock.ts';
import { measure, type Measured } from './measure.ts';
import { inspectProgram } from './program.ts';
import { wantedImages } from './wanted.ts';
import { readLocalText } from '../util/local-file.ts';

/** Something that is not as it has to be: of one file, or of the bundle as a whole. */
export interface Finding {
  readonly path?: string;
  readonly text: string;
}

export interface BundleReport {
  readonly lock: BundleLock;
  readonly findings: readonly Finding[];
}

/** Without these no Pod starts on the host. */
export const requiredPrograms: readonly string[] = ['kubelet', 'containerd', 'containerd-shim-runc-v2', 'runc', 'ctr'];

/** Of these the version is the cluster's, and they carry it as a text. */
export const versionedPrograms: ReadonlySet<string> = new Set(['kubelet', 'kubectl']);

/** Judge a bundle. @throws KbError KB_BUNDLE when there is no lock that can be read */
export async function verifyBundle(folder: string): Promise<BundleReport> {
  const lock = parseLock(await readLockFile(folder));
  const findings: Finding[] = [...(await tooMuch(folder, lock)), ...incomplete(lock)];
  for (const binary of lock.binaries) findings.push(...(await ofBinary(folder, lock, binary)));
  for (const file of lock.packages) findings.push(...(await ofFile(folder, file)));
  for (const archive of lock.archives) findings.push(...(await ofArchive(folder, lock, archive)));
  return { lock, findings };
}

/** The findings as what a command fails with. */
export function bundleProblems(folder: string, findings: readonly Finding[]): readonly Problem[] {
  return findings.map(({ path, text }) => ({
    code: 'KB_BUNDLE',
    summary: 'the bundle does not match its lock file, or is incomplete',
    detail: path === undefined ? `${folder}: ${text}` : `${join(folder, path)} ${text}`,
    fix: 'copy the bundle again from its source, or recreate it with `kbinit bundle create`; no host was changed',
  }));
}

/** @throws KbError KB_BUNDLE */
async function readLockFile(folder: string): Promise<string> {
  try {
    return readLocalText(join(folder, lockName));
  } catch (error) {
    throw new KbError({
      code: 'KB_BUNDLE',
      summary: 'the folder is not a bundle',
      detail: error instanceof Error ? error.message : String(error),
      fix: `name the folder that has ${lockName}; \`kbinit bundle create\` makes one`,
    });
  }
}

/** Files that the lock does not know. */
async function tooMuch(folder: string, lock: BundleLock): Promise<readonly Finding[]> {
  const known = new Set([lockName, ...lockedFiles(lock).map(({ path }) => path)]);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = join(entry.parentPath, entry.name).slice(join(folder, '/').length);
    if (entry.isDirectory() || (known.has(path) && entry.isFile())) return [];
    return [{ path, text: known.has(path) ? 'is not a regular file' : 'is not in the lock' }];
  });
}

function incomplete(lock: BundleLock): readonly Finding[] {
  const version = parseVersion(lock.kubernetesVersion);
  const images = new Set(lock.images.map(({ name }) => name));
  const wanted = version === undefined ? [] : wantedImages({ ...lock, version });
  const missing = wanted.filter(({ name }) => !images.has(name)).map(({ name }) => name);
  const programs = new Set(lock.binaries.map(({ name }) => name));
  const without = requiredPrograms.filter((name) => !programs.has(name));
  return [
    ...(missing.length === 0 ? [] : [{ text: `lacks images of ${lock.kubernetesVersion}: ${missing.join(', ')}` }]),
    ...(without.length === 0 ? [] : [{ text: `lacks programs: ${without.join(', ')}` }]),
  ];
}

/** Size and hash; nothing else is said of a file that differs there. */
function mismatch({ path, size, sha256 }: LockedFile, found: Measured): readonly Finding[] {
  if (found.size < size) return [{ path, text: `is cut off: ${found.size} bytes of ${size}` }];
  if (found.size > size) return [{ path, text: `has ${found.size} bytes, the lock file has ${size}` }];
  // A bare hash would be masked wherever it is shown: it looks like a key.
  return found.sha256 === sha256
    ? []
    : [{ path, text: `is sha256:${found.sha256}, the lock file has sha256:${sha256}` }];
}

async function isPlain(folder: string, path: string): Promise<boolean> {
  try {
    return (await stat(join(folder, path))).isFile();
  } catch {
    return false;
  }
}

function missingFile({ path }: LockedFile): readonly Finding[] {
  return [{ path, text: 'is missing' }];
}

async function ofFile(folder: string, file: LockedFile): Promise<readonly Finding[]> {
  if (!(await isPlain(folder, file.path))) return missingFile(file);
  return mismatch(file, await measure(join(folder, file.path)));
}

async function ofBinary(folder: string, lock: BundleLock, binary: LockedBinary): Promise<readonly Finding[]> {
  const { path, name } = binary;
  if (!(await isPlain(folder, path))) return missingFile(binary);
  const isVersioned = versionedPrograms.has(name);
  const found = await inspectProgram(join(folder, path), isVersioned ? [lock.kubernetesVersion] : []);
  const different = mismatch(binary, found);
  if (different.length > 0) return different;
  const text = wrongProgram(found, lock, isVersioned);
  return text === undefined ? [] : [{ path, text }];
}

/** What keeps a program out of a bundle, in words that go on from its name. */
export function wrongProgram(
  { architecture, version, texts }: Awaited<ReturnType<typeof inspectProgram>>,
  lock: Pick<BundleLock, 'architecture' | 'kubernetesVersion'>,
  isVersioned: boolean,
): string | undefined {
  if (architecture === undefined) return 'is not a Linux amd64/arm64 executable';
  if (architecture !== lock.architecture) return `is for ${architecture}, the bundle for ${lock.architecture}`;
  if (!isVersioned || texts.has(lock.kubernetesVersion)) return undefined;
  return `is ${version ?? 'of another version'}, the bundle is for ${lock.kubernetesVersion}`;
}

async function ofArchive(folder: string, lock: BundleLock, archive: LockedFile): Promise<readonly Finding[]> {
  const { path } = archive;
  if (!(await isPlain(folder, path))) return missingFile(archive);
  const found = await inspectArchive(join(folder, path), lock.architecture);
  const different = mismatch(archive, found);
  // A damaged blob tells more than a hash of the whole.
  const inside = found.findings.map((text) => ({ path, text }));
  if (different.length > 0) return [...different, ...(found.size === archive.size ? inside : [])];
  const locked = lock.images.filter((image) => image.archive === path);
  const others = found.images.filter(({ name }) => locked.every((image) => image.name !== name));
  return [
    ...inside,
    ...locked.flatMap(({ name, digest }) => {
      const there = found.images.filter((image) => image.name === name).map((image) => image.digest);
      if (there.includes(digest) && there.length === 1) return [];
      return [{ path, text: `has ${name} as ${there.join(', ') || 'nothing'}, the lock file has ${digest}` }];
    }),
    ...others.map(({ name }) => ({ path, text: `has ${name}, which is not in the lock` })),
  ];
}
