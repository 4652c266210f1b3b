// What prepared hosts are to know about each other: names for /etc/hosts, and whose names these may be. Pure.
import { KbError } from '../errors.ts';
import { isLoopbackName, nameProblems, shortNameOf, type NamedHost, type TakenName } from '../util/host-names.ts';
import { formatIp, isLoopback as isLoopbackAddress, parseIp } from '../util/net.ts';
import { hostNameOf } from '../util/said.ts';
import { otherNames } from './hosts-file.ts';
import { places } from './places.ts';
import type { HostsEntry, PrepareSpec } from './spec.ts';
import type { HostState } from './state.ts';

/** A host of the run and what it was found to be. */
export interface SurveyedHost {
  /** As the user named it. */
  readonly host: string;
  readonly reachedAddress?: string | undefined;
  readonly state: Pick<HostState, 'hostname' | 'addresses' | 'texts'>;
}

/**
 * The entries: the address each host was reached at and its own name, which must not be another's: it would lead all the
 * others astray.
 * @throws KbError KB_HOST_NAME
 */
export function entriesFor(hosts: readonly SurveyedHost[], spec: PrepareSpec): readonly HostsEntry[] {
  const all = hosts.map((one) => ({ ...identityOf(one), state: one.state }));
  const taken = takenBy(spec);
  const named = all.filter(({ name, address }) => name !== '' && address !== undefined);
  const problems = [...nameProblems(named, taken), ...named.flatMap((one) => nameProblems([one], foreign(one, all)))];
  if (problems.length > 0) throw new KbError(problems);
  return named.map((one) => {
    const short = shortNameOf(one, all, [...taken, ...foreign(one, all)]);
    return {
      address: one.address ?? '',
      names: [one.name, ...(short === undefined ? [] : [short])],
      isOwn: true as const,
    };
  });
}

/** @throws KbError KB_HOST_NAME */
function identityOf({ host, reachedAddress, state }: SurveyedHost): NamedHost {
  const ip = parseIp(reachedAddress ?? '');
  const isNameless = state.hostname === '' || isLoopbackName(state.hostname.toLowerCase());
  try {
    const name = isNameless ? '' : hostNameOf(state.hostname);
    return { host, name, address: ip === undefined ? state.addresses[0] : formatIp(ip) };
  } catch (error) {
    throw error instanceof KbError ? error.within({ host }) : error;
  }
}

/** Names that the run itself gives away or goes to. */
function takenBy({ hosts, source, mirrors, imageRepository }: PrepareSpec): readonly TakenName[] {
  const urls = source.kind === 'packages' ? source.repositories.urls : [];
  const registries = [imageRepository, ...mirrors.map(({ registry }) => registry)].map((text) => `https://${text}`);
  const used = [...urls, ...mirrors.map(({ url }) => url), ...registries, ...upstream].flatMap(nameOfUrl);
  return [
    ...hosts.flatMap(({ address, names }) => names.map((name) => ({ name, address, by: '--hosts-entry' }))),
    ...used.map((name) => ({ name, by: 'a package repository or registry of this command' })),
  ];
}

const upstream = ['pkgs.k8s.io', 'download.docker.com', 'dl.k8s.io', 'registry.k8s.io'].map(
  (name) => `https://${name}`,
);

function nameOfUrl(text: string): readonly string[] {
  return URL.canParse(text) ? [new URL(text).hostname].filter((name) => name !== '') : [];
}

/** What /etc/hosts of all hosts has under other addresses than this host's own. On itself a host is also the loopback. */
function foreign(
  one: NamedHost & Pick<SurveyedHost, 'state'>,
  all: readonly (NamedHost & Pick<SurveyedHost, 'state'>)[],
): readonly TakenName[] {
  const own = new Set(one.state.addresses.map(canonical));
  return all.flatMap(({ host, state }) =>
    otherNames(state.texts.get(places.hosts) ?? '').flatMap(({ name, address }) => {
      const isOwn = own.has(canonical(address)) || (host === one.host && isLoopback(address));
      return isOwn ? [] : [{ name, address, by: `${places.hosts} of ${host}` }];
    }),
  );
}

function canonical(text: string): string {
  const ip = parseIp(text);
  return ip === undefined ? text : formatIp(ip);
}

function isLoopback(text: string): boolean {
  const ip = parseIp(text);
  return ip !== undefined && isLoopbackAddress(ip);
}
