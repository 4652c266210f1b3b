// kbinit at a terminal: a pseudo terminal made by script(1), and somebody who answers its questions.
import { spawn } from 'node:child_process';
import { quote } from '../../../src/host/shell.ts';
import { program } from '../support.ts';

/** What to type when the text so far ends in a question. */
interface Answer {
  readonly question: RegExp;
  readonly text: string;
}

interface TerminalOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Words that start the program, before its own. */
  readonly prefix?: readonly string[];
  /** A file that gets standard output, so that the screen shows standard error alone. */
  readonly stdoutFile?: string;
}

interface TerminalResult {
  readonly code: number;
  /** Everything the terminal showed. */
  readonly screen: string;
  /** How often each question was seen, in the order of the answers. */
  readonly asked: readonly number[];
}

const timeoutSeconds = 120;

/** Run the built program at a terminal. A question that nobody answers ends the run after a while. */
export function kbinitAtTerminal(
  args: readonly string[],
  answers: readonly Answer[],
  { environment = {}, prefix = [], stdoutFile }: TerminalOptions = {},
): Promise<TerminalResult> {
  const words = [...prefix, process.execPath, program, ...args].map(quote).join(' ');
  const command = stdoutFile === undefined ? words : `${words} >${quote(stdoutFile)}`;
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: { ...process.env, NO_COLOR: '1', SHELL: '/bin/sh', ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let screen = '';
  let read = 0;
  const asked = answers.map(() => 0);
  child.stdin.on('error', () => undefined);
  child.stdout.on('data', (chunk: Buffer) => {
    screen += chunk.toString('utf8');
    for (const [index, { question, text }] of answers.entries()) {
      if (!question.test(screen.slice(read))) continue;
      read = screen.length;
      asked[index] = (asked[index] ?? 0) + 1;
      child.stdin.write(`${text}\r`);
    }
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutSeconds * 1000);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      child.stdin.end();
      resolve({ code: code ?? 137, screen, asked });
    });
  });
}
