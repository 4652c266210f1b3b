/** Owns running a program of this machine: arguments as a list, output as text, limits in time. */
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';

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
  /** Each line of output as it comes, for long jobs. */
  readonly onLine?: (line: string) => void;
}

/** Runs a program and answers with its outcome, whatever its code. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own, so that running out of time ends its children too.
      detached: options.timeoutSeconds !== undefined,
    });
    let stdout = '';
    let stderr = '';
    let isOutOfTime = false;
    const timer =
      options.timeoutSeconds === undefined
        ? undefined
        : setTimeout(() => {
            isOutOfTime = true;
            if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
          }, options.timeoutSeconds * 1000);
    const lines = (text: string): void => text.split('\n').forEach((line) => line !== '' && options.onLine?.(line));
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
      lines(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
      lines(chunk);
    });
    // A program that does not read its input closes it early; that is its right.
    child.stdin.on('error', () => undefined);
    if (options.stdinFile === undefined) child.stdin.end(options.stdin ?? '');
    else createReadStream(options.stdinFile).on('error', reject).pipe(child.stdin);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (isOutOfTime) stderr += `\nout of time after ${options.timeoutSeconds} s`;
      resolve({ code: isOutOfTime ? 124 : (code ?? (signal === null ? 1 : 137)), stdout, stderr });
    });
  });
}

/** Runs a program that must succeed and answers with its standard output. */
export async function mustRun(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const outcome = await run(program, args, options);
  if (outcome.code === 0) return outcome.stdout;
  const said = (outcome.stderr.trim() || outcome.stdout.trim()).split('\n').slice(-12).join('\n');
  throw new Error(`${[program, ...args].join(' ').slice(0, 300)} ended with ${outcome.code}:\n${said}`);
}
