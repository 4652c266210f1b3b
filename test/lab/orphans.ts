/** Owns what podman itself forgets when it is killed half way: a container that runc made and podman does not know. */
import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { run } from './run.ts';

/**
 * Ends containers whose pid file lies in that folder and that are not known. Each has a conmon process, and that has
 * the container's id and the pid file among its arguments.
 */
export async function endOrphans(folder: string, known: ReadonlySet<string>): Promise<void> {
  const processes = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const found = await Promise.all(processes.map((pid) => conmonOf(pid)));
  const orphans = found.filter(({ id, pidFile }) => pidFile.startsWith(`${folder}/`) && !known.has(id));
  // conmon ends with its container, and runc takes the control groups with it.
  for (const { id } of orphans) await run('runc', ['delete', '--force', id]);
}

async function conmonOf(pid: string): Promise<{ id: string; pidFile: string }> {
  const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  const after = (flag: string): string => words[words.indexOf(flag) + 1] ?? '';
  return basename(words[0] ?? '') === 'conmon' ? { id: after('-c'), pidFile: after('-p') } : { id: '', pidFile: '' };
}
