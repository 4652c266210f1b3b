// ~/.ssh/config and /etc/ssh/ssh_config as lines: words, quotes, comments, and the files that Include names.
import { readdir } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { KbError } from '../../errors.ts';
import { quoted } from '../../util/invisible.ts';
import { matchesGlob } from '../glob.ts';
import { readLocalText } from '../../util/local-file.ts';

/** One line that says something. Keywords are in lower case; the files of an Include come as lines of their own. */
export interface ConfigLine {
  readonly keyword: string;
  readonly words: readonly string[];
  /** What stands behind the keyword, as written. */
  readonly rest: string;
  readonly file: string;
  readonly line: number;
  /** Of an Include: what its files hold, a list a file. */
  readonly included?: readonly (readonly ConfigLine[])[];
}

/** Where a file looks for what it includes by a relative path. */
interface Place {
  readonly folder: string;
  readonly homeDirectory: string;
}

/** OpenSSH's limit (readconf.h READCONF_MAX_DEPTH). */
const maxDepth = 16;

/** A configuration that cannot be used. */
export function configProblem(detail: string, fix: string): KbError {
  return new KbError({ code: 'KB_SSH_CONFIG', summary: 'the SSH configuration cannot be used', detail, fix });
}

/** The words behind a keyword: blanks part them, double or single quotes hold them together, # ends the line. */
function wordsOf(text: string): readonly string[] | undefined {
  const words: string[] = [];
  let at = 0;
  while (at < text.length) {
    if (/[ \t\r]/.test(text[at] ?? '')) {
      at++;
      continue;
    }
    if (text[at] === '#') break;
    let word = '';
    let open = '';
    for (; at < text.length; at++) {
      const char = text[at] ?? '';
      if (open === '' && /[ \t\r]/.test(char)) break;
      if (char === '\\' && /["'\\]/.test(text[at + 1] ?? '')) word += text[++at] ?? '';
      else if (open === '' && (char === '"' || char === "'")) open = char;
      else if (char === open) open = '';
      else word += char;
    }
    if (open !== '') return undefined;
    words.push(word);
  }
  return words;
}

async function readText(file: string, isNamed: boolean): Promise<string | undefined> {
  try {
    return readLocalText(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (!isNamed && code === 'ENOENT') return undefined;
    throw configProblem(
      `${file}: ${code}`,
      'make it a file that you can read, name another with --ssh-config FILE, or go without: --ssh-config none',
    );
  }
}

/** The files a pattern names, in the order of their names. Only * and ? are special, in every part of the path. */
async function filesOf(pattern: string): Promise<readonly string[]> {
  let paths = ['/'];
  for (const part of pattern.split('/').filter((name) => name !== '')) {
    if (!/[*?]/.test(part)) {
      paths = paths.map((path) => join(path, part));
      continue;
    }
    const found = await Promise.all(
      paths.map(async (path) => {
        const names = await readdir(path).catch(() => []);
        const fitting = names.filter((name) => matchesGlob(name, part) && (part.startsWith('.') || name[0] !== '.'));
        return fitting.toSorted().map((name) => join(path, name));
      }),
    );
    paths = found.flat();
  }
  return paths;
}

function includePath(word: string, { folder, homeDirectory }: Place): string {
  if (word.startsWith('~/')) return join(homeDirectory, word.slice(2));
  return isAbsolute(word) ? word : join(folder, word);
}

/** Old names of keywords that kbinit follows. */
const aliases: Readonly<Record<string, string>> = {
  pubkeyacceptedkeytypes: 'pubkeyacceptedalgorithms',
  challengeresponseauthentication: 'kbdinteractiveauthentication',
  skeyauthentication: 'kbdinteractiveauthentication',
  tisauthentication: 'kbdinteractiveauthentication',
  dsaauthentication: 'pubkeyauthentication',
};

/** A keyword in lower case, by its present name. */
export function keywordOf(text: string): string {
  const keyword = text.toLowerCase();
  return aliases[keyword] ?? keyword;
}

const lineShape =
  /^[ \t]*(?:([A-Za-z][A-Za-z0-9]*)(?:[ \t]*=[ \t]*|[ \t]+|$)|"([A-Za-z][A-Za-z0-9]*)"(?:[ \t]+|$))(.*)$/;

/**
 * Keyword and rest of a line; undefined for a comment. What has another shape might be another thing to ssh than it is here,
 * a command to run too, and ssh itself takes hardly any of it. @throws KbError KB_SSH_CONFIG
 */
function readLine(raw: string, place: string): { readonly keyword: string; readonly rest: string } | undefined {
  // readconf.c cuts these off the end.
  const text = raw.replace(/[ \t\r\f]+$/, '');
  if (/^[ \t]*(?:#|$)/.test(text)) return undefined;
  const [, plain, inQuotes, rest = ''] = lineShape.exec(text) ?? [];
  const keyword = plain ?? inQuotes;
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  const isClean = !/[\u0000-\u0008\u000a-\u001f\u007f]/.test(rest);
  if (keyword !== undefined && isClean) return { keyword: keywordOf(keyword), rest };
  throw configProblem(
    `${place}: ${quoted(raw)} is not a keyword with its value`,
    'write KEYWORD VALUE, name another file with --ssh-config FILE, or go without: --ssh-config none',
  );
}

/** A pattern in which * and ? are all that is special, for every version of ssh. */
function isPlainPattern(word: string): boolean {
  return !/[[\]{}\\$%`~]/.test(word.replace(/^~\//, '/'));
}

async function linesOf(file: string, text: string, place: Place, depth: number): Promise<readonly ConfigLine[]> {
  const lines: ConfigLine[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const at = { file, line: index + 1 };
    const read = readLine(raw, `${file}:${at.line}`);
    if (read === undefined) continue;
    const { keyword, rest } = read;
    const words = wordsOf(rest);
    if (words === undefined) {
      throw configProblem(`${file}:${at.line}: a quote is not closed`, 'close it, or run with --ssh-config none');
    }
    const own = { keyword, words, rest, ...at };
    lines.push(own.keyword === 'include' ? { ...own, included: await includedBy(own, place, depth) } : own);
  }
  return lines;
}

async function includedBy(line: ConfigLine, place: Place, depth: number): Promise<readonly (readonly ConfigLine[])[]> {
  if (depth >= maxDepth) {
    throw configProblem(
      `${line.file}:${line.line}: Include goes deeper than ${maxDepth} files`,
      'take out the Include that leads back to its own file',
    );
  }
  const odd = line.words.find((word) => !isPlainPattern(word));
  if (odd !== undefined || /['\\]/.test(line.rest)) {
    throw configProblem(
      `${line.file}:${line.line}: Include ${quoted(odd ?? line.rest)}: kbinit reads ~/, * and ? in a path and nothing else`,
      'write the path out, name another file with --ssh-config FILE, or go without: --ssh-config none',
    );
  }
  const files = await Promise.all(line.words.map((word) => filesOf(includePath(word, place))));
  const read = files.flat().map(async (file) => {
    const text = await readText(file, false);
    return text === undefined ? [] : linesOf(file, text, place, depth + 1);
  });
  return Promise.all(read);
}

/** A file and all it includes; a file that does not exist is empty unless it `isNamed` by the user.
 *  @throws KbError KB_SSH_CONFIG */
export async function readConfigLines(
  file: string,
  homeDirectory: string,
  isNamed: boolean,
): Promise<readonly ConfigLine[]> {
  const text = await readText(file, isNamed);
  // ssh_config(5): without a folder a user's file includes from ~/.ssh, the system's from /etc/ssh.
  const folder = file === systemConfig ? dirname(systemConfig) : join(homeDirectory, '.ssh');
  return text === undefined ? [] : linesOf(file, text, { folder, homeDirectory }, 0);
}

/** Read after the user's own. */
export const systemConfig = '/etc/ssh/ssh_config';
