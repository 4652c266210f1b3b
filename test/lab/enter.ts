/** Owns running things inside a host: through its namespaces, which takes a hundredth of what `podman exec` takes. */
import { readFile } from 'node:fs/promises';
import { run, type Outcome, type RunOptions } from './run.ts';

const environment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LANG: 'C.UTF-8',
  TERM: 'dumb',
};

/** The command line that runs a program inside a host, whose first process is `pid` of the machine. */
export function enterArgs(
  pid: number,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): string[] {
  const pairs = Object.entries({ ...environment, ...env }).map(([name, value]) => `${name}=${value}`);
  const namespaces = ['-t', `${pid}`, '-m', '-u', '-i', '-n', '-p', '-C'];
  return [...namespaces, '--', '/usr/bin/env', '-i', '-C', '/root', ...pairs, ...command];
}

/** Runs a program inside a host. Out of time, it and its children are ended. */
export function enter(pid: number, command: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { env, ...rest } = options;
  return run('nsenter', enterArgs(pid, command, env), rest);
}

// A light host begins as a shell and becomes sshd.
const firstProcesses = ['systemd', 'sshd', 'sh'];

/** The machine's number for a host's first process, from the file podman writes at each start. */
export async function readPid(pidFile: string): Promise<number> {
  const pid = Number(await readFile(pidFile, 'utf8'));
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  // After a reboot of the machine the number may be anybody's.
  if (!firstProcesses.includes(name.trim())) throw new Error(`the host of ${pidFile} does not run`);
  return pid;
}
