// What `kbinit bundle create` does: judge the flags, reach the host whose images are wanted, make the bundle.
import { createBundle } from '../bundle/create.ts';
import { openImageHost } from '../bundle/export.ts';
import type { CreateRequest } from '../bundle/gather.ts';
import { lockedFiles } from '../bundle/lock.ts';
import { isImageRepository } from '../config/syntax.ts';
import { Problems } from '../config/problems.ts';
import { KbError } from '../errors.ts';
import { readPieces } from '../host/download.ts';
import { readAskedVersion } from '../prepare/flags.ts';
import { count } from '../util/text.ts';
import { withSession, type ConnectionOptions, type Session } from './session.ts';

export interface CreateOptions extends ConnectionOptions {
  readonly output: string;
  readonly kubernetesVersion?: string;
  readonly binaries: string;
  readonly packages?: readonly string[];
  readonly images?: readonly string[];
  readonly imageRepository?: string;
  readonly network?: CreateRequest['network'];
}

/** Make a bundle. @throws KbError for bad flags, Shown for a failed run */
export async function runBundleCreate(options: CreateOptions): Promise<void> {
  const { output, binaries, packages = [], images = [], imageRepository = 'registry.k8s.io' } = options;
  const problems = new Problems();
  if (!isImageRepository(imageRepository)) {
    problems.add('--image-repository', imageRepository, 'is no registry', 'write for example registry.k8s.io');
  }
  if (problems.list.length > 0) throw new KbError(problems.list);
  const version = readAskedVersion(options.kubernetesVersion);
  const body = async (session: Session): Promise<void> => {
    const { host, reporter, signal } = session;
    const way = {
      host,
      signal,
      readPieces: (file: { readonly path: string; readonly size: number }) => readPieces(host, { ...file, signal }),
    };
    const lock = await createBundle({
      output,
      version,
      imageRepository,
      network: options.network ?? 'flannel',
      binaries,
      packages: packages.map(readPackageFolder),
      images,
      ...(options.host !== undefined && { host: await openImageHost(way) }),
      tell: (text) => reporter.emit({ kind: 'step', host: host.name, text }),
      signal,
    });
    const files = lockedFiles(lock);
    const size = files.reduce((sum, file) => sum + file.size, 0);
    session.print(
      `${output}: Kubernetes ${lock.kubernetesVersion} for linux/${lock.architecture}, ${count(files.length, 'file')}, ${count(lock.images.length, 'image')}, ${(size / 2 ** 20).toFixed(0)} MiB\n`,
    );
  };
  // Exporting takes room on the host for a while: no other run is to be in between.
  await withSession('bundle create', options, options.host === undefined ? 'look' : 'change', body);
}

/** `el9=FOLDER`, or the folder alone. */
function readPackageFolder(text: string): CreateRequest['packages'][number] {
  const [, system, folder] = /^([a-z0-9.-]+)=(.+)$/s.exec(text) ?? [];
  return system === undefined || folder === undefined ? { folder: text } : { folder, system };
}
