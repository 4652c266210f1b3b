// Programs from where they are published, each held against the checksum that is published beside it.
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { pipeline } from 'node:stream/promises';
import { createReadStream } from 'node:fs';
import { interrupted, KbError } from '../errors.ts';
import { formatVersion, type KubeVersion } from '../kube/version.ts';
import { destination } from '../prepare/binaries.ts';
import type { Architecture } from './lock.ts';
import { measure } from './measure.ts';
import { TarReader } from './tar.ts';

/** What a release of each is called; Kubernetes' own is the cluster's. */
export interface ProgramVersions {
  readonly containerd: string;
  readonly runc: string;
  readonly cni: string;
  readonly crictl: string;
}

export interface FetchRequest {
  readonly version: KubeVersion;
  readonly architecture: Architecture;
  readonly versions: ProgramVersions;
  /** `https://`, or a mirror that has the servers as folders: `https://mirror.example/files/`. */
  readonly base: string;
  readonly folder: string;
  readonly tell: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** Something that is published: one program, or an archive of some. */
interface Release {
  readonly url: string;
  /** Where its sha256 is published, alone or as lines of sha256sum(1). */
  readonly sums: string;
  /** What a file of it is called in the folder: of an archive by its path there, of a program whatever that is. */
  readonly nameOf: (path: string) => string;
}

/** Releases that go with each other; crictl's go by Kubernetes' minor. */
export function usualVersions(version: KubeVersion): ProgramVersions {
  const minor = formatVersion(version).replace(/^v(\d+\.\d+)\..*$/, '$1');
  return { containerd: '2.3.5', runc: '1.5.2', cni: '1.9.1', crictl: `${minor}.0` };
}

/** Fetch all of them into a folder and write its SHA256SUMS. @throws KbError KB_DOWNLOAD */
export async function fetchPrograms(request: FetchRequest): Promise<void> {
  const { folder } = request;
  await mkdir(join(folder, 'cni'), { recursive: true });
  const names: string[] = [];
  for (const release of releases(request)) {
    request.tell(`fetching ${release.url}`);
    names.push(...(await fetchRelease(request, release)));
  }
  const lines: string[] = [];
  for (const name of names) lines.push(`${(await measure(join(folder, name))).sha256}  ${name}\n`);
  await writeFile(join(folder, 'SHA256SUMS'), lines.join(''));
}

/** As their projects publish them. */
function releases({ base, version, architecture, versions }: FetchRequest): readonly Release[] {
  const kubernetes = `${base}dl.k8s.io/release/${formatVersion(version)}/bin/linux/${architecture}`;
  const github = (project: string, release: string, file: string): string =>
    `${base}github.com/${project}/releases/download/v${release}/${file}`;
  const runc = github('opencontainers/runc', versions.runc, `runc.${architecture}`);
  const archives: readonly (readonly [url: string, suffix: string, folder: string])[] = [
    [
      github(
        'containerd/containerd',
        versions.containerd,
        // Needs no C library of the host: CentOS 7 has an old one.
        `containerd-static-${versions.containerd}-linux-${architecture}.tar.gz`,
      ),
      '.sha256sum',
      '',
    ],
    [
      github('containernetworking/plugins', versions.cni, `cni-plugins-linux-${architecture}-v${versions.cni}.tgz`),
      '.sha256',
      'cni/',
    ],
    [
      github('kubernetes-sigs/cri-tools', versions.crictl, `crictl-v${versions.crictl}-linux-${architecture}.tar.gz`),
      '.sha256',
      '',
    ],
  ];
  return [
    ...['kubelet', 'kubectl'].map((name) => ({
      url: `${kubernetes}/${name}`,
      sums: `${kubernetes}/${name}.sha256`,
      nameOf: () => name,
    })),
    { url: runc, sums: runc.replace(/[^/]+$/, 'runc.sha256sum'), nameOf: () => 'runc' },
    ...archives.map(([url, suffix, folder]) => ({
      url,
      sums: `${url}${suffix}`,
      nameOf: (path: string) => `${folder}${path.slice(path.lastIndexOf('/') + 1)}`,
    })),
  ];
}

/** The names of the programs that came. @throws KbError KB_DOWNLOAD */
async function fetchRelease(request: FetchRequest, release: Release): Promise<readonly string[]> {
  const { folder } = request;
  const file = release.url.slice(release.url.lastIndexOf('/') + 1);
  const isArchive = /\.(?:tgz|tar\.gz)$/.test(file);
  const path = join(folder, isArchive ? `${file}.part` : release.nameOf(file));
  const wanted = publishedHash(await (await ask(request, release.sums)).text(), file);
  if (wanted === undefined) throw failed(release.sums, `has no sha256 of ${file}`);
  await save(request, release.url, path);
  const { sha256 } = await measure(path);
  if (sha256 !== wanted) {
    await rm(path);
    throw failed(release.url, `is sha256:${sha256}, ${release.sums} has sha256:${wanted}`);
  }
  if (!isArchive) return [release.nameOf(file)];
  const names = await unpack(path, folder, release);
  await rm(path);
  return names;
}

/** A hash alone, or the line of sha256sum(1) with this name. */
function publishedHash(text: string, file: string): string | undefined {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+\*?/));
  const own = lines.find(([hash = '', name]) => /^[0-9a-f]{64}$/.test(hash) && (name === undefined || name === file));
  return own?.[0];
}

