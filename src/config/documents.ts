// A configuration file's bytes, split into documents that say what they are.
import { hasSteering } from '../util/invisible.ts';
import { readYamlFile, type YamlDocument, type YamlPath } from '../util/yaml.ts';
import { isMapping } from './finding.ts';
import type { Report } from './report.ts';

export interface ConfigDocument {
  readonly apiVersion: string;
  readonly kind: string;
  readonly value: Readonly<Record<string, unknown>>;
  lineOf(path: YamlPath): number;
}

/** A configuration is read as a whole; nothing sensible comes near this. */
const largestBytes = 1024 * 1024;

/** UTF-8 without its byte order mark; undefined when the bytes are not a configuration's. */
function decode(input: string | Uint8Array, source: string, report: Report): string | undefined {
  const bytes = typeof input === 'string' ? Buffer.byteLength(input) : input.byteLength;
  if (bytes > largestBytes) {
    report.refuseAll(`${source}: ${bytes} bytes, more than 1 MiB`, 'give a configuration file, not something else');
    return undefined;
  }
  if (typeof input === 'string') return input.replace(/^\uFEFF/, '');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(input);
  } catch {
    report.refuseAll(`${source}: is not UTF-8`, `save it as UTF-8: iconv -f <its encoding> -t UTF-8 ${source}`);
    return undefined;
  }
}

function identify(document: YamlDocument, report: Report): ConfigDocument | undefined {
  const { value } = document;
  const here = { line: document.lineOf([]), path: [] };
  if (!isMapping(value)) {
    report.refuse(here, 'the document is not a mapping', 'begin it with apiVersion and kind');
    return undefined;
  }
  const { apiVersion, kind } = value;
  if (typeof apiVersion === 'string' && typeof kind === 'string' && apiVersion.includes('/') && kind !== '') {
    return { apiVersion, kind, value, lineOf: (path) => document.lineOf(path) };
  }
  report.refuse(here, 'the document has no apiVersion with a group, or no kind', 'begin it with apiVersion and kind');
  return undefined;
}

/** Text that looks like another text, or steers whoever prints it, is nobody's wish. */
function refuseUnseen(value: unknown, path: YamlPath, document: YamlDocument, report: Report): void {
  if (typeof value === 'string' && hasSteering(value)) {
    const place = { line: document.lineOf(path), path };
    report.refuse(place, 'it has a control character, or one that is not seen', 'remove that character');
  }
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) refuseUnseen(item, [...path, index], document, report);
  } else if (isMapping(value)) {
    for (const [key, item] of Object.entries(value)) refuseUnseen(item, [...path, key], document, report);
  }
}

/** The documents of a file that say what they are; what is wrong with the others is in the report. */
export function readDocuments(input: string | Uint8Array, source: string, report: Report): readonly ConfigDocument[] {
  const text = decode(input, source, report);
  if (text === undefined) return [];
  const file = readYamlFile(text);
  for (const note of file.notes) {
    if (note.kind === 'duplicate') report.warn(note, `${note.message}; the last one counts`, true);
    else if (note.kind === 'ambiguous') {
      report.refuse(note, note.message, 'quote it, or write true or false or a number');
    } else report.refuse(note, note.message, 'correct the YAML');
  }
  const documents = file.documents.filter((document) => document.value !== null);
  for (const document of documents) refuseUnseen(document.value, [], document, report);
  const known = documents.map((document) => identify(document, report)).filter((document) => document !== undefined);
  for (const [index, document] of known.entries()) {
    const isAgain = known.slice(0, index).some((other) => other.kind === document.kind);
    if (isAgain) {
      report.refuse({ line: document.lineOf([]), path: [] }, `${document.kind} is specified twice`, 'keep one of them');
    }
  }
  return known;
}
