// A file for the user on the machine that runs kbinit: for its owner alone, whole or not there at all.
import { link, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KbError } from '../../errors.ts';

export interface PrivateFile {
  readonly path: string;
  readonly body: string | Uint8Array;
  /** Replace a file that is there; else it stays, and `false` is the answer. */
  readonly replaces: boolean;
  /** What to do where it cannot be written. */
  readonly fix: string;
}

/**
 * Write it beside its place, 0600, and put it there; folders that are missing are made, 0700.
 * @returns false where a file is there that is not to be replaced
 * @throws KbError KB_FILE
 */
export async function writePrivateFile({ path, body, replaces, fix }: PrivateFile): Promise<boolean> {
  const temporary = `${path}.kbinit`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await rm(temporary, { force: true });
    // `wx`: whatever somebody puts there in between is not written through. Its owner alone whatever the umask: no bit more.
    await writeFile(temporary, body, { mode: 0o600, flag: 'wx', flush: true });
    if (!replaces) return await linked(temporary, path);
    await rename(temporary, path);
    return true;
  } catch (error) {
    throw localFileProblem(path, error, fix);
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** Unlike a rename it never takes the place of what came in between. */
async function linked(from: string, path: string): Promise<boolean> {
  try {
    await link(from, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** @returns KbError KB_FILE */
export function localFileProblem(path: string, error: unknown, fix: string): KbError {
  return new KbError({
    code: 'KB_FILE',
    summary: 'a local file cannot be read or written',
    detail: `${path}: ${error instanceof Error ? error.message : String(error)}`,
    fix,
  });
}
