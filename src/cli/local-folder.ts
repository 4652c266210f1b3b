// Files for the user on the machine that runs kbinit: private, written beside their place and renamed.
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { KbError } from '../errors.ts';
import type { Artifact } from '../host/host.ts';
import type { ClientPlace } from '../phases/etcd-init/context.ts';

/** A folder that gets a CA's certificate and a client's pair, all of them for their owner alone. */
export function localFolder(
  path: string,
  run: { readonly isDryRun: boolean; readonly plan: (text: string) => void },
): ClientPlace {
  const folder = resolve(path);
  return {
    name: folder,
    folder,
    caBase: 'ca',
    async read(paths) {
      const texts = await Promise.all(paths.map(async (file) => [file, await readIfThere(file)] as const));
      return new Map(texts.flatMap(([file, text]) => (text === undefined ? [] : [[file, text] as const])));
    },
    async write(artifacts) {
      if (run.isDryRun) for (const { path: file } of artifacts) run.plan(`write ${file} on this machine (0600)`);
      else await writePrivately(artifacts);
      return artifacts.length > 0;
    },
  };
}

/** @throws KbError KB_FILE */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw inTheWay(path, error);
  }
}

async function writePrivately(artifacts: readonly Artifact[]): Promise<void> {
  for (const { path, body } of artifacts) {
    const temporary = `${path}.kbinit`;
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await rm(temporary, { force: true });
      // `wx`: whatever somebody puts there in between is not written through.
      await writeFile(temporary, body, { mode: 0o600, flag: 'wx', flush: true });
      await chmod(temporary, 0o600);
      await rename(temporary, path);
    } catch (error) {
      throw inTheWay(path, error);
    }
  }
}

function inTheWay(path: string, error: unknown): KbError {
  return new KbError({
    code: 'KB_FILE',
    summary: 'a file for you cannot be read or written',
    detail: `${path}: ${error instanceof Error ? error.message : String(error)}`,
    fix: 'name a folder of yours with --client-certs-dir',
  });
}
