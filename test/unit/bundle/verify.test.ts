// A bundle against its lock: what is wrong with it is said in a sentence of its own, for each kind of file.
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseLock, type BundleLock } from '../../../src/bundle/lock.ts';
import { verifyBundle } from '../../../src/bundle/verify.ts';
import { archive, image, lockOf, parts, program, sha, version, writeBundle } from './fixture.ts';

const sentences = async (folder: string): Promise<readonly string[]> =>
  (await verifyBundle(folder)).findings.map(({ path, text }) => (path === undefined ? text : `${path} ${text}`));

/** What is said of a bundle in which this file changed and the lock did not. */
async function changed(path: string, change: (body: Buffer) => Buffer): Promise<readonly string[]> {
  const files = parts();
  const lock = lockOf(files);
  return sentences(writeBundle(files.set(path, change(files.get(path) ?? Buffer.alloc(0))), lock));
}

/** What is said of a bundle whose lock was made for the changed file: a mistake, not an accident. */
async function locked(path: string, body: Buffer, more: Partial<BundleLock> = {}): Promise<readonly string[]> {
  const files = parts().set(path, body);
  return sentences(writeBundle(files, { ...lockOf(files), ...more }));
}

const flipped = (body: Buffer): Buffer => {
  const bytes = Buffer.from(body);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
};

test('a bundle that is as its lock says has no findings', async () => {
  expect(await sentences(writeBundle(parts()))).toEqual([]);
});

const kinds = [
  ['a program', 'binaries/kubelet'],
  ['a CNI plugin', 'binaries/cni/bridge'],
  ['a package', 'packages/rpm/socat-1.7.4-6.el9.x86_64.rpm'],
  ['an image archive', 'images/0.tar'],
] as const;

test.each(kinds)('%s with a flipped byte', async (_, path) => {
  expect((await changed(path, flipped))[0]).toMatch(
    new RegExp(`^${path} is sha256:[0-9a-f]{64}, the lock file has sha256:[0-9a-f]{64}$`),
  );
});

test.each(kinds)('%s that is cut off', async (_, path) => {
  const size = parts().get(path)?.length ?? 0;
  expect(await changed(path, (body) => body.subarray(0, 15))).toEqual([`${path} is cut off: 15 bytes of ${size}`]);
});

test.each(kinds)('%s that is missing', async (_, path) => {
  const folder = writeBundle(parts());
  rmSync(join(folder, path));
  expect(await sentences(folder)).toEqual([`${path} is missing`]);
});

test('the blob with the flipped byte is named', async () => {
  const layer = Buffer.from('the layer of registry.k8s.io/kube-apiserver');
  const said = await changed('images/0.tar', (body) => {
    const bytes = Buffer.from(body);
    bytes[bytes.indexOf(layer)] = 0x54;
    return bytes;
  });
  expect(said.at(1)).toMatch(/^images\/0\.tar is damaged: the blob sha256:[0-9a-f]{64} is sha256:[0-9a-f]{64}$/);
});

test.each([
  ['binaries/runc', program({ machine: 183 }), 'binaries/runc is for arm64, the bundle for amd64'],
  ['binaries/cni/bridge', program({ machine: 183 }), 'binaries/cni/bridge is for arm64, the bundle for amd64'],
  ['binaries/runc', Buffer.from('#!/bin/sh\n'), 'binaries/runc is not a Linux amd64/arm64 executable'],
  [
    'binaries/kubelet',
    program({ texts: ['v1.2.3'] }),
    `binaries/kubelet is of another version, the bundle is for ${version}`,
  ],
  [
    'binaries/kubelet',
    program({ texts: [], account: 'path\tk8s.io/kubernetes/cmd/kubelet\ndep\tk8s.io/kubernetes\tv1.2.3\n' }),
    `binaries/kubelet is v1.2.3, the bundle is for ${version}`,
  ],
])('%s that is not for this bundle, whatever its lock says', async (path, body, said) => {
  expect(await locked(path, body)).toEqual([said]);
});

const first = `registry.k8s.io/kube-apiserver:${version}`;

