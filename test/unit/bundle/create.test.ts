// Making a bundle: what it needs is asked for at once, and it is whole or not there.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createBundle } from '../../../src/bundle/create.ts';
import type { CreateRequest, ImageHost } from '../../../src/bundle/gather.ts';
import { parseLock } from '../../../src/bundle/lock.ts';
import { openImageHost } from '../../../src/bundle/export.ts';
import { readCtrList } from '../../../src/prepare/found-images.ts';
import { readPackageName } from '../../../src/bundle/package-name.ts';
import { verifyBundle } from '../../../src/bundle/verify.ts';
import { wantedImages } from '../../../src/bundle/wanted.ts';
import { KbError } from '../../../src/errors.ts';
import { newestVersion } from '../../../src/kube/releases.ts';
import { FakeHost } from '../../fakes/host.ts';
import { archive, image, program, sha, tar, version } from './fixture.ts';

const wish = { version: newestVersion(), imageRepository: 'registry.k8s.io', network: 'flannel' } as const;
const names = wantedImages(wish).map(({ name }) => name);

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kbinit-create-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, body: Buffer | string): string {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), body);
  return join(root, path);
}

/** Programs with their lock, and every image as an archive of its own. */
function inputs(change: { readonly programs?: Readonly<Record<string, Buffer>> } = {}): CreateRequest {
  const programs = ['kubelet', 'kubectl', 'containerd', 'containerd-shim-runc-v2', 'runc', 'ctr', 'cni/bridge'];
  const sums = programs.map((name) => {
    const body = change.programs?.[name] ?? program();
    put(`programs/${name}`, body);
    return `${sha(body)}  ${name}\n`;
  });
  put('programs/SHA256SUMS', `${sums.join('')}${'0'.repeat(64)}  LICENSE\n`);
  for (const [index, name] of names.entries()) put(`images/${index}.tar`, archive([image(name)]));
  put('el9/socat-1.7.4.1-6.el9.x86_64.rpm', 'the package of socat');
  return {
    ...wish,
    output: join(root, 'bundle'),
    binaries: join(root, 'programs'),
    packages: [{ folder: join(root, 'el9'), system: 'el9' }],
    images: [join(root, 'images')],
    tell: () => undefined,
  };
}

async function refused(request: CreateRequest): Promise<readonly string[]> {
  const error: unknown = await createBundle(request).catch((caught: unknown) => caught);
  expect(readdirSync(root).filter((name) => name.includes('bundle'))).toEqual([]);
  return error instanceof KbError ? error.problems.map(({ code, detail }) => `${code} ${detail}`) : [String(error)];
}

test('a bundle is what verify takes, with the lock that create answers', async () => {
  const request = inputs();
  const lock = await createBundle(request);
  expect(parseLock(readFileSync(join(root, 'bundle/kbinit-bundle.json'), 'utf8'))).toEqual(lock);
  expect((await verifyBundle(request.output)).findings).toEqual([]);
  expect(lock.images.map(({ name }) => name).toSorted()).toEqual([...names].toSorted());
  expect(lock.images.filter(({ only }) => only === 'control-plane')).toHaveLength(4);
  expect(lock.packages).toMatchObject([{ name: 'socat', version: '1.7.4.1-6.el9', format: 'rpm', system: 'el9' }]);
  expect(lock.binaries.find(({ name }) => name === 'kubelet')?.version).toBe(version);
  // LICENSE is in SHA256SUMS and no program that kbinit knows.
  expect(lock.binaries).toHaveLength(7);
});

test('what exists is not overwritten', async () => {
  const request = inputs();
  await createBundle(request);
  const before = readFileSync(join(root, 'bundle/kbinit-bundle.json'));
  await expect(createBundle(request)).rejects.toThrow('KB_FILE_EXISTS');
  expect(readFileSync(join(root, 'bundle/kbinit-bundle.json'))).toEqual(before);
});

test('what a killed run left is no hindrance and not part of the bundle', async () => {
  put('.bundle.kbinit/images/half.tar', 'half');
  const request = inputs();
  await createBundle(request);
  expect(existsSync(join(root, 'bundle/images/half.tar'))).toBe(false);
  expect(existsSync(join(root, '.bundle.kbinit'))).toBe(false);
});

test('all images that are missing are named in one sentence', async () => {
  const said = await refused({ ...inputs(), images: [join(root, 'images/0.tar'), join(root, 'images/4.tar')] });
  expect(said).toEqual([
    `KB_BUNDLE_INPUT ${names.filter((_, index) => index !== 0 && index !== 4).join(', ')}: not in the archives`,
  ]);
});

/** A host with these images; what it exports may be something else. */
function hostWith(images: readonly string[], export_ = (name: string) => image(name)): ImageHost {
  return {
    name: 'master1',
    isPulling: false,
    find: async (wanted) =>
      new Map(images.flatMap((name) => (wanted.includes(name) ? [[name, image(name).digest] as const] : []))),
    fetch: (name, file) => writeFile(file, archive([export_(name)])),
  };
}

test('what no archive has comes from the host, with the digest that its containerd tells', async () => {
  const request = inputs();
  const lock = await createBundle({ ...request, images: [join(root, 'images/0.tar')], host: hostWith(names) });
  expect(lock.archives).toHaveLength(names.length);
  expect(lock.images.find(({ name }) => name === names[3])?.digest).toBe(image(names[3] ?? '').digest);
  expect((await verifyBundle(request.output)).findings).toEqual([]);
});

test('what neither has is missing; what was exported as something else makes no bundle', async () => {
  const request = { ...inputs(), images: [] };
  expect(await refused({ ...request, host: hostWith(names.slice(1)) })).toEqual([
    `KB_BUNDLE_INPUT ${names[0]}: not on master1`,
  ]);
  const other = hostWith(names, (name) => image(name, { layer: 'another one' }));
  expect((await refused({ ...request, host: other }))[0]).toMatch(/was exported as sha256:\w+, containerd has sha256:/);
});

