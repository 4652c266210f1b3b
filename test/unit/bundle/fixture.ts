// Small bundles made of made-up programs and images, and the ways in which they go wrong.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { formatLock, lockName, type BundleLock, type LockedFile } from '../../../src/bundle/lock.ts';
import { wantedImages } from '../../../src/bundle/wanted.ts';
import { newestVersion } from '../../../src/kube/releases.ts';
import { formatVersion } from '../../../src/kube/version.ts';

export const version: string = formatVersion(newestVersion());

export function sha(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A program that says so by its first bytes; the account is as Go's linker writes it. */
export function program(
  options: { readonly machine?: number; readonly texts?: readonly string[]; readonly account?: string } = {},
): Buffer {
  const { machine = 62, texts = [version], account = '' } = options;
  const head = Buffer.alloc(64);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]).copy(head);
  head.writeUInt16LE(machine, 18);
  const modules =
    account === ''
      ? []
      : [
          Buffer.from('3077af0c9274080241e1c107e6d618e6', 'hex'),
          Buffer.from(account),
          Buffer.from('f932433186182072008242104116d8f2', 'hex'),
        ];
  return Buffer.concat([head, ...texts.map((text) => Buffer.from(`\0${text}\0`)), ...modules]);
}

// ------------------------------------------------------------------------------------------------------- archives

/** A file of a tar archive: a name of up to 100 letters, or a longer one in GNU's way. */
function entry(name: string, body: Buffer, type = '0'): Buffer {
  if (name.length > 100) return Buffer.concat([entry('long', Buffer.from(`${name}\0`), 'L'), entry('short', body)]);
  const header = Buffer.alloc(512);
  header.write(name, 0, 'latin1');
  header.write('0000644\0', 100, 'latin1');
  header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  header.write('        ', 148, 'latin1');
  header.write(type, 156, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

/** An entry of another type than a file, with the name that it links to. */
export function oddEntry(name: string, type: string): Buffer {
  return entry(name, Buffer.alloc(0), type);
}

export function tar(files: readonly (readonly [name: string, body: Buffer | string])[]): Buffer {
  return Buffer.concat([...files.map(([name, body]) => entry(name, Buffer.from(body))), Buffer.alloc(1024)]);
}

export interface ImageOptions {
  readonly architecture?: string;
  readonly layer?: string;
  /** Below an index of platforms, as a registry has it. */
  readonly isIndexed?: boolean;
}

export interface Image {
  readonly name: string;
  readonly digest: string;
  readonly blobs: readonly Buffer[];
}

export function image(name: string, options: ImageOptions = {}): Image {
  const { architecture = 'amd64', layer = `the layer of ${name}`, isIndexed = false } = options;
  const config = Buffer.from(JSON.stringify({ architecture, os: 'linux' }));
  const manifest = Buffer.from(
    JSON.stringify({ schemaVersion: 2, config: descriptor(config), layers: [descriptor(Buffer.from(layer))] }),
  );
  const platform = { os: 'linux', architecture };
  const other = { digest: `sha256:${'0'.repeat(64)}`, size: 1, platform: { os: 'linux', architecture: 's390x' } };
  const index = Buffer.from(JSON.stringify({ manifests: [other, { ...descriptor(manifest), platform }] }));
  const blobs = [config, Buffer.from(layer), manifest, ...(isIndexed ? [index] : [])];
  return { name, digest: `sha256:${sha(isIndexed ? index : manifest)}`, blobs };
}

function descriptor(bytes: Buffer): { readonly digest: string; readonly size: number } {
  return { digest: `sha256:${sha(bytes)}`, size: bytes.length };
}

/** An archive as containerd exports it. */
export function archive(images: readonly Image[]): Buffer {
  const manifests = images.map(({ name, digest }) => ({
    digest,
    size: 1,
    annotations: { 'io.containerd.image.name': name },
  }));
  return tar([
    ['oci-layout', '{"imageLayoutVersion":"1.0.0"}'],
    ['index.json', JSON.stringify({ schemaVersion: 2, manifests })],
    ...images.flatMap(({ blobs }) => blobs.map((blob) => [`blobs/sha256/${sha(blob)}`, blob] as const)),
  ]);
}

// -------------------------------------------------------------------------------------------------------- bundles

/** What a bundle is made of, by path; each test changes what it is about. */
export function parts(): Map<string, Buffer> {
  const names = ['kubelet', 'kubectl', 'containerd', 'containerd-shim-runc-v2', 'runc', 'ctr', 'crictl', 'cni/bridge'];
  const images = wantedImages({ version: newestVersion(), imageRepository: 'registry.k8s.io', network: 'flannel' });
  return new Map([
    ...names.map((name) => [`binaries/${name}`, program()] as const),
    ['packages/rpm/socat-1.7.4-6.el9.x86_64.rpm', Buffer.from('the package of socat')],
    ...images.map(({ name }, index) => [`images/${index}.tar`, archive([image(name)])] as const),
  ]);
}

/** The lock of these parts. */
export function lockOf(files: ReadonlyMap<string, Buffer>): BundleLock {
  const locked = [...files].map(([path, body]): LockedFile => ({ path, size: body.length, sha256: sha(body) }));
  const images = wantedImages({ version: newestVersion(), imageRepository: 'registry.k8s.io', network: 'flannel' });
  const below = (folder: string): readonly LockedFile[] => locked.filter(({ path }) => path.startsWith(`${folder}/`));
  return {
    schemaVersion: 1,
    kubernetesVersion: version,
    architecture: 'amd64',
    imageRepository: 'registry.k8s.io',
    network: 'flannel',
    binaries: below('binaries').map((file) => ({ name: file.path.slice('binaries/'.length), ...file })),
    packages: below('packages').map((file) => ({
      name: 'socat',
      version: '1.7.4-6.el9',
      architecture: 'x86_64',
      format: 'rpm',
      system: 'rpm',
      ...file,
    })),
    archives: below('images'),
    images: images.map((wanted, index) => ({
      ...wanted,
      digest: image(wanted.name).digest,
      archive: `images/${index}.tar`,
    })),
  };
}

/** Put a bundle into a folder of its own. */
export function writeBundle(files: ReadonlyMap<string, Buffer>, lock: BundleLock = lockOf(files)): string {
  const folder = mkdtempSync(join(tmpdir(), 'kbinit-bundle-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [path, body] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), body);
  }
  writeFileSync(join(folder, lockName), formatLock(lock));
  return folder;
}