test('an image for another machine', async () => {
  const foreign = image(first, { architecture: 'arm64' });
  const { images } = lockOf(parts());
  const said = await locked('images/0.tar', archive([foreign]), {
    images: images.map((one) => (one.name === first ? { ...one, digest: foreign.digest } : one)),
  });
  expect(said).toEqual([`images/0.tar has ${first} for arm64, not for amd64`]);
});

test('an image of another digest under the same tag', async () => {
  const other = image(first, { layer: 'somebody else was here' });
  expect(await locked('images/0.tar', archive([other]))).toEqual([
    `images/0.tar has ${first} as ${other.digest}, the lock file has ${image(first).digest}`,
  ]);
});

test('an image that nobody locked, and one that lacks a layer', async () => {
  const whole = image(first);
  const extra = image('example.org/extra:1');
  expect(await locked('images/0.tar', archive([whole, extra]))).toEqual([
    'images/0.tar has example.org/extra:1, which is not in the lock',
  ]);
  const [config = Buffer.alloc(0), layer = Buffer.alloc(0), manifest = Buffer.alloc(0)] = whole.blobs;
  expect(await locked('images/0.tar', archive([{ ...whole, blobs: [config, manifest] }]))).toEqual([
    `images/0.tar lacks parts of ${first}: sha256:${sha(layer)}`,
  ]);
});

test('files that the lock does not know, and links in the place of files', async () => {
  const folder = writeBundle(parts());
  writeFileSync(join(folder, 'images/more.tar'), '');
  rmSync(join(folder, 'binaries/runc'));
  symlinkSync('kubelet', join(folder, 'binaries/runc'));
  expect(await sentences(folder)).toEqual(
    expect.arrayContaining(['images/more.tar is not in the lock', 'binaries/runc is not a regular file']),
  );
});

test('every image and program that a cluster of the version needs is asked for, in one sentence each', async () => {
  const files = parts();
  const lock = lockOf(files);
  files.delete('binaries/runc');
  const folder = writeBundle(files, {
    ...lock,
    binaries: lock.binaries.filter(({ name }) => name !== 'runc'),
    images: lock.images.filter(({ name }) => !/coredns|pause/.test(name)),
    archives: lock.archives,
  });
  const said = await sentences(folder);
  expect(said).toContain('lacks programs: runc');
  expect(said.find((text) => text.startsWith('lacks images'))).toMatch(
    new RegExp(`^lacks images of ${version}: registry.k8s.io/coredns/coredns:\\S+, registry.k8s.io/pause:\\S+$`),
  );
});

// ------------------------------------------------------------------------------------------------------- the lock

test('a lock is read as it was written', () => {
  const lock = lockOf(parts());
  expect(parseLock(JSON.stringify(lock))).toEqual(lock);
});

test.each([
  ['no JSON', '{', 'it is not a JSON object'],
  ['another schema', '{"schemaVersion": 2}', 'its schemaVersion is 2; this kbinit knows 1'],
  ['nothing in it', '{"schemaVersion": 1}', 'binaries is not a list'],
])('a lock with %s is refused', (_, text, said) => {
  expect(() => parseLock(text)).toThrow(said);
});

test.each(['../../etc/passwd', 'binaries/../../x', '/etc/passwd', 'binaries/.hidden', 'binaries/-rf', 'images/x'])(
  'a lock does not lead to %s',
  (path) => {
    const lock = lockOf(parts());
    const binaries = [{ name: 'kubelet', size: 1, sha256: 'a'.repeat(64), path }];
    expect(() => parseLock(JSON.stringify({ ...lock, binaries }))).toThrow('which cannot be');
  },
);

test('a file or an image that is named twice, and an image in no archive, are refused', () => {
  const lock = lockOf(parts());
  const [binary] = lock.binaries;
  expect(() => parseLock(JSON.stringify({ ...lock, binaries: [binary, binary] }))).toThrow('names the file');
  expect(() => parseLock(JSON.stringify({ ...lock, images: [...lock.images, ...lock.images] }))).toThrow(
    'names the image',
  );
  expect(() => parseLock(JSON.stringify({ ...lock, archives: [] }))).toThrow('which is not an archive of the bundle');
});
