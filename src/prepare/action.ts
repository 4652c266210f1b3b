// What a part of the preparation wants done: files and commands, each with what the ledger keeps before it. Data only.
import { createHash } from 'node:crypto';
import type { Problem } from '../errors.ts';
import type { Artifact, ExecIO, Upload } from '../host/host.ts';
import type { LedgerEntry } from '../host/ledger.ts';
import type { Shell } from '../host/shell.ts';
import { places } from './places.ts';
import type { LocalFile } from './spec.ts';
import type { HostState } from './state.ts';

/** A file to have. */
export interface FileAction {
  readonly kind: 'file';
  readonly artifact: Artifact;
  /** Others edit the file too: how kbinit's part is taken out again. */
  readonly edit?: 'hosts' | 'fstab';
}

/** A command to run when all files are there. */
export interface CommandAction {
  readonly kind: 'command';
  readonly command: Shell;
  readonly why: string;
  /** What it takes away. */
  readonly before: readonly LedgerEntry[];
  readonly io?: ExecIO;
  /** Large files that it works on, sent into the staging folder before it; it removes them. */
  readonly uploads?: readonly Upload[];
  /** What may help where it fails. */
  readonly hint?: string;
  /** What a failure is called. */
  readonly code?: Problem['code'];
  /** A failure is told and the preparation goes on. */
  readonly isOptional?: true;
}

export type Action = FileAction | CommandAction;

/** What one part of the preparation comes to. */
export interface Plan {
  readonly actions: readonly Action[];
  /** Sentences of progress. */
  readonly notes?: readonly string[];
  readonly warnings?: readonly string[];
  /** Why none of it may be done. */
  readonly refusal?: Omit<Problem, 'host'>;
}

export const nothing: Plan = { actions: [] };

/** What the file will hold. */
function bytesOf({ body, encoding }: Pick<Artifact, 'body' | 'encoding'>): Uint8Array {
  return Buffer.from(body, encoding);
}

/** Hexadecimal sha256 of a text or of bytes. */
export function sha256(body: string | Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

/** A file on its way into the staging folder. */
export function staged(name: string, { source, sha256: hash }: LocalFile): Upload {
  return { path: `${places.staging}/${name}`, mode: 0o600, source, sha256: hash };
}

/** `12 MiB`, rounded up. */
export function mebibytes(files: readonly LocalFile[]): string {
  return `${Math.ceil(files.reduce((sum, { source }) => sum + source.size, 0) / 2 ** 20)} MiB`;
}

/** A file, unless it is there as it should be. One that others edit too is bytes, a character each. */
export function file(
  state: HostState,
  path: string,
  body: string,
  { mode = 0o644, edit }: { readonly mode?: number; readonly edit?: FileAction['edit'] } = {},
): readonly FileAction[] {
  const found = state.files.get(path);
  const artifact: Artifact = { path, mode, body, ...(edit && { encoding: 'latin1' }) };
  if (found !== undefined && found.sha256 === sha256(bytesOf(artifact)) && found.mode === mode && found.isRoots) {
    return [];
  }
  return [{ kind: 'file', artifact, ...(edit && { edit }) }];
}

/** The ledger's entries for files that are about to be written, and for the folders that come with them. */
export function fileEntries(state: HostState, actions: readonly FileAction[]): readonly LedgerEntry[] {
  const folders = new Set(actions.flatMap(({ artifact }) => missingFolders(state, artifact.path)));
  const files = actions.map(({ artifact, edit }): LedgerEntry => {
    const { path } = artifact;
    const found = state.files.get(path);
    const earlier = state.ledger.find((entry) => entry.kind === 'file' && entry.path === path);
    const isMixed = earlier?.kind === 'file' && found !== undefined && found.sha256 !== earlier.after;
    return {
      kind: 'file',
      path,
      existed: found !== undefined,
      after: sha256(bytesOf(artifact)),
      ...(edit && { edit }),
      ...(isMixed && { isMixed }),
    };
  });
  return [...[...folders].toSorted().map((path): LedgerEntry => ({ kind: 'folder', path })), ...files];
}

/** The folders above a path that do not exist. */
function missingFolders(state: HostState, path: string): readonly string[] {
  const parts = path.split('/').slice(1, -1);
  return parts
    .map((_, n) => `/${parts.slice(0, n + 1).join('/')}`)
    .filter((folder) => state.missingFolders.has(folder));
}

/** What a service is now. */
export function unitEntry(state: HostState, unit: string): LedgerEntry {
  const found = state.units.get(unit);
  return { kind: 'unit', unit, enabled: found?.enabled ?? '', wasActive: found?.isActive ?? false };
}
