// /etc/hosts: kbinit's lines between two marks; every other line stays as it is.
import { isLoopback, parseIp } from '../util/net.ts';
import { file, nothing, type Plan } from './action.ts';
import { places } from './places.ts';
import type { HostsEntry, PrepareSpec } from './spec.ts';
import type { HostState } from './state.ts';

const begin = '# kbinit: begin (written by `kbinit host prepare`)';
const end = '# kbinit: end';

/** The file with these in kbinit's part, which stays where it was or comes at the end. What earlier runs put there stays too. */
export function withHostsEntries(text: string, entries: readonly HostsEntry[]): string {
  const { before, after, found, inside } = split(text);
  const part = [begin, ...merged(inside, entries), end, ''].join('\n');
  const head = found || before === '' || before.endsWith('\n') ? before : `${before}\n`;
  return head + part + after;
}

/** The file without kbinit's part. */
export function withoutHostsEntries(text: string): string {
  const { before, after, found } = split(text);
  return found ? before + after : text;
}

/** A line of an earlier run gives way where one of its names is asked for anew. */
function merged(lines: readonly string[], entries: readonly HostsEntry[]): readonly string[] {
  const wanted = new Set(entries.map(({ address, names }) => `${address}\t${names.join(' ')}`));
  const names = new Set(entries.flatMap((entry) => entry.names));
  const kept = lines.filter(
    (line) =>
      wanted.has(line) ||
      !line
        .split(/[ \t]+/)
        .slice(1)
        .some((name) => names.has(name)),
  );
  return [...kept, ...[...wanted].filter((line) => !kept.includes(line))];
}

/** Without the end of its line, and without what separates words there: other bytes are part of a name. */
function bare(line: string): string {
  return line.replace(/[ \t\r\n]+$/, '');
}

interface Parts {
  readonly before: string;
  readonly inside: readonly string[];
  readonly after: string;
  readonly found: boolean;
}

function split(text: string): Parts {
  const lines = text.split(/(?<=\n)/);
  const from = lines.findIndex((line) => bare(line) === begin);
  const to = lines.findIndex((line, n) => n > from && bare(line) === end);
  if (from < 0 || to < 0) return { before: text, inside: [], after: '', found: false };
  return {
    before: lines.slice(0, from).join(''),
    inside: lines.slice(from + 1, to).map(bare),
    after: lines.slice(to + 1).join(''),
    found: true,
  };
}

/** Put the names of the other hosts there. */
export function planHostsFile(state: HostState, { hosts }: PrepareSpec): Plan {
  const text = state.texts.get(places.hosts) ?? '';
  const entries = notOverruling(text, hosts);
  if (entries.length === 0) return nothing;
  const wanted = withHostsEntries(text, entries);
  if (wanted === text) return nothing;
  if (state.mounted.has(places.hosts)) return isMounted(places.hosts);
  const mode = state.files.get(places.hosts)?.mode ?? 0o644;
  return {
    actions: file(state, places.hosts, wanted, { mode, edit: 'hosts' }),
    warnings: overruled(
      text,
      hosts.filter(({ isOwn }) => isOwn !== true),
    ),
  };
}

/** A container's file that its maker put there: it cannot be replaced, and the maker writes it anew. */
export function isMounted(path: string): Plan {
  return { actions: [], warnings: [`${path} is mounted by itself (the host is a container): it stays as it is`] };
}

/** A name that a host says is its own never stands against a line of the administrator. */
function notOverruling(text: string, entries: readonly HostsEntry[]): readonly HostsEntry[] {
  const known = otherNames(text).filter(({ address }) => !isLoopbackText(address));
  return entries.flatMap((entry) => {
    if (entry.isOwn !== true) return [entry];
    const names = entry.names.filter((name) => known.every((line) => line.name.toLowerCase() !== name));
    return names.length === 0 ? [] : [{ ...entry, names }];
  });
}

function isLoopbackText(address: string): boolean {
  const ip = parseIp(address);
  return ip !== undefined && isLoopback(ip);
}

interface NamedAddress {
  readonly name: string;
  readonly address: string;
}

/** What the file says outside of kbinit's part. */
export function otherNames(text: string): readonly NamedAddress[] {
  const { before, after } = split(text);
  return [...namesIn(before), ...namesIn(after)];
}

function namesIn(text: string): readonly NamedAddress[] {
  return text.split('\n').flatMap((line) => {
    const [address, ...names] = line.replace(/#.*$/, '').trim().split(/\s+/);
    return address === undefined ? [] : names.map((name) => ({ name, address }));
  });
}

/** The first line that has a name wins. */
function overruled(text: string, hosts: readonly HostsEntry[]): readonly string[] {
  const known = namesIn(split(text).before);
  return hosts.flatMap(({ address, names }) =>
    names.flatMap((name) => {
      const other = known.find((line) => line.name === name && line.address !== address);
      if (other === undefined || other.address.startsWith('127.')) return [];
      return [`${places.hosts} has ${name} as ${other.address} already, above kbinit's ${address}: remove that line`];
    }),
  );
}
