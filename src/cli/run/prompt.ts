// What a user is asked on the terminal, and secrets (no echo; from files or standard input), so that they are in no argv.
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { KbError } from '../../errors.ts';
import { printable } from '../../util/invisible.ts';
import { addSecret } from '../../report/redact.ts';
import { readLocalFile } from '../../util/local-file.ts';

/** Ask on the terminal without showing what is typed. */
export function askSecret(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  process.stderr.write(question);
  return new Promise((resolve) => {
    lines.question('', (answer) => {
      lines.close();
      process.stderr.write('\n');
      resolve(answer);
    });
  });
}

/** A secret's file; `-` is standard input. @throws KbError KB_FILE */
export function readSecretFile(path: string, flag: string): string {
  const secret = readInput(path, flag).toString('utf8').trim();
  addSecret(secret);
  return secret;
}

/** A file the user named, of at most so many bytes. @throws KbError KB_FILE */
export function readInput(path: string, flag: string, mostBytes?: number): Buffer {
  try {
    return readLocalFile(path === '-' ? 0 : path, mostBytes);
  } catch (error) {
    throw new KbError({
      code: 'KB_FILE',
      summary: `the file given with --${flag} cannot be read`,
      detail: error instanceof Error ? error.message : String(error),
      fix: 'check the path and its permissions; kbinit reads it on the machine it runs on',
    });
  }
}

/** Ask a yes/no question on the terminal or standard input; false when nobody answers. */
export async function askYesNo(question: string, signal: AbortSignal): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, signal });
  // Where the answer goes into a file or a pipe, a question there would not be seen.
  (!process.stdout.isTTY && process.stderr.isTTY ? process.stderr : process.stdout).write(printable(question));
  try {
    for await (const line of lines) return ['y', 'yes'].includes(line.trim().toLowerCase());
    return false;
  } finally {
    lines.close();
  }
}
