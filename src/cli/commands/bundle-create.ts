// What `kbinit bundle create` does: judge the flags, reach the host whose images are wanted, make the bundle.
import { viewOnly } from '../../host/view-only.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBundle } from '../../bundle/create.ts';
import { openImageHost } from '../../bundle/export.ts';
import type { CreateRequest } from '../../bundle/gather.ts';
import { fetchPrograms, usualVersions, type FetchRequest, type ProgramVersions } from '../../bundle/fetch-programs.ts';
import { lockedFiles, type Architecture } from '../../bundle/lock.ts';
import { isImageRepository } from '../../config/syntax.ts';
import { Problems } from '../../config/problems.ts';
import { KbError } from '../../errors.ts';
import { readPieces } from '../../host/download.ts';
import { containerdSocket } from '../../host/runtime.ts';
import { formatVersion, parseVersion } from '../../kube/version.ts';
import { readAskedVersion } from '../../prepare/flags.ts';
import { count } from '../../util/text.ts';
import { pullImage } from './config-images.ts';
import { withSession, type ConnectionOptions, type Session } from '../run/session.ts';

export interface CreateOptions extends ConnectionOptions {
  readonly output: string;
  readonly pull?: boolean;
  readonly kubernetesVersion?: string;
  readonly binaries?: string;
  readonly downloadFrom?: string;
  readonly architecture?: Architecture;
  readonly containerdVersion?: string;
  readonly runcVersion?: string;
  readonly cniVersion?: string;
  readonly crictlVersion?: string;
  readonly packages?: readonly string[];
  readonly images?: readonly string[];
  readonly imageRepository?: string;
  readonly network?: CreateRequest['network'];
}

/** Make a bundle. @throws KbError for bad flags, ReportedError for a failed run */
export async function runBundleCreate(options: CreateOptions): Promise<void> {
  const { output, packages = [], images = [], imageRepository = 'registry.k8s.io' } = options;
  const problems = new Problems();
  if (!isImageRepository(imageRepository)) {
    problems.add('--image-repository', imageRepository, 'is not a registry', 'write for example registry.k8s.io');
  }
  const wish = readDownload(options, problems);
  if (problems.list.length > 0) throw new KbError(problems.list);
  const version = readAskedVersion(options.kubernetesVersion);
  const body = async (session: Session): Promise<void> => {
    const { host, reporter, signal } = session;
    const way = {
      host,
      signal,
      ...(options.pull === true && { pull: (image: string) => pullImage(host, containerdSocket, image) }),
      readPieces: (file: { readonly path: string; readonly size: number }) => readPieces(host, { ...file, signal }),
    };
    const tell = (text: string): void => reporter.emit({ kind: 'step', host: host.name, text });
    const from = options.host === undefined ? undefined : openImageHost(way);
    const lock = await withPrograms(options.binaries, { ...wish, version, tell, signal }, (binaries) =>
      createBundle({
        output,
        version,
        imageRepository,
        network: options.network ?? 'flannel',
        binaries,
        packages: packages.map(readPackageFolder),
        images,
        ...(from !== undefined && { host: from }),
        tell,
        signal,
      }),
    );
    const files = lockedFiles(lock);
    const size = files.reduce((sum, file) => sum + file.size, 0);
    session.print(
      `${output}: Kubernetes ${lock.kubernetesVersion} for linux/${lock.architecture}, ${count(files.length, 'file')}, ${count(lock.images.length, 'image')}, ${(size / 2 ** 20).toFixed(0)} MiB\n`,
    );
  };
  // Exporting takes room on the host for a while: no other run is to be in between.
  if (options.host !== undefined) return withSession('bundle create', options, 'write', body);
  // This machine's own runtime is not asked for anything.
  await withSession('bundle create', options, 'read', (session) => body({ ...session, host: viewOnly(session.host) }));
}

type Download = Pick<FetchRequest, 'architecture' | 'base'> & { readonly versions: Partial<ProgramVersions> };

function readDownload(options: CreateOptions, problems: Problems): Download {
  const base = options.downloadFrom ?? 'https://';
  if (options.downloadFrom !== undefined && !/^https?:\/\/[^\s@]+$/.test(base)) {
    problems.add('--download-from', base, 'is not a URL', 'write for example https://mirror.example/files');
  }
  const { containerdVersion: containerd, runcVersion: runc, cniVersion: cni, crictlVersion: crictl } = options;
  const given = Object.entries({ containerd, runc, cni, crictl }).flatMap(([name, text]) => {
    if (text === undefined) return [];
    const read = parseVersion(text);
    if (read === undefined) problems.add(`--${name}-version`, text, 'is not a version', 'write for example 2.3.5');
    return read === undefined ? [] : [[name, formatVersion(read).slice(1)]];
  });
  return {
    base: base === 'https://' ? base : `${base.replace(/\/+$/, '')}/`,
    architecture: options.architecture ?? 'amd64',
    versions: Object.fromEntries(given),
  };
}

/** With the folder that was named, or with one that is fetched into and gone afterwards. */
async function withPrograms<T>(
  folder: string | undefined,
  request: Download & Pick<FetchRequest, 'version' | 'tell' | 'signal'>,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  if (folder !== undefined) return work(folder);
  const fetched = await mkdtemp(join(tmpdir(), 'kbinit-programs-'));
  try {
    const versions = { ...usualVersions(request.version), ...request.versions };
    await fetchPrograms({ ...request, versions, folder: fetched });
    return await work(fetched);
  } finally {
    await rm(fetched, { recursive: true, force: true });
  }
}

/** `el9=FOLDER`, or the folder alone. */
function readPackageFolder(text: string): CreateRequest['packages'][number] {
  const [, system, folder] = /^([a-z0-9.-]+)=(.+)$/s.exec(text) ?? [];
  return system === undefined || folder === undefined ? { folder: text } : { folder, system };
}
