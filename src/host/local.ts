// The transport for this machine: the same framed commands, run by a child process.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { answerTooLong, commandInterrupted, rootfsRefused, shellLost, shortened, timedOut } from './failures.ts';
import { Answer, commandEnvironment, farewell, frameInput, prologueArguments } from './frame.ts';
import type { ExecIO, ExecResult, Transport } from './host.ts';
import { sleep } from '../util/retry.ts';
import type { Shell } from './shell.ts';

const defaultTimeoutSeconds = 60;
/** How long a command that is given up may take to clean up before it is killed. */
const graceSeconds = 3;

/** False when nothing is left in the group. */
function signalGroup(child: ChildProcessWithoutNullStreams, signal: NodeJS.Signals | 0): boolean {
  if (child.pid === undefined) return false;
  try {
    return process.kill(-child.pid, signal);
  } catch {
    return false; // ESRCH
  }
}

/** A process of the group that still runs. The dead whose new parent has not reaped them keep the group, for seconds. */
async function hasLiveProcess(group: number): Promise<boolean> {
  const names = await readdir('/proc').catch(() => undefined);
  if (names === undefined) return true;
  const states = names
    .filter((name) => /^\d+$/.test(name))
    .map(async (name) => {
      const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
      // The name is in parentheses and may hold anything; state, parent and group follow.
      const [state = 'X', , itsGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(itsGroup) === group && !'ZX'.includes(state);
    });
  return (await Promise.all(states)).includes(true);
}

/** End the group, so that nothing of a command that was given up stays behind; resolves when it has. */
async function endGroup(child: ChildProcessWithoutNullStreams): Promise<void> {
  signalGroup(child, 'SIGTERM');
  const deadline = performance.now() + graceSeconds * 1000;
  while (signalGroup(child, 0) && performance.now() < deadline) {
    if (child.pid !== undefined && !(await hasLiveProcess(child.pid))) break;
    await sleep(0.02);
  }
  signalGroup(child, 'SIGKILL');
}

async function execHere(name: string, command: Shell, io: ExecIO, rootfs?: string): Promise<ExecResult> {
  if (io.signal?.aborted === true) throw commandInterrupted(name, io);
  const fence = randomBytes(12).toString('hex');
  const answer = new Answer(fence, io.limitBytes);
  // Detached: a process group of its own, which Ctrl-C at the terminal does not reach.
  const [program, ...words] = prologueArguments(fence, rootfs);
  const child = spawn(program, words, { detached: true, cwd: '/', env: commandEnvironment(process.env) });
  const seconds = io.timeoutSeconds ?? defaultTimeoutSeconds;
  let timer: NodeJS.Timeout | undefined;
  let startTimer: NodeJS.Timeout | undefined;
  let stop: (() => void) | undefined;
  try {
    return await new Promise<ExecResult>((resolve, reject) => {
      let failure: Error | undefined;
      const giveUp = (reason: Error): void => {
        if (failure !== undefined) return;
        failure = reason;
        void endGroup(child).then(() => reject(reason));
      };
      const settle = (): void => {
        if (answer.start !== '') clearTimeout(startTimer);
        if (answer.isTooLong) giveUp(answerTooLong(name, io, answer.limitBytes));
        if (!answer.hasEnded) return;
        child.stdin.end(farewell);
        resolve(answer.result);
      };
      child.stdin.on('error', () => {}); // EPIPE: the command ended without reading its data
      child.stdout.on('data', (chunk: Buffer) => {
        answer.pushStdout(chunk);
        io.onOutput?.(answer.start);
        settle();
      });
      child.stderr.on('data', (chunk: Buffer) => {
        answer.pushStderr(chunk);
        settle();
      });
      child.on('error', reject);
      child.on('close', (code, signal) => {
        if (answer.hasEnded || failure !== undefined) return;
        const said = shortened(answer.noise);
        if (rootfs !== undefined && !answer.hasBegun) return reject(rootfsRefused(name, rootfs, said));
        reject(shellLost(name, `the shell ended early (${signal ?? code})${said === '' ? '' : `: ${said}`}`));
      });
      const late = (after: number) => () => giveUp(timedOut(name, io, after, answer.result));
      timer = setTimeout(late(seconds), seconds * 1000);
      if (io.startSeconds !== undefined) startTimer = setTimeout(late(io.startSeconds), io.startSeconds * 1000);
      stop = () => giveUp(commandInterrupted(name, io));
      io.signal?.addEventListener('abort', stop, { once: true });
      child.stdin.write(frameInput(command, fence, io.stdin));
    });
  } finally {
    clearTimeout(timer);
    clearTimeout(startTimer);
    if (stop !== undefined) io.signal?.removeEventListener('abort', stop);
  }
}

async function dialHere(address: string, port: number): Promise<Duplex> {
  const socket = connect({ host: address, port, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve();
    });
    socket.once('error', reject);
  });
  return socket;
}

/** Commands on this machine, as the user that runs kbinit. `name` stands in messages, `rootfs` is entered by chroot. */
export function localTransport(name = 'localhost', rootfs?: string): Transport {
  return {
    target: 'localhost',
    exec: (command, io = {}) => execHere(name, command, io, rootfs),
    dial: dialHere,
    close: () => Promise.resolve(),
  };
}
