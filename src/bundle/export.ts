// Images out of a host's containerd: exported one by one into a folder of root's, and read from there in pieces.
import { open } from 'node:fs/promises';
import { KbError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { containerdSocket, runtimeTools } from '../host/runtime.ts';
import { script, sh } from '../host/shell.ts';
import { readCtrList } from '../prepare/found-images.ts';
import type { ImageHost } from './gather.ts';

/** How the host is worked with; reading in pieces is the host room's. */
export interface ExportWay {
  readonly host: Pick<Host, 'name' | 'probe' | 'run'>;
  readonly readPieces: (file: { readonly path: string; readonly size: number }) => AsyncIterable<Uint8Array>;
  /** Where the host may get what it lacks. */
  readonly pull?: (image: string) => Promise<void>;
  readonly signal?: AbortSignal;
}

/** No image has more; the disk here is filled with no more than a host says before. */
const largestArchive = 64 * 2 ** 30;

/** One at a time: the run has the host's lock. */
const folder = '/var/lib/kbinit/export';

// What a killed run left goes first; a failed export leaves nothing. Since containerd 2.0 ctr has the daemon write to it
// and may end before it has taken the last bytes (an archive without its index, exit code 0): with --local it writes itself,
// as older ones do anyway.
const exporter = script`
umask 022
mkdir -p -- "$(dirname -- "$1")" || exit 1
rm -rf --one-file-system -- "$1"
umask 077
mkdir -- "$1" || exit 1
local=
! k8s_ctr images export --help 2>/dev/null | grep -q -e --local || local=--local
k8s_ctr images export $local "$1/image.tar" "$2" >&2 || { rm -rf --one-file-system -- "$1"; exit 1; }
stat -c %s -- "$1/image.tar"
`;

/** A host as a source of images. */
export function openImageHost(way: ExportWay): ImageHost {
  return {
    name: way.host.name,
    isPulling: way.pull !== undefined,
    find: (images, mayPull) => findImages(way, images, mayPull),
    fetch: (image, file) => fetchImage(way, image, file),
  };
}

/** @throws KbError KB_IMAGE_EXPORT, KB_IMAGE_PULL */
async function findImages(
  way: ExportWay,
  images: readonly string[],
  mayPull: boolean,
): Promise<ReadonlyMap<string, string>> {
  let there = await listImages(way);
  const missing = images.filter((name) => !there.has(name));
  if (way.pull !== undefined && mayPull && missing.length > 0) {
    for (const name of missing) await way.pull(name);
    there = await listImages(way);
  }
  return new Map(
    images.flatMap((name): [string, string][] => {
      const digest = there.get(name);
      return digest === undefined ? [] : [[name, digest]];
    }),
  );
}

async function listImages({ host }: ExportWay): Promise<ReadonlyMap<string, string>> {
  const { code, stdout, stderr } = await host.probe(sh`${runtimeTools(containerdSocket)}k8s_ctr images ls`, {
    why: 'list the images',
  });
  if (code === 0) return new Map(readCtrList(stdout.split('\n')));
  throw failed(host.name, `the images of containerd cannot be listed: ${lastLine(stderr)}`);
}

async function fetchImage(way: ExportWay, image: string, file: string): Promise<void> {
  const { host, signal } = way;
  const io = { timeoutSeconds: 1800, ...(signal !== undefined && { signal }) };
  try {
    const { code, stdout, stderr } = await host.run(
      sh`${runtimeTools(containerdSocket)}set -- ${folder} ${image}; ${exporter}`,
      `export ${image}`,
      io,
    );
    const size = /^[1-9]\d{0,11}$/.test(stdout.trim()) ? Number(stdout.trim()) : 0;
    if (code === 0 && (size === 0 || size > largestArchive)) {
      throw failed(host.name, `${image}: the size of its archive is ${stdout.trim().slice(0, 40)}`);
    }
    if (code !== 0) throw failed(host.name, `${image}: ${lastLine(stderr) || `exit code ${code}`}`);
    const to = await open(file, 'wx');
    try {
      for await (const piece of way.readPieces({ path: `${folder}/image.tar`, size })) await to.write(piece);
    } finally {
      await to.close();
    }
  } finally {
    await host.run(
      sh`rm -rf --one-file-system -- ${folder}; rmdir --ignore-fail-on-non-empty -- /var/lib/kbinit`,
      'remove the exported archive',
    );
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

function failed(host: string, detail: string): KbError {
  return new KbError({
    code: 'KB_IMAGE_EXPORT',
    summary: 'an image could not be taken from the host',
    host,
    detail,
    fix: 'check that containerd runs there and has all of the image (`ctr -n k8s.io images check`), and room below /var/lib',
  });
}
