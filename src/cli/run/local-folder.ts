// Files for the user on the machine that runs kbinit: private, written beside their place and renamed.
import { resolve } from 'node:path';
import type { Artifact } from '../../host/host.ts';
import type { ClientPlace } from '../../phases/etcd-init/context.ts';
import { readLocalText } from '../../util/local-file.ts';
import { localFileProblem, writePrivateFile } from './private-file.ts';

const otherFolder = 'name a folder of yours with --client-certs-dir';

/** A folder that gets a CA's certificate and a client's pair, all of them for their owner alone. */
export function localFolder(
  path: string,
  run: { readonly isDryRun: boolean; readonly plan: (artifact: Artifact) => void },
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
      if (run.isDryRun) artifacts.forEach(run.plan);
      else {
        for (const { path: file, body } of artifacts) {
          await writePrivateFile({ path: file, body, replaces: true, fix: otherFolder });
        }
      }
      return artifacts.length > 0;
    },
  };
}

/** @throws KbError KB_FILE */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return readLocalText(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw localFileProblem(path, error, otherFolder);
  }
}