async function ask({ signal }: FetchRequest, url: string): Promise<Response> {
  if (signal?.aborted === true) throw interrupted('no bundle was made');
  const answer = await fetch(url, { redirect: 'follow', ...(signal !== undefined && { signal }) }).catch(
    (error: unknown) => {
      if (signal?.aborted === true) throw interrupted('no bundle was made');
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      throw failed(url, cause instanceof Error ? cause.message : String(cause));
    },
  );
  if (!answer.ok) throw failed(url, `the server answers ${answer.status} ${answer.statusText}`);
  return answer;
}

async function save(request: FetchRequest, url: string, path: string): Promise<void> {
  const { body } = await ask(request, url);
  if (body === null) throw failed(url, 'the server answers with nothing');
  const file = await open(path, 'w', 0o755);
  try {
    const pieces: AsyncIterable<Uint8Array> = body;
    for await (const piece of pieces) await file.write(piece);
  } catch (error) {
    if (request.signal?.aborted === true) throw interrupted('no bundle was made');
    throw failed(url, error instanceof Error ? error.message : String(error));
  } finally {
    await file.close();
  }
}

/** Only programs that kbinit knows come out; nothing of an archive says where they go. */
async function unpack(archive: string, folder: string, { url, nameOf }: Release): Promise<readonly string[]> {
  const names: string[] = [];
  let file: number | undefined;
  const reader = new TarReader({
    begin(path) {
      const name = nameOf(path);
      if (destination(name) === undefined || names.includes(name)) return;
      names.push(name);
      file = openSync(join(folder, name), 'w', 0o755);
    },
    data(piece) {
      if (file !== undefined) writeSync(file, piece);
    },
    end() {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
    // A link to a program is not the program.
    odd: () => undefined,
  });
  try {
    await pipeline(createReadStream(archive), createGunzip(), async (pieces: AsyncIterable<Buffer>) => {
      for await (const piece of pieces) await reader.push(piece);
    });
  } catch (error) {
    throw failed(url, error instanceof Error ? error.message : String(error));
  }
  const wrong = await reader.finish();
  if (wrong !== undefined) throw failed(url, wrong);
  return names;
}

function failed(url: string, detail: string): KbError {
  return new KbError({
    code: 'KB_DOWNLOAD',
    summary: 'a program could not be fetched, or is not what is published',
    detail: `${url}: ${detail}`,
    fix: 'check the way there and the version; name a mirror with --download-from, or bring the programs with --binaries',
  });
}
