// The flags of `kbinit host prepare`, read: typed values, everything wrong said at once.
import { KbError } from '../errors.ts';
import { hasControlCharacter, isImageRepository } from '../config/syntax.ts';
import { Problems } from '../config/problems.ts';
import { newestVersion, releaseOf, supportedRange } from '../kube/releases.ts';
import { formatVersion, parseVersion, type KubeVersion } from '../kube/version.ts';
import { formatIp, parseCidr, parseIp } from '../util/net.ts';
import { didYouMean } from '../util/propose.ts';
import type { Binary, HostsEntry, Offline, PrepareSpec, RegistryMirror, Repositories, Role, Source } from './spec.ts';
import { isDnsSubdomain } from '../util/shapes.ts';

/** As commander gives them. */
export interface PrepareFlags {
  readonly kubernetesVersion?: string;
  readonly role?: readonly string[];
  readonly hostname?: string;
  readonly hostsEntry?: readonly string[];
  readonly repository?: readonly string[];
  readonly repositoryKey?: readonly string[];
  readonly unsignedRepository?: boolean;
  readonly podNetworkCidr?: string;
  readonly backend?: PrepareSpec['flannelBackend'];
  readonly imageRepository?: string;
  readonly binaries?: string;
  readonly offline?: string;
  readonly registryMirror?: readonly string[];
  readonly cgroupDriver?: PrepareSpec['cgroupDriver'];
  readonly apiserverBindPort?: number;
  readonly firewallZone?: string;
  /** Flags of earlier runs that are not used again. */
  readonly forget?: readonly string[];
  readonly skipPhases?: readonly string[];
  readonly dryRun?: boolean;
}

/** What came out of files of this machine. */
export interface PrepareFiles {
  readonly binaries?: readonly Binary[];
  /** Of a bundle, whose programs are the binaries. */
  readonly offline?: Offline;
  readonly repositoryKeys?: readonly string[];
}

const roles: readonly Role[] = ['control-plane', 'worker', 'etcd', 'lb'];

/** Read them. @throws KbError KB_CONFIG with every problem */
export function readPrepare(flags: PrepareFlags, files: PrepareFiles): PrepareSpec {
  const problems = new Problems();
  const { hostname, firewallZone } = flags;
  if (hostname !== undefined && (!isDnsSubdomain(hostname) || hostname.length > 64)) {
    problems.add('--hostname', hostname, 'is not a host name', 'use at most 64 small letters, digits, - and .');
  }
  if (firewallZone !== undefined && !/^[A-Za-z0-9_-]{1,17}$/.test(firewallZone)) {
    problems.add('--firewall-zone', firewallZone, 'is not a zone name', 'see `firewall-cmd --get-zones`');
  }
  const imageRepository = flags.imageRepository ?? files.offline?.imageRepository ?? 'registry.k8s.io';
  if (!isImageRepository(imageRepository)) {
    problems.add('--image-repository', imageRepository, 'is not a registry', 'write for example registry.k8s.io');
  }
  if (files.offline !== undefined && files.offline.imageRepository !== imageRepository) {
    const fix = `omit it, or create a bundle with it; this one has ${files.offline.imageRepository}`;
    problems.add('--image-repository', imageRepository, 'is not that of the bundle', fix);
  }
  const spec: PrepareSpec = {
    version: versionOf(flags.kubernetesVersion, files.offline, problems),
    roles: readRoles(flags.role, problems),
    ...(hostname !== undefined && { hostname }),
    hosts: (flags.hostsEntry ?? []).flatMap((text) => readHostsEntry(text, problems) ?? []),
    source: readSource(flags, files, problems),
    podSubnets: readSubnets(flags.podNetworkCidr, problems),
    flannelBackend: flags.backend ?? 'vxlan',
    imageRepository,
    mirrors: (flags.registryMirror ?? []).flatMap((text) => readMirror(text, problems) ?? []),
    cgroupDriver: flags.cgroupDriver ?? 'systemd',
    apiPort: flags.apiserverBindPort ?? 6443,
    ...(firewallZone !== undefined && { firewallZone }),
    skipPhases: flags.skipPhases ?? [],
    isDryRun: flags.dryRun === true,
  };
  if (problems.list.length > 0) throw new KbError(problems.list);
  return spec;
}

/** A version or a minor as it is typed. @throws KbError KB_CONFIG */
export function readAskedVersion(text: string | undefined): KubeVersion {
  const problems = new Problems();
  const version = readVersion(text, problems);
  if (problems.list.length > 0) throw new KbError(problems.list);
  return version;
}

function readVersion(text: string | undefined, problems: Problems): KubeVersion {
  if (text === undefined) return newestVersion();
  const isMinor = text.split('.').length === 2;
  const version = parseVersion(isMinor ? `${text}.0` : text);
  const release = version && releaseOf(version);
  if (version !== undefined && release !== undefined) return isMinor ? release.reference : version;
  problems.add('--kubernetes-version', text, 'is not a version that kbinit knows', `it knows ${supportedRange()}`);
  return newestVersion();
}

