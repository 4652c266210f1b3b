/** Owns the format of an image archive: an OCI layout in one tar file, made without a container engine. */
import { createHash } from 'node:crypto';
import { link, mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun, run } from './run.ts';

/** A layer as a plain tar file: its digest is also its diff id. */
export interface Layer {
  readonly file: string;
  readonly digest: string;
  readonly size: number;
}

/** What an image is made of. */
export interface ImagePlan {
  readonly name: string;
  readonly layers: readonly Layer[];
  readonly entrypoint?: readonly string[];
}

const media = 'application/vnd.oci.image';
// One date for everything: the same inputs give the same digests.
const created = '2026-01-01T00:00:00Z';

/** Packs a folder as a layer named by its digest. */
export async function packLayer(folder: string, outputFolder: string, owners: 'root' | 'kept'): Promise<Layer> {
  const file = join(outputFolder, `layer-${process.hrtime.bigint()}`);
  const root = owners === 'root' ? ['--owner=0', '--group=0'] : [];
  const same = ['--sort=name', `--mtime=${created}`, '--numeric-owner', '--hard-dereference', ...root];
  await tar([...same, '-C', folder, '-cf', file, '.']);
  const [digest = ''] = (await mustRun('sha256sum', [file])).split(' ');
  const named = join(outputFolder, digest);
  await rename(file, named);
  return { file: named, digest, size: (await stat(named)).size };
}

/** Writes the archive of an image; `work` is a folder of its own that the caller removes. */
export async function writeArchive(plan: ImagePlan, work: string, archive: string): Promise<void> {
  const blobs = join(work, 'blobs/sha256');
  await mkdir(blobs, { recursive: true });
  for (const layer of plan.layers) await link(layer.file, join(blobs, layer.digest));
  const platform = { architecture: goArchitecture(), os: 'linux' };
  const config = await writeBlob(blobs, {
    created,
    ...platform,
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      ...(plan.entrypoint === undefined ? {} : { Entrypoint: plan.entrypoint }),
      WorkingDir: '/',
    },
    rootfs: { type: 'layers', diff_ids: plan.layers.map(({ digest }) => `sha256:${digest}`) },
    history: plan.layers.map(() => ({ created, created_by: 'kbinit lab' })),
  });
  const manifest = await writeBlob(blobs, {
    schemaVersion: 2,
    mediaType: `${media}.manifest.v1+json`,
    config: { mediaType: `${media}.config.v1+json`, ...config },
    layers: plan.layers.map(({ digest, size }) => ({
      mediaType: `${media}.layer.v1.tar`,
      digest: `sha256:${digest}`,
      size,
    })),
  });
  const annotations = {
    'io.containerd.image.name': plan.name,
    'org.opencontainers.image.ref.name': plan.name.slice(plan.name.lastIndexOf(':') + 1),
  };
  const entry = { mediaType: `${media}.manifest.v1+json`, ...manifest, platform, annotations };
  await writeFile(join(work, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
  await writeFile(join(work, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  await tar(['-C', work, '-cf', archive, 'oci-layout', 'index.json', 'blobs']);
}

async function tar(args: readonly string[]): Promise<void> {
  const { code, stderr } = await run('tar', ['--warning=no-file-changed', ...args]);
  // 1 says that a file changed meanwhile: its count of hard links, which other steps add to. Contents are never written.
  if (code > 1) throw new Error(`tar ended with ${code}: ${stderr.trim()}`);
}

async function writeBlob(folder: string, content: unknown): Promise<{ digest: string; size: number }> {
  const text = JSON.stringify(content);
  const digest = createHash('sha256').update(text).digest('hex');
  await writeFile(join(folder, digest), text);
  return { digest: `sha256:${digest}`, size: Buffer.byteLength(text) };
}

function goArchitecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}
