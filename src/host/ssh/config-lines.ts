// ~/.ssh/config and /etc/ssh/ssh_config as lines: words, quotes, comments, and the files that Include names.
import { readdir, readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { KbError } from '../../errors.ts';
import { matchesGlob } from '../glob.ts';

/** One line that says something. Keywords are in lower case; the files of an Include come as lines of their own. */
export interface ConfigLine {
  readonly keyword: string;
  readonly words: readonly string[];
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
    return await readFile(file, 'utf8');
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

async function linesOf(file: string, text: string, place: Place, depth: number): Promise<readonly ConfigLine[]> {
  const lines: ConfigLine[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const [, keyword, rest = ''] = /^\s*([A-Za-z][A-Za-z0-9]*)(?:\s*=\s*|\s+|$)(.*)$/.exec(raw) ?? [];
    if (keyword === undefined) continue;
    const words = wordsOf(rest.trim());
    const at = { file, line: index + 1 };
    if (words === undefined) {
      throw configProblem(`${file}:${at.line}: a quote is not closed`, 'close it, or run with --ssh-config none');
    }
    const own = { keyword: keyword.toLowerCase(), words, ...at };
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
