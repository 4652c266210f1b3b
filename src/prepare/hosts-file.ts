// /etc/hosts: kbinit's lines between two marks; every other line stays as it is.
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
        .split(/\s+/)
        .slice(1)
        .some((name) => names.has(name)),
  );
  return [...kept, ...[...wanted].filter((line) => !kept.includes(line))];
}

interface Parts {
  readonly before: string;
  readonly inside: readonly string[];
  readonly after: string;
  readonly found: boolean;
}

function split(text: string): Parts {
  const lines = text.split(/(?<=\n)/);
  const from = lines.findIndex((line) => line.trimEnd() === begin);
  const to = lines.findIndex((line, n) => n > from && line.trimEnd() === end);
  if (from < 0 || to < 0) return { before: text, inside: [], after: '', found: false };
  return {
    before: lines.slice(0, from).join(''),
    inside: lines.slice(from + 1, to).map((line) => line.trimEnd()),
    after: lines.slice(to + 1).join(''),
    found: true,
  };
}

/** Put the names of the other hosts there. */
export function planHostsFile(state: HostState, { hosts }: PrepareSpec): Plan {
  if (hosts.length === 0) return nothing;
  const text = state.texts.get(places.hosts) ?? '';
  const wanted = withHostsEntries(text, hosts);
  if (wanted === text) return nothing;
  if (state.mounted.has(places.hosts)) return isMounted(places.hosts);
  const mode = state.files.get(places.hosts)?.mode ?? 0o644;
  return { actions: file(state, places.hosts, wanted, { mode, edit: 'hosts' }), warnings: overruled(text, hosts) };
}

/** A container's file that its maker put there: it cannot be replaced, and the maker writes it anew. */
export function isMounted(path: string): Plan {
  return { actions: [], warnings: [`${path} is mounted by itself (the host is a container): it stays as it is`] };
}

/** The first line that has a name wins. */
function overruled(text: string, hosts: readonly HostsEntry[]): readonly string[] {
  const { before } = split(text);
  const known = before.split('\n').flatMap((line) => {
    const [address, ...names] = line.replace(/#.*$/, '').trim().split(/\s+/);
    return address === undefined ? [] : names.map((name) => ({ name, address }));
  });
  return hosts.flatMap(({ address, names }) =>
    names.flatMap((name) => {
      const other = known.find((line) => line.name === name && line.address !== address);
      if (other === undefined || other.address.startsWith('127.')) return [];
      return [`${places.hosts} has ${name} as ${other.address} already, above kbinit's ${address}: remove that line`];
    }),
  );
}
