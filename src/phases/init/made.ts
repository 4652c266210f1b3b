// The files that single phases made on this host, in the journal beside what a whole init claims: each by its path and
// the sha256 of what was written, because what somebody puts in its place later is not kbinit's to replace.
import { createHash } from 'node:crypto';
import type { Artifact } from '../../host/host.ts';
import { isJsonArray, isJsonObject, parseJson, type JsonObject } from '../../util/json.ts';
import { journalPath } from '../journal.ts';

/** By path: the sums of what was, or was about to be, written there. */
export type Made = ReadonlyMap<string, readonly string[]>;

/** Nothing where there is no journal or it cannot be read. */
export function parseMade(text: string | undefined): Made {
  const made = parseJson(text, isJournalFile)?.['made'];
  const entries = isJsonObject(made) ? Object.entries(made) : [];
  return new Map(
    entries.map(([path, sums]) => [path, isJsonArray(sums) ? sums.filter((sum) => typeof sum === 'string') : []]),
  );
}

function isJournalFile(value: unknown): value is JsonObject {
  return isJsonObject(value) && value['format'] === 1;
}

/** Nothing is there, nothing is in it, or it is the very file that a phase wrote. */
export function isAsMade(made: Made, path: string, text: string | undefined): boolean {
  return text === undefined || text.trim() === '' || made.get(path)?.includes(sumOf(text)) === true;
}

function sumOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The journal with these files in it. */
export function withMade(existing: ReadonlyMap<string, string>, files: readonly Artifact[]): Artifact {
  const journal = existing.get(journalPath);
  const made = new Map(parseMade(journal));
  for (const { path, body } of files) {
    // One that is replaced may still be there when the run is cut.
    const before = existing.get(path);
    made.set(path, [...(before === undefined ? [] : [sumOf(before)]), sumOf(body)]);
  }
  const file = { format: 1, ...parseJson(journal, isJournalFile), made: Object.fromEntries(made) };
  return { path: journalPath, mode: 0o600, body: `${JSON.stringify(file, undefined, 2)}\n` };
}
