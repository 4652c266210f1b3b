// Package sources: upstream's, a mirror or a local one, signed unless it is said otherwise, with Kubernetes pinned.
import { formatVersion } from '../kube/version.ts';
import { file, nothing, type Plan } from './action.ts';
import { distroOf, type Distro } from './distro.ts';
import { runsNoPods } from './kernel.ts';
import { pinned } from './packages.ts';
import { places } from './places.ts';
import type { PrepareSpec, Repositories } from './spec.ts';
import type { HostState } from './state.ts';

interface Repository {
  readonly name: string;
  readonly url: string;
  readonly key: string;
}

/** Write the sources' file, and the key where one was given. */
export function planRepositories(state: HostState, spec: PrepareSpec): Plan {
  const distro = distroOf(state);
  if ('unknown' in distro || runsNoPods(spec) || spec.source.kind === 'binaries') return nothing;
  const { repositories } = spec.source;
  if (repositories.kind === 'host') return { actions: [], notes: ["the host's own package sources are used"] };
  const isDebian = distro.family === 'debian';
  const keyPath = isDebian ? places.aptKey : places.yumKey;
  const key = repositories.keys.length === 0 ? [] : file(state, keyPath, repositories.keys.join('\n'));
  const path = isDebian ? places.aptRepository : places.yumRepository;
  const body = isDebian
    ? aptSources(repositoriesOf(spec, repositories, distro), repositories)
    : yumSources(repositoriesOf(spec, repositories, distro), repositories);
  return { actions: [...key, ...file(state, path, body)], warnings: unsignedWarning(repositories) };
}

/** Told in each plan: what is installed as root is whatever somebody on the way sends. */
function unsignedWarning({ isUnsigned, urls }: Repositories): readonly string[] {
  if (!isUnsigned) return [];
  return [
    `packages of ${urls.join(', ') || 'these sources'} are installed without a signature check (--unsigned-repository)`,
  ];
}

/** Where the key is that apt will want and nobody gave; undefined when none is missing. dnf and yum fetch theirs. */
export function missingKey(state: HostState, spec: PrepareSpec, distro: Distro): string | undefined {
  if (distro.family !== 'debian' || runsNoPods(spec) || spec.source.kind !== 'packages') return undefined;
  const { repositories } = spec.source;
  const isGiven = repositories.keys.length > 0 || state.files.has(places.aptKey);
  if (repositories.kind === 'host' || repositories.isUnsigned || isGiven) return undefined;
  return `${repositoriesOf(spec, repositories, distro)[0]?.url ?? ''}/Release.key`;
}

function repositoriesOf(spec: PrepareSpec, { kind, urls }: Repositories, distro: Distro): readonly Repository[] {
  if (kind === 'given') {
    return urls.map((given, index) => {
      const url = given.replace(/\/+$/, '');
      return { name: `kbinit-${index + 1}`, url, key: ownKey(url) };
    });
  }
  const minor = formatVersion(spec.version).split('.').slice(0, 2).join('.');
  const kubernetes = `https://pkgs.k8s.io/core:/stable:/${minor}`;
  if (distro.family === 'debian') return [{ name: 'kbinit-kubernetes', url: `${kubernetes}/deb`, key: '' }];
  const docker = 'https://download.docker.com/linux/centos';
  return [
    { name: 'kbinit-kubernetes', url: `${kubernetes}/rpm`, key: `${kubernetes}/rpm/repodata/repomd.xml.key` },
    { name: 'kbinit-containerd', url: `${docker}/${distro.release}/$basearch/stable`, key: `${docker}/gpg` },
  ];
}

/** Where a mirror has the key of what it mirrors: Docker's is beside its systems, others' beside the index. */
function ownKey(url: string): string {
  const docker = /^(.*\/linux\/(?:centos|rhel|fedora))\/.*\/stable$/.exec(url);
  return docker === null ? `${url}/repodata/repomd.xml.key` : `${docker[1]}/gpg`;
}

/** Excluded from every update; kbinit's own installation asks for them in spite of that. */
function yumSources(all: readonly Repository[], { keys, isUnsigned }: Repositories): string {
  const sections = all.map(({ name, url, key }) => {
    const gpgkey = keys.length > 0 ? `file://${places.yumKey}` : key;
    const signed = isUnsigned ? ['gpgcheck=0'] : ['gpgcheck=1', `gpgkey=${gpgkey}`];
    const lines = [
      `[${name}]`,
      `name=${name}`,
      `baseurl=${url}`,
      'enabled=1',
      ...signed,
      `exclude=${pinned.join(' ')} containerd.io`,
    ];
    return `${lines.join('\n')}\n`;
  });
  return `# kbinit host prepare\n${sections.join('\n')}`;
}

function aptSources(all: readonly Repository[], { isUnsigned }: Repositories): string {
  const how = isUnsigned ? '[trusted=yes]' : `[signed-by=${places.aptKey}]`;
  return `# kbinit host prepare\n${all.map(({ url }) => `deb ${how} ${url}/ /\n`).join('')}`;
}
