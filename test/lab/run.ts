/** Owns running a program of this machine: arguments as a list, output as text, limits in time. */
import { spawn } from 'node:child_process';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a program left behind; 124 is the code of one that ran out of time, as timeout(1) has it. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program is run. */
export interface RunOptions {
  readonly stdin?: string;
  /** A file whose bytes become the program's input. */
  readonly stdinFile?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutSeconds?: number;
}

/**
 * Runs a program and answers with its outcome, whatever its code.
 * Its streams are files: /dev/stdin and /dev/stdout can be opened by name, which Node's sockets cannot, and a daemon
 * that the program leaves behind keeps nobody waiting.
 */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'kbinit-lab-run-'));
  const inFolder = (name: string): string => join(folder, name);
  try {
    if (options.stdin !== undefined) await writeFile(inFolder('in'), options.stdin, { mode: 0o600 });
    const source = options.stdinFile ?? (options.stdin === undefined ? '/dev/null' : inFolder('in'));
    const files = [await open(source, 'r'), await open(inFolder('out'), 'a'), await open(inFolder('err'), 'a')];
    const fds = files.map(({ fd }) => fd);
    // The program has copies of its own as soon as it is started.
    const ended = ending(program, args, fds, options);
    const code = await ended.finally(() => files.forEach((file) => void file.close()));
    const [stdout, stderr] = await Promise.all(['out', 'err'].map((name) => readFile(inFolder(name), 'utf8')));
    const note = code === 124 && options.timeoutSeconds ? `\nout of time after ${options.timeoutSeconds} s` : '';
    return { code, stdout: stdout ?? '', stderr: `${stderr ?? ''}${note}` };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs a program that must succeed and answers with its standard output. */
export async function mustRun(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const outcome = await run(program, args, options);
  if (outcome.code === 0) return outcome.stdout;
  const said = (outcome.stderr.trim() || outcome.stdout.trim()).split('\n').slice(-12).join('\n');
  throw new Error(`${[program, ...args].join(' ').slice(0, 300)} ended with ${outcome.code}:\n${said}`);
}

function ending(
  program: string,
  args: readonly string[],
  fds: readonly number[],
  options: RunOptions,
): Promise<number> {
  return new Promise((resolve, reject) => {
    // A killed lab leaves no build behind that would go on by itself.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: [...fds],
      // A group of its own, so that running out of time ends its children too.
      detached: options.timeoutSeconds !== undefined,
    });
    let isOutOfTime = false;
    const kill = (): void => {
      isOutOfTime = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    const timer = options.timeoutSeconds === undefined ? undefined : setTimeout(kill, options.timeoutSeconds * 1000);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('exit', (code) => {
      clearTimeout(timer);
      resolve(isOutOfTime ? 124 : (code ?? 137));
    });
  });
}
