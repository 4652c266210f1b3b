// Programs fetched from a server of our own, laid out as a mirror of where they are published.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { fetchPrograms, usualVersions } from '../../../src/bundle/fetch-programs.ts';
import { readLock } from '../../../src/prepare/binaries.ts';
import { newestVersion } from '../../../src/kube/releases.ts';
import { failureOf } from '../../fakes/failure.ts';
import { program, sha, tar, version } from './fixture.ts';

const versions = usualVersions(newestVersion());
const github = (project: string, release: string, file: string): string =>
  `/github.com/${project}/releases/download/v${release}/${file}`;
const kubelet = `/dl.k8s.io/release/${version}/bin/linux/amd64/kubelet`;
const containerd = github(
  'containerd/containerd',
  versions.containerd,
  `containerd-static-${versions.containerd}-linux-amd64.tar.gz`,
);
const runc = github('opencontainers/runc', versions.runc, 'runc.amd64');
const cni = github('containernetworking/plugins', versions.cni, `cni-plugins-linux-amd64-v${versions.cni}.tgz`);
const crictl = github('kubernetes-sigs/cri-tools', versions.crictl, `crictl-v${versions.crictl}-linux-amd64.tar.gz`);

/** What the server has; each test may change it. */
let published: Map<string, Buffer | string>;
let base = '';
let folder = '';

const server = createServer((request, response) => {
  const body = published.get(request.url ?? '');
  response.writeHead(body === undefined ? 404 : 200).end(body ?? 'no');
});
beforeAll(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address: AddressInfo | string | null = server.address();
  base = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}/` : '';
});
afterAll(() => {
  server.close();
});

afterEach(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kbinit-fetch-'));
  const put = (path: string, body: Buffer, sums = `${path}.sha256`, line = sha(body)): void => {
    published.set(path, body).set(sums, line);
  };
  published = new Map();
  put(kubelet, program());
  put(kubelet.replace('kubelet', 'kubectl'), program());
  const names = ['bin/containerd', 'bin/containerd-shim-runc-v2', 'bin/ctr', 'bin/containerd-stress'];
  const archive = gzipSync(tar(names.map((name) => [name, program({ texts: [name] })] as const)));
  put(containerd, archive, `${containerd}.sha256sum`, `${sha(archive)}  ${containerd.split('/').at(-1)}\n`);
  put(
    runc,
    program(),
    runc.replace('runc.amd64', 'runc.sha256sum'),
    `${sha('x')}  runc.arm64\n${sha(program())} *runc.amd64\n`,
  );
  const plugins = gzipSync(
    tar([
      ['./bridge', program()],
      ['./LICENSE', 'words'],
      ['../../etc/loopback', program()],
    ]),
  );
  put(cni, plugins, `${cni}.sha256`, `${sha(plugins)}  ${cni.split('/').at(-1)}\n`);
  put(crictl, gzipSync(tar([['crictl', program()]])));
});

function run(signal?: AbortSignal): Promise<void> {
  return fetchPrograms({
    version: newestVersion(),
    architecture: 'amd64',
    versions,
    base,
    folder,
    tell: () => undefined,
    ...(signal !== undefined && { signal }),
  });
}

test('what comes is a folder as --binaries takes it, with no file but programs', async () => {
  await run();
  const lock = readLock(readFileSync(join(folder, 'SHA256SUMS'), 'utf8'));
  const names = ['cni/bridge', 'cni/loopback', 'containerd', 'containerd-shim-runc-v2', 'crictl', 'ctr', 'kubectl'];
  expect([...lock.keys()].toSorted()).toEqual([...names, 'kubelet', 'runc']);
  for (const [name, hash] of lock) expect(sha(readFileSync(join(folder, name)))).toBe(hash);
  expect(readFileSync(join(folder, 'containerd-shim-runc-v2'), 'latin1')).toContain('bin/containerd-shim-runc-v2');
  expect(readdirSync(folder).toSorted()).toEqual([
    'SHA256SUMS',
    'cni',
    'containerd',
    'containerd-shim-runc-v2',
    'crictl',
    'ctr',
    'kubectl',
    'kubelet',
    'runc',
  ]);
});

test.each([
  [
    'another program',
    kubelet,
    Buffer.from('another'),
    /kubelet: is sha256:[0-9a-f]{64}, \S+kubelet\.sha256 has sha256:[0-9a-f]{64}/,
  ],
  ['another archive', containerd, gzipSync(tar([])), /containerd-static-\S+: is sha256:[0-9a-f]{64}, \S+ has/],
])('%s than its published checksum says is refused and gone', async (_, path, body, said) => {
  published.set(path, body);
  const { problems } = await failureOf(run());
  expect(problems[0]).toMatchObject({ code: 'KB_DOWNLOAD', detail: expect.stringMatching(said) });
  expect(existsSync(join(folder, 'kubelet'))).toBe(path !== kubelet);
  expect(existsSync(join(folder, 'containerd'))).toBe(false);
});

test('what is not published, and a list of checksums without the file, are told with their URL', async () => {
  published.set(runc.replace('runc.amd64', 'runc.sha256sum'), `${sha('x')}  runc.arm64\n`);
  expect((await failureOf(run())).problems[0]?.detail).toMatch(/runc\.sha256sum: has no sha256 of runc\.amd64$/);
  published.delete(kubelet);
  expect((await failureOf(run())).problems[0]?.detail).toMatch(/kubelet: the server answers 404/);
});

test('an archive that is what its checksum says and no archive', async () => {
  const body = Buffer.from('hello');
  published.set(crictl, body).set(`${crictl}.sha256`, sha(body));
  expect((await failureOf(run())).problems[0]?.detail).toMatch(/crictl-\S+: incorrect header check/);
});

test('a run that is told to stop stops', async () => {
  const controller = new AbortController();
  controller.abort();
  expect((await failureOf(run(controller.signal))).problems[0]?.code).toBe('KB_INTERRUPTED');
});