function readRoles(given: readonly string[] | undefined, problems: Problems): readonly Role[] {
  const found = roles.filter((role) => (given ?? []).includes(role));
  for (const word of given ?? []) {
    if (!roles.some((role) => role === word)) {
      problems.add('--role', word, `is not a role${didYouMean(word, roles)}`, `use ${roles.join(', ')}`);
    }
  }
  return found.length === 0 ? ['worker'] : found;
}

/** `192.168.3.33=lb.example,lb` */
function readHostsEntry(text: string, problems: Problems): HostsEntry | undefined {
  const [, address = '', rest = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  const ip = parseIp(address);
  const names = rest.split(',').filter((name) => name !== '');
  if (ip !== undefined && names.length > 0 && names.every((name) => isDnsSubdomain(name.toLowerCase()))) {
    return { address: formatIp(ip), names };
  }
  problems.add('--hosts-entry', text, 'is not ADDRESS=NAME[,NAME…]', 'write for example 192.168.3.33=lb.example,lb');
  return undefined;
}

function readSubnets(text: string | undefined, problems: Problems): readonly string[] {
  const all = (text ?? '10.244.0.0/16').split(',');
  for (const one of all) {
    if (parseCidr(one) === undefined) {
      problems.add('--pod-network-cidr', one, 'is not a network', 'write for example 10.244.0.0/16');
    }
  }
  return all;
}

/** `registry.k8s.io=https://mirror.example/google_containers` */
function readMirror(text: string, problems: Problems): RegistryMirror | undefined {
  const [, registry = '', url = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  const isRegistry = registry === '_default' || /^[a-z0-9.-]+(?::\d+)?$/.test(registry);
  if (isRegistry && isPlainUrl(url, /^https?:$/)) return { registry, url: url.replace(/\/+$/, '') };
  const fix = 'write for example registry.k8s.io=https://registry.aliyuncs.com/google_containers';
  problems.add('--registry-mirror', text, 'is not REGISTRY=URL', fix);
  return undefined;
}

/** That of the bundle, which has to be what was asked for. */
function versionOf(text: string | undefined, offline: Offline | undefined, problems: Problems): KubeVersion {
  if (offline === undefined) return readVersion(text, problems);
  const own = formatVersion(offline.version);
  const asked = `v${(text ?? own).replace(/^v/, '')}`;
  if (own !== asked && !own.startsWith(`${asked}.`)) {
    const fix = 'leave it out, or take another bundle';
    problems.add('--kubernetes-version', asked, `is not that of the bundle, ${own}`, fix);
  }
  return offline.version;
}

/** Refuse flags that say where software comes from, beside a bundle, which has all of it. @throws KbError KB_CONFIG */
export function assertOneSource({ offline, ...flags }: PrepareFlags): void {
  if (offline === undefined) return;
  const problems = new Problems();
  const others = [
    ...(flags.binaries === undefined ? [] : ['--binaries']),
    ...(flags.repository === undefined ? [] : ['--repository']),
    ...(flags.repositoryKey === undefined ? [] : ['--repository-key']),
    ...(flags.unsignedRepository === true ? ['--unsigned-repository'] : []),
  ];
  for (const flag of others) {
    problems.say(flag, 'cannot be combined with --offline', 'a bundle has everything: leave it out');
  }
  if (problems.list.length > 0) throw new KbError(problems.list);
}

function readSource(flags: PrepareFlags, files: PrepareFiles, problems: Problems): Source {
  const urls = flags.repository ?? [];
  if (files.binaries !== undefined) {
    if (urls.length > 0) problems.say('--repository', 'cannot be combined with --binaries', 'give one of them');
    return {
      kind: 'binaries',
      binaries: files.binaries,
      ...(files.offline !== undefined && { offline: files.offline }),
    };
  }
  const repositories: Repositories = {
    kind: urls.length === 0 ? 'upstream' : urls.includes('host') ? 'host' : 'given',
    urls,
    keys: files.repositoryKeys ?? [],
    isUnsigned: flags.unsignedRepository === true,
  };
  if (repositories.kind === 'host' && urls.length > 1) {
    problems.say('--repository', 'host means what the host knows already', 'give URLs, or host alone');
  }
  for (const url of repositories.kind === 'given' ? urls : []) {
    // dnf and yum put the host's own release and architecture there: one URL serves hosts of several releases.
    if (!isPlainUrl(url.replaceAll(/\$(?:releasever|basearch)\b/g, 'x'), /^(?:https?|file):$/)) {
      problems.add(
        '--repository',
        url,
        'is not a package repository URL',
        'write for example https://mirror.example/k8s/rpm/, file:///srv/repo or host',
      );
    }
  }
  const unproven = repositories.kind === 'given' ? urls.filter((url) => !/^https:/i.test(url)) : [];
  if (unproven.length > 0 && repositories.keys.length === 0 && !repositories.isUnsigned) {
    // The key would come the same way as what it is to prove.
    problems.add(
      '--repository',
      unproven.join(', '),
      'is not https, and no key is given to check its packages',
      'pass the signing key with --repository-key, or use --unsigned-repository if they are not signed',
    );
  }
  return { kind: 'packages', repositories };
}

/** A URL that can stand in a configuration file of one line a setting, without a login in it. */
function isPlainUrl(text: string, scheme: RegExp): boolean {
  if (hasControlCharacter(text) || /[\s"'\\$]/.test(text) || !URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return scheme.test(protocol) && username === '' && password === '';
}