test('every problem of programs, packages and archives is said at once, and nothing is written', async () => {
  const request = inputs({ programs: { runc: program({ machine: 183 }), kubelet: program({ texts: ['v1.2.3'] }) } });
  put('programs/ctr', program({ texts: ['changed'] }));
  put('images/0.tar', tar([['manifest.json', '[]']]));
  put('el9/glibc.rpm', '');
  put('el9/ethtool-6-1.el9.aarch64.rpm', '');
  put('el9/kubelet-1.36.3-1.x86_64.rpm', '');
  const said = (await refused(request)).map((text) => text.replaceAll(`${root}/`, ''));
  expect(said).toEqual([
    `KB_BUNDLE_INPUT programs/kubelet is of another version, the bundle is for ${version}`,
    expect.stringMatching(/^KB_BUNDLE_INPUT programs\/ctr is sha256:[0-9a-f]{64}, SHA256SUMS has sha256:[0-9a-f]{64}$/),
    'KB_BUNDLE_INPUT programs/runc is for arm64, the bundle for amd64',
    'KB_BUNDLE_INPUT el9/ethtool-6-1.el9.aarch64.rpm is for aarch64, the bundle for amd64',
    'KB_BUNDLE_INPUT el9/glibc.rpm is not named as packages are (NAME-VERSION-RELEASE.ARCH.rpm, NAME_VERSION_ARCH.deb)',
    'KB_BUNDLE_INPUT el9/kubelet-1.36.3-1.x86_64.rpm has kubelet, which comes as a program',
    expect.stringMatching(/^KB_BUNDLE_INPUT images\/0\.tar is an archive of `docker save` without an OCI index/),
    `KB_BUNDLE_INPUT ${names[0]}: not in the archives`,
  ]);
});

test('an archive that brings nothing new is left out; another image under a known name is refused', async () => {
  const request = inputs();
  put('images/again.tar', archive([image(names[0] ?? '')]));
  const lock = await createBundle(request);
  expect(lock.archives).toHaveLength(names.length);
  put('images/other.tar', archive([image(names[0] ?? '', { layer: 'other' })]));
  await expect(createBundle({ ...request, output: join(root, 'second') })).rejects.toThrow(
    `has another ${names[0]} than an archive before it`,
  );
});

test('a folder without packages, and one that is not there', async () => {
  mkdirSync(join(root, 'empty'));
  expect(await refused({ ...inputs(), packages: [{ folder: join(root, 'empty') }] })).toEqual([
    `KB_BUNDLE_INPUT ${join(root, 'empty')} has no file that ends in .rpm or .deb`,
  ]);
  expect((await refused({ ...inputs(), packages: [{ folder: join(root, 'gone') }] }))[0]).toContain('KB_FILE');
});

test('a run that was told to stop leaves nothing', async () => {
  const controller = new AbortController();
  controller.abort();
  expect(await refused({ ...inputs(), signal: controller.signal })).toEqual(['KB_INTERRUPTED no bundle was made']);
});

test.each([
  ['socat-1.7.4.1-6.el9.x86_64.rpm', 'socat', '1.7.4.1-6.el9', 'x86_64'],
  ['container-selinux-2.229.0-1.el9.noarch.rpm', 'container-selinux', '2.229.0-1.el9', 'noarch'],
  ['iproute2_6.1.0-3_amd64.deb', 'iproute2', '6.1.0-3', 'amd64'],
  ['chrony_1%3a4.3-2_all.deb', 'chrony', '1:4.3-2', 'all'],
])('the name of %s', (file, name, packageVersion, architecture) => {
  expect(readPackageName(file)).toMatchObject({ name, version: packageVersion, architecture });
});

test("ctr's list of images", () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const list = `REF TYPE DIGEST SIZE PLATFORMS LABELS\nregistry.k8s.io/pause:3.10 application/vnd ${digest} 1.0 KiB linux/amd64 -\n`;
  expect(readCtrList(list.split('\n'))).toEqual([['registry.k8s.io/pause:3.10', digest]]);
});

test.each(['Infinity', '1e9', '-5', '0', '1.5', '99999999999999', '0x10', ''])(
  'the size %s of an exported archive is believed of no host, and nothing is read for it',
  async (size) => {
    const host = new FakeHost({
      replies: [
        ['export', size],
        ['rm -rf', ''],
      ],
    });
    const read: unknown[] = [];
    const readPieces = (file: unknown): Readable => {
      read.push(file);
      return Readable.from([]);
    };
    const fetched = openImageHost({ host, readPieces }).fetch('one:1', join(root, 'one.tar'));
    await expect(fetched).rejects.toThrow('KB_IMAGE_EXPORT');
    expect(read).toEqual([]);
  },
);

test('a host pulls what it lacks where it was told to, and nothing else', async () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const there = new Set(['one:1']);
  const host = new FakeHost({
    replies: [['images ls', () => [...there].map((name) => `${name} type ${digest}\n`).join('')]],
  });
  const way = { host, readPieces: () => Readable.from([]) };
  expect([...(await openImageHost(way).find(['one:1', 'two:1'], true)).keys()]).toEqual(['one:1']);
  const pulled: string[] = [];
  const pull = async (name: string): Promise<void> => {
    pulled.push(name);
    there.add(name);
  };
  const found = await openImageHost({ ...way, pull }).find(['one:1', 'two:1'], true);
  expect((await openImageHost({ ...way, pull }).find(['three:1'], false)).size).toBe(0);
  expect([[...found.keys()], pulled]).toEqual([['one:1', 'two:1'], ['two:1']]);
});
