// Programs and bundles of this machine, read for `host prepare`.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture, BundleLock, LockedFile } from '../../bundle/lock.ts';
import { fileSource } from '../../bundle/measure.ts';
import { inspectProgram } from '../../bundle/program.ts';
import { bundleProblems, verifyBundle } from '../../bundle/verify.ts';
import { KbError } from '../../errors.ts';
import { newestVersion } from '../../kube/releases.ts';
import { parseVersion } from '../../kube/version.ts';
import { destination, readBinaries, readLock, type FoundProgram } from '../../prepare/binaries.ts';
import type { Binary, LocalFile, Offline } from '../../prepare/spec.ts';
import { readInput } from './prompt.ts';

/** What `uname -m` says. */
const machines: Readonly<Record<Architecture, string>> = { amd64: 'x86_64', arm64: 'aarch64' };

/** The programs of a folder, judged against its SHA256SUMS. @throws KbError KB_BINARY, KB_FILE */
export async function readProgramFolder(folder: string): Promise<readonly Binary[]> {
  const lock = readLock(readInput(join(folder, 'SHA256SUMS'), 'binaries').toString('utf8'));
  const found = new Map<string, FoundProgram>();
  for (const name of lock.keys()) {
    const path = join(folder, name);
    if (destination(name) === undefined || !existsSync(path)) continue;
    const { size, sha256, architecture } = await inspectProgram(path);
    const machine = architecture && machines[architecture];
    found.set(name, { source: fileSource(path, size), sha256, architecture: machine });
  }
  return readBinaries(lock, found);
}

/** A bundle, every byte of it judged, as what a preparation works with. @throws KbError KB_BUNDLE with every finding */
export async function readBundle(
  folder: string,
): Promise<{ readonly binaries: readonly Binary[]; readonly offline: Offline }> {
  const { lock, findings } = await verifyBundle(folder);
  if (findings.length > 0) throw new KbError(bundleProblems(folder, findings));
  const local = ({ path, size, sha256 }: LockedFile): LocalFile => ({
    source: fileSource(join(folder, path), size),
    sha256,
  });
  return {
    binaries: lock.binaries.flatMap((binary) => {
      const path = destination(binary.name);
      const architecture = machines[lock.architecture];
      return path === undefined ? [] : [{ name: binary.name, path, architecture, ...local(binary) }];
    }),
    offline: {
      version: parseVersion(lock.kubernetesVersion) ?? newestVersion(),
      imageRepository: lock.imageRepository,
      packages: lock.packages.map((one) => ({
        ...local(one),
        name: one.name,
        system: one.system,
        file: fileName(one),
      })),
      archives: archivesOf(lock, local),
    },
  };
}

function archivesOf(lock: BundleLock, local: (file: LockedFile) => LocalFile): Offline['archives'] {
  return lock.archives.map((archive) => ({
    ...local(archive),
    file: fileName(archive),
    images: lock.images
      .filter((image) => image.archive === archive.path)
      .map(({ name, digest, only }) => ({ name, digest, ...(only !== undefined && { only }) })),
  }));
}

function fileName({ path }: LockedFile): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
