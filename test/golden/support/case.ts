// A golden folder: kubeadm's input, its output, and what kbinit makes of the same input.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { completeInit } from '../../../src/config/complete.ts';
import { loadInit } from '../../../src/config/load.ts';
import type { InitSpec } from '../../../src/config/spec.ts';
import type { HostFacts } from '../../../src/host/host.ts';
import type { PatchFile } from '../../../src/manifests/patches.ts';
import type { PodContext } from '../../../src/manifests/pod.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Every folder that kubeadm filled; a test below compares this list with the disk. */
export const goldenCases = [
  'v1.28.15/default',
  'v1.28.15/external-etcd',
  'v1.28.15/ha-mirror',
  'v1.28.15/tuned-v1beta3',
  'v1.33.13/default',
  'v1.33.13/external-etcd',
  'v1.33.13/ha-mirror',
  'v1.33.13/tuned-v1beta3',
  'v1.33.13/tuned-v1beta4',
  'v1.34.4/default',
  'v1.34.4/external-etcd',
  'v1.34.4/ha-mirror',
  'v1.34.4/tuned-v1beta3',
  'v1.34.4/tuned-v1beta4',
  'v1.35.4/default',
  'v1.35.4/external-etcd',
  'v1.35.4/ha-mirror',
  'v1.35.4/tuned-v1beta3',
  'v1.35.4/tuned-v1beta4',
  'v1.36.3/default',
  'v1.36.3/external-etcd',
  'v1.36.3/ha-mirror',
  'v1.36.3/tuned-v1beta3',
  'v1.36.3/tuned-v1beta4',
] as const;
export type GoldenName = (typeof goldenCases)[number];

/** Written by hand, of versions that kubeadm could not be built of; see the README beside each. */
export const handWrittenCases = [
  'v1.25.7/default',
  'v1.26.15/default',
  'v1.27.16/default',
  'v1.29.15/default',
  'v1.30.14/default',
  'v1.31.14/default',
  'v1.32.13/default',
] as const;
export type CaseName = GoldenName | (typeof handWrittenCases)[number];

/** The folders on the disk, as `version/case`. */
export function foldersOnDisk(): readonly string[] {
  return readdirSync(root)
    .filter((entry) => /^v\d/.test(entry))
    .flatMap((version) =>
      readdirSync(`${root}/${version}`)
        .filter((name) => !name.endsWith('.md'))
        .map((name) => `${version}/${name}`),
    )
    .toSorted();
}

/** The text of a file of a golden folder. */
export function golden(name: CaseName, file: string): string {
  return readFileSync(`${root}/${name}/${file}`, 'utf8');
}

/** The base names of the files kubeadm wrote. */
export function goldenFiles(name: CaseName): readonly string[] {
  return readdirSync(`${root}/${name}/files`).toSorted();
}

/** The spec that the golden's config.yaml leads to, on the host the goldens were made on. */
export function specOf(name: CaseName): InitSpec {
  const { draft } = loadInit(golden(name, 'config.yaml'), 'config.yaml', {});
  return completeInit(draft, goldenHost, { tokenCharacters: (n) => 'a'.repeat(n) }).spec;
}

/** The tuned cases were made with /patches. */
export function patchesOf(name: CaseName): readonly PatchFile[] {
  const folder = `${root}/patches`;
  if (!name.includes('/tuned') || !existsSync(folder)) return [];
  return readdirSync(folder).map((path) => ({ path, text: readFileSync(`${folder}/${path}`, 'utf8') }));
}

/** What the README says of the host: Debian 12, name master1, no systemd, no proxy variables. */
export const goldenHost: HostFacts = {
  hostname: 'master1',
  osRelease: { ID: 'debian', VERSION_ID: '12' },
  kernelRelease: '6.18.44',
  architecture: 'x86_64',
  machineId: '0123456789abcdef0123456789abcdef',
  cpuCount: 2,
  memoryMiB: 4096,
  cgroupVersion: 1,
  addresses: [{ interface: 'eth0', family: 4, address: '192.168.3.129', prefixLength: 24, isUp: true }],
  defaultRoutes: [{ interface: 'eth0', family: 4 }],
  criSockets: [],
  isResolvedActive: false,
  caDirectories: ['/etc/ca-certificates', '/usr/share/ca-certificates', '/usr/local/share/ca-certificates'],
  proxyEnvironment: {},
  readOnlyConntrack: [],
  kubeletVersion: 'v1.36.3',
  clock: { host: 1_795_222_454, local: 1_795_222_454 },
};

/** What the static Pods of a golden are rendered from. */
export function podContextOf(spec: InitSpec): PodContext {
  return {
    cluster: spec.cluster,
    node: spec.node,
    endpoint: spec.localAPIEndpoint,
    timeouts: spec.timeouts,
    host: goldenHost,
  };
}
