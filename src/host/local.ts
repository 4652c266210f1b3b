// The transport for this machine: the same framed commands, run by a child process.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { ConnectionLost, commandInterrupted, shortened, timedOut } from './failures.ts';
import { Answer, farewell, frameInput, prologueArguments } from './frame.ts';
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

/** End the group, so that nothing of a command that was given up stays behind; resolves when it has. */
async function endGroup(child: ChildProcessWithoutNullStreams): Promise<void> {
  signalGroup(child, 'SIGTERM');
  const deadline = performance.now() + graceSeconds * 1000;
  while (signalGroup(child, 0) && performance.now() < deadline) await sleep(0.02);
  signalGroup(child, 'SIGKILL');
}

async function execHere(name: string, command: Shell, io: ExecIO, rootfs?: string): Promise<ExecResult> {
  if (io.signal?.aborted === true) throw commandInterrupted(name, io);
  const fence = randomBytes(12).toString('hex');
  const answer = new Answer(fence);
  // Detached: a process group of its own, which Ctrl-C at the terminal does not reach.
  const [program, ...words] = prologueArguments(fence, rootfs);
  const child = spawn(program, words, { detached: true, cwd: '/' });
  const seconds = io.timeoutSeconds ?? defaultTimeoutSeconds;
  let timer: NodeJS.Timeout | undefined;
  let stop: (() => void) | undefined;
  try {
    return await new Promise<ExecResult>((resolve, reject) => {
      const settle = (): void => {
        if (!answer.hasEnded) return;
        child.stdin.end(farewell);
        resolve(answer.result);
      };
      let failure: Error | undefined;
      const giveUp = (reason: Error): void => {
        failure = reason;
        void endGroup(child).then(() => reject(reason));
      };
      child.stdin.on('error', () => {}); // EPIPE: the command ended without reading its data
      child.stdout.on('data', (chunk: Buffer) => {
        answer.pushStdout(chunk);
        io.onOutput?.(answer.result.stdout);
        settle();
      });
      child.stderr.on('data', (chunk: Buffer) => {
        answer.pushStderr(chunk);
        settle();
      });
      child.on('error', reject);
      child.on('close', (code, signal) => {
        const said = shortened(answer.noise.trim());
        const early = `the shell ended early (${signal ?? code})${said === '' ? '' : `: ${said}`}`;
        if (!answer.hasEnded) reject(failure ?? new ConnectionLost(name, early, true));
      });
      timer = setTimeout(() => giveUp(timedOut(name, io, seconds, answer.result)), seconds * 1000);
      stop = () => giveUp(commandInterrupted(name, io));
      io.signal?.addEventListener('abort', stop, { once: true });
      child.stdin.write(frameInput(command, fence, io.stdin));
    });
  } finally {
    clearTimeout(timer);
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
