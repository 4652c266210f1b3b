// A program, judged without being run: which machine it is for, and which version it carries.
import { measure, type Measured } from './measure.ts';
import type { Architecture } from './lock.ts';

export interface Program extends Measured {
  /** undefined for what is not a Linux amd64/arm64 executable. */
  readonly architecture: Architecture | undefined;
  /** Of the module it was built from, where Go wrote one down. */
  readonly version: string | undefined;
  /** Those of the asked-for texts that are in it. */
  readonly texts: ReadonlySet<string>;
}

/** What stands before a Go program's own account of its modules (runtime/debug, modinfo). */
const modulesBegin = Buffer.from('3077af0c9274080241e1c107e6d618e6', 'hex');
const modulesEnd = Buffer.from('f932433186182072008242104116d8f2', 'hex');
const mostModules = 512 * 1024;

/** Read a program once; `wanted` are texts to look for in it. */
export async function inspectProgram(path: string, wanted: readonly string[] = []): Promise<Program> {
  const texts = new Set<string>();
  const needles = wanted.map((text) => ({ text, bytes: Buffer.from(text) }));
  const overlap = Math.max(modulesBegin.length, ...needles.map(({ bytes }) => bytes.length));
  let tail = Buffer.alloc(0);
  let modules: Buffer | undefined;
  const measured = await measure(path, (piece) => {
    const seen = Buffer.concat([tail, piece]);
    for (const { text, bytes } of needles) if (!texts.has(text) && seen.includes(bytes)) texts.add(text);
    if (modules !== undefined && modules.length < mostModules) modules = Buffer.concat([modules, piece]);
    if (modules === undefined || !isAccount(modules)) modules = accountIn(seen) ?? modules;
    tail = Buffer.from(seen.subarray(-overlap));
  });
  return { ...measured, architecture: architectureOf(measured.head), version: versionOf(modules), texts };
}

/** The mark also stands where the linker looks it up; an account goes on with the path of the program. */
function accountIn(seen: Buffer): Buffer | undefined {
  let found: Buffer | undefined;
  for (let at = seen.indexOf(modulesBegin); at >= 0; at = seen.indexOf(modulesBegin, at + 1)) {
    found = Buffer.from(seen.subarray(at + modulesBegin.length));
    if (isAccount(found)) return found;
  }
  return found;
}

function isAccount(bytes: Buffer): boolean {
  return bytes.length < 5 ? true : bytes.toString('latin1', 0, 5) === 'path\t';
}

/** By its ELF header; the class and the byte order are those of 64 bits. */
function architectureOf(head: Buffer): Architecture | undefined {
  if (head.length < 20 || head.toString('latin1', 0, 6) !== '\u007FELF\u0002\u0001') return undefined;
  const machine = head.readUInt16LE(18);
  return machine === 62 ? 'amd64' : machine === 183 ? 'arm64' : undefined;
}

/** `path`, `mod` and `dep` are lines of words between tabs; `=>` tells a replacement of the line before it. */
function versionOf(modules: Buffer | undefined): string | undefined {
  const end = modules?.indexOf(modulesEnd) ?? -1;
  if (modules === undefined || end < 0) return undefined;
  const lines = modules.toString('latin1', 0, end).split('\n');
  const path = lines[0]?.split('\t')[1] ?? '';
  let best = { module: '', version: '' };
  for (const line of lines) {
    const [word, module = '', version = ''] = line.split('\t');
    const isOwn = (word === 'mod' || word === 'dep') && (path === module || path.startsWith(`${module}/`));
    if (isOwn && module.length > best.module.length) best = { module, version };
  }
  return /^v\d+\.\d+\.\d+/.test(best.version) ? best.version : undefined;
}
