/** Owns running a program of this machine: arguments as a list, output as text, limits in time. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { open, unlink, type FileHandle } from 'node:fs/promises';
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
  const { stdin, stdinFile } = options;
  const input = stdin === undefined ? await open(stdinFile ?? '/dev/null', 'r') : await namelessFile();
  const output = await namelessFile();
  const errors = await namelessFile();
  try {
    // At a position: the program shares ours, and reads from there on.
    if (stdin !== undefined && stdin !== '') await input.write(stdin, 0);
    const code = await ending(program, args, [input.fd, output.fd, errors.fd], options);
    const note = code === 124 && options.timeoutSeconds ? `\nout of time after ${options.timeoutSeconds} s` : '';
    return { code, stdout: await textOf(output), stderr: (await textOf(errors)) + note };
  } finally {
    await Promise.all([input, output, errors].map((file) => file.close()));
  }
}

/** Runs a program that must succeed and answers with its standard output. */
export async function mustRun(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const outcome = await run(program, args, options);
  if (outcome.code === 0) return outcome.stdout;
  const said = (outcome.stderr.trim() || outcome.stdout.trim()).split('\n').slice(-12).join('\n');
  throw new Error(`${[program, ...args].join(' ').slice(0, 300)} ended with ${outcome.code}:\n${said}`);
}

/** A file that is gone when its last reader is, whoever is killed; appended to, so that its writers do not collide. */
async function namelessFile(): Promise<FileHandle> {
  const path = join(tmpdir(), `kbinit-lab-${randomUUID()}`);
  const { O_APPEND, O_CREAT, O_EXCL, O_RDWR } = constants;
  const file = await open(path, O_APPEND | O_CREAT | O_EXCL | O_RDWR, 0o600);
  await unlink(path);
  return file;
}

async function textOf(file: FileHandle): Promise<string> {
  const { size } = await file.stat();
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0);
  return buffer.toString('utf8', 0, bytesRead);
}

function ending(
  program: string,
  args: readonly string[],
  fds: readonly number[],
  options: RunOptions,
): Promise<number> {
  return new Promise((resolve, reject) => {
    // A killed lab leaves no build behind that would go on by itself.
    const child = spawn('/usr/bin/setpriv', ['--pdeathsig', 'KILL', program, ...args], {
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
