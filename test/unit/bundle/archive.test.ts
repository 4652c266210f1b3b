// Image archives of several makers: what is read, and what is refused with the way out.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { inspectArchive, type ArchiveReport } from '../../../src/bundle/archive.ts';
import { inspectProgram } from '../../../src/bundle/program.ts';
import { archive, image, oddEntry, program, tar } from './fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'kbinit-archive-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function inspect(bytes: Buffer): Promise<ArchiveReport> {
  const path = join(folder, 'image.tar');
  writeFileSync(path, bytes);
  return inspectArchive(path, 'amd64');
}

test('several images in one archive, also below an index of platforms whose others are not there', async () => {
  const images = [image('registry.k8s.io/a:1'), image('registry.k8s.io/b:1', { isIndexed: true })];
  const report = await inspect(archive(images));
  expect(report.findings).toEqual([]);
  expect(report.images).toEqual(images.map(({ name, digest }) => ({ name, digest })));
});

test('an index of platforms without the one that is wanted', async () => {
  const { findings } = await inspect(
    archive([image('registry.k8s.io/b:1', { isIndexed: true, architecture: 'arm64' })]),
  );
  expect(findings).toEqual(['has registry.k8s.io/b:1 for other platforms only, not for linux/amd64']);
});

test('a blob larger than a piece that is read, with a name too long for a header', async () => {
  const large = image('registry.k8s.io/large:1', { layer: 'x'.repeat(3_000_000) });
  const long = `blobs/${'y'.repeat(120)}`;
  const body = Buffer.concat([tar([[long, 'nothing']]).subarray(0, -1024), archive([large])]);
  const { findings, images } = await inspect(body);
  expect(images).toHaveLength(1);
  expect(findings).toEqual([expect.stringContaining(`is damaged: ${long} is sha256:`)]);
});

test.each([
  ['docker save of before 25', tar([['manifest.json', '[]']]), 'save it with Docker 25 or newer'],
  ['any other tar', tar([['README', 'hello']]), 'has no OCI index'],
  [
    'an index that names no image',
    tar([['index.json', JSON.stringify({ manifests: [{ digest: 'sha256:0' }] })]]),
    'has an image without a full name (entry 1 of its index lacks io.containerd.image.name)',
  ],
  ['no tar', Buffer.alloc(2000, 'x'), 'is not whole: it is not a tar archive, or is damaged'],
  ['a compressed one', gzipSync(archive([image('registry.k8s.io/a:1')])), 'is compressed: unpack it with gunzip'],
  ['an empty file', Buffer.alloc(0), 'is not whole: its end is missing'],
  [
    'one that was cut between two files',
    archive([image('registry.k8s.io/a:1')]).subarray(0, -1024),
    'is not whole: its end is missing',
  ],
  [
    'one that was cut',
    archive([image('registry.k8s.io/a:1')]).subarray(0, 1400),
    'it is truncated in the middle of a file',
  ],
])('%s is refused', async (_, bytes, said) => {
  expect((await inspect(bytes)).findings.join('\n')).toContain(said);
});

// ------------------------------------------------------------------------------------------------------- programs

async function inspectBytes(bytes: Buffer, wanted: readonly string[] = []): ReturnType<typeof inspectProgram> {
  const path = join(folder, 'program');
  writeFileSync(path, bytes);
  return inspectProgram(path, wanted);
}

const account =
  'path\tgithub.com/containerd/containerd/v2/cmd/ctr\nmod\tlab\t(devel)\t\ndep\tgithub.com/containerd/containerd/v2\tv2.3.5\th1:x=\ndep\tgithub.com/containerd/containerd/v2/api\tv9.9.9\n';

test("a program's version is that of the module it was built from, as Go wrote it down", async () => {
  const found = await inspectBytes(program({ account }));
  expect([found.architecture, found.version]).toEqual(['amd64', 'v2.3.5']);
  expect((await inspectBytes(program({ account: 'path\tx/cmd\nmod\tx\t(devel)\n' }))).version).toBeUndefined();
  expect((await inspectBytes(program())).version).toBeUndefined();
});

test.each([1_048_570, 1_048_560, 1_048_500])(
  'texts and accounts that lie across two pieces are found (at %i)',
  async (at) => {
    const start = program({ texts: [] });
    const filled = Buffer.concat([start, Buffer.alloc(at - start.length), program({ texts: ['v1.36.3'], account })]);
    const found = await inspectBytes(filled, ['v1.36.3', 'v1.35.0']);
    expect([...found.texts]).toEqual(['v1.36.3']);
    expect(found.version).toBe('v2.3.5');
  },
);

/** The archive of an image with more in front of it or behind it. */
function around(before: readonly (readonly [string, string])[], after: readonly (readonly [string, string])[]): Buffer {
  const cut = (bytes: Buffer): Buffer => bytes.subarray(0, -1024);
  return Buffer.concat([cut(tar(before)), cut(archive([image('registry.k8s.io/a:1')])), tar(after)]);
}

const evil = JSON.stringify({ manifests: [{ digest: `sha256:${'0'.repeat(64)}` }] });

test.each([
  ['a second index, which containerd takes', around([], [['index.json', evil]]), 'has "index.json" twice'],
  [
    'an index under a name that containerd cleans',
    around([], [['x/../index.json', evil]]),
    'has a file of the name "x/../index.json"',
  ],
  ['one with a slash too many', around([], [['.//index.json', evil]]), 'has a file of the name ".//index.json"'],
  ['one from the root', around([], [['/index.json', evil]]), 'has a file of the name "/index.json"'],
  [
    'a name that steers the terminal',
    around([], [['x\u001B[2J', evil]]),
    String.raw`has a file of the name "x\u001b[2J"`,
  ],
  [
    'names beside the index',
    around([['manifest.json', '[{"RepoTags":["evil:1"]}]']], []),
    'has "docker.io/library/evil:1" in manifest.json, and not in its index',
  ],
  ['a manifest.json that is none', around([['manifest.json', 'x']], []), 'has a manifest.json that cannot be read'],
  [
    'a link to an index',
    Buffer.concat([oddEntry('index.json', '2'), archive([image('registry.k8s.io/a:1')])]),
    'has "index.json", a symlink',
  ],
  [
    'an index without oci-layout, of which containerd takes manifest.json',
    tar([
      ['index.json', JSON.stringify({ manifests: [] })],
      ['manifest.json', '[]'],
    ]),
    'has no oci-layout of version 1.0.0',
  ],
  [
    'keys that Go takes for the same',
    tar([
      ['oci-layout', '{"imageLayoutVersion":"1.0.0"}'],
      ['index.json', '{"manifests":[],"Manifests":[{}]}'],
    ]),
    'has an index.json whose keys are not written as the OCI has them',
  ],
])('an archive that containerd reads otherwise is refused: %s', async (_, bytes, said) => {
  expect((await inspect(bytes)).findings).toContainEqual(expect.stringContaining(said));
});

test('what docker save and tar write is taken: manifest.json with the same names, and ./ before each', async () => {
  const docker = around([['manifest.json', '[{"RepoTags":["registry.k8s.io/a:1"]},{"RepoTags":null}]']], []);
  expect((await inspect(docker)).findings).toEqual([]);
});
