// Who may be called what, where the names of several hosts go into each other's files or into certificates. Pure.
import { KbError, type Problem } from '../errors.ts';
import { formatIp, parseIp } from './net.ts';
import { quoted } from './invisible.ts';

/** A host and the name that it says it has. */
export interface NamedHost {
  /** As the user named it. */
  readonly host: string;
  /** In lower case; '' for a host without a name that others could use. */
  readonly name: string;
  /** The address that it was reached at. */
  readonly address?: string | undefined;
}

/** A name that belongs to somebody already. */
export interface TakenName {
  readonly name: string;
  /** Whose it is, where that is an address. */
  readonly address?: string | undefined;
  /** Where that is written: `--hosts-entry`, `/etc/hosts of node1`. */
  readonly by: string;
}

/** Every host whose name is another's of this run, or belongs to somebody else. */
export function nameProblems(hosts: readonly NamedHost[], taken: readonly TakenName[] = []): readonly Problem[] {
  return hosts.flatMap((one) => {
    if (one.name === '') return [];
    const others = hosts.filter((other) => other !== one);
    const same = others.find(({ name }) => name === one.name);
    const typed = others.find(({ host }) => host.toLowerCase() === one.name);
    const owner = taken.find((name) => name.name.toLowerCase() === one.name && !isSame(one, name));
    const reasons = [
      same && `${same.host} and ${one.host} have the same name ${one.name}`,
      typed && `${one.host} calls itself ${one.name}, another host of this command`,
      owner && takenText(one, owner),
    ];
    return reasons
      .filter((reason) => reason !== undefined)
      .slice(0, 1)
      .map((reason) => problem(one, reason));
  });
}

/**
 * Names of hosts that are met one after the other, none of which waits for those that have not answered. The second
 * Node of a name would take the place of the first.
 */
export class ClaimedNames {
  readonly #hosts: readonly string[];
  readonly #claimed: NamedHost[] = [];

  /** @param hosts every host of the command, as the user named it */
  constructor(hosts: readonly string[]) {
    this.#hosts = hosts;
  }

  /** @throws KbError KB_HOST_NAME where the name is that of a host that was met before, or that the user named */
  claim(one: NamedHost): void {
    const silent = this.#hosts.filter((host) => host !== one.host).map((host) => ({ host, name: '' }));
    const problems = nameProblems([one, ...this.#claimed, ...silent]).filter(({ host }) => host === one.host);
    if (problems.length > 0) throw new KbError(problems);
    this.#claimed.push(one);
  }
}

/** The name up to its first dot, where nobody else could be meant by it. */
export function shortNameOf(
  one: NamedHost,
  hosts: readonly NamedHost[],
  taken: readonly TakenName[],
): string | undefined {
  const [short = '', rest] = one.name.split('.', 2);
  if (rest === undefined || isLoopbackName(short)) return undefined;
  const isElsewhere =
    taken.some((name) => name.name.toLowerCase() === short && !isSame(one, name)) ||
    hosts.some(
      (other) => other !== one && [other.host.toLowerCase(), other.name, firstLabel(other.name)].includes(short),
    );
  return isElsewhere ? undefined : short;
}

/** Names of every machine (RFC 6761 §6.3, and what distributions write into /etc/hosts): they lead nowhere else. */
export function isLoopbackName(name: string): boolean {
  return /^(?:localhost[46]?|ip6-(?:localhost|loopback|localnet|mcastprefix|all(?:nodes|routers|hosts)))(?:\.|$)|\.localhost$/.test(
    name,
  );
}

function firstLabel(name: string): string {
  return name.split('.', 1)[0] ?? '';
}

function isSame({ host, address = '' }: NamedHost, taken: TakenName): boolean {
  if (host.toLowerCase() === taken.name.toLowerCase()) return true;
  return taken.address !== undefined && [host, address].map(canonical).includes(canonical(taken.address));
}

function canonical(text: string): string {
  const ip = parseIp(text);
  return ip === undefined ? text.toLowerCase() : formatIp(ip);
}

function takenText({ host, name }: NamedHost, { by, address }: TakenName): string {
  const whose = address === undefined ? '' : `, which is ${quoted(address)}`;
  return `${host} calls itself ${name}; that name is taken by ${by}${whose}`;
}

function problem({ host }: NamedHost, detail: string): Problem {
  return {
    code: 'KB_HOST_NAME',
    summary: 'the name of the host belongs to another',
    host,
    detail,
    fix: 'give each host a name of its own with `hostnamectl set-hostname NAME`, or correct the other entry; then run again',
  };
}
