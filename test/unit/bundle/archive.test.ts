// Image archives of several makers: what is read, and what is refused with the way out.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { inspectArchive, type ArchiveReport } from '../../../src/bundle/archive.ts';
import { inspectProgram } from '../../../src/bundle/program.ts';
import { archive, image, program, tar } from './fixture.ts';

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
  ['no tar', Buffer.alloc(2000, 'x'), 'is not whole: it is no tar archive, or is damaged'],
  ['a compressed one', gzipSync(archive([image('registry.k8s.io/a:1')])), 'is compressed: unpack it with gunzip'],
  ['an empty file', Buffer.alloc(0), 'is not whole: its end is missing'],
  [
    'one that was cut between two files',
    archive([image('registry.k8s.io/a:1')]).subarray(0, -1024),
    'is not whole: its end is missing',
  ],
  ['one that was cut', archive([image('registry.k8s.io/a:1')]).subarray(0, 1400), 'it ends in the middle of a file'],
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
