// One command over one channel: the prologue, sudo's question, the input, the answer or why there is none.
import type { Client, ClientChannel } from 'ssh2';
import {
  answerTooLong,
  ConnectionLost,
  commandInterrupted,
  rootfsRefused,
  shortened,
  streamsMerged,
  timedOut,
} from '../failures.ts';
import { farewell, type Answer } from '../frame.ts';
import type { ExecIO } from '../host.ts';
import { promptCounter, sudoRefused, wrongSudoPassword, type Elevation } from '../sudo.ts';
import { accountRefused, noSession, noShell } from './failures.ts';
import { sshTarget, type SshOptions } from './options.ts';

const defaultCommandTimeoutSeconds = 60;
/** How long sshd may take to close a channel whose command has ended (a child of it may hold the streams). */
const closeGraceMilliseconds = 1000;

/** What a command on an open channel takes. */
export interface Conversation {
  readonly options: SshOptions;
  readonly channel: ClientChannel;
  readonly answer: Answer;
  readonly elevation: Elevation;
  readonly io: ExecIO;
  readonly input: Buffer;
  /** Fires when a command that lasts has to give way. */
  readonly lasting: AbortSignal;
  /** The connection has ended. */
  readonly isGone: () => boolean;
}

/** A channel that runs a command line; undefined when sshd has no session left for it. */
export async function openChannel(client: Client, name: string, line: string): Promise<ClientChannel | undefined> {
  return new Promise((resolve, reject) => {
    const onLost = (cause: unknown): void =>
      reject(new ConnectionLost(name, 'no channel could be opened', false, cause));
    try {
      client.exec(line, { allowHalfOpen: true }, (error, channel) => {
        if (error === undefined || error === null) return resolve(channel);
        if ('reason' in error) return resolve(undefined);
        return onLost(error);
      });
    } catch (error) {
      onLost(error);
    }
  });
}

/** Talk to the prologue on an open channel until the whole answer is there or the command is given up. */
export async function converse(run: Conversation): Promise<void> {
  const { channel, answer, io, options } = run;
  const seconds = io.timeoutSeconds ?? defaultCommandTimeoutSeconds;
  let timer: NodeJS.Timeout | undefined;
  let startTimer: NodeJS.Timeout | undefined;
  let stop: (() => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      let isGivenUp = false;
      // The end of the channel is the end of its standard input on the host: the prologue then ends the command.
      const giveUp = (failure: Error): void => {
        isGivenUp = true;
        reject(failure);
        channel.close();
      };
      let isInputSent = false;
      let isPasswordSent = false;
      const sendInput = (): void => {
        isInputSent = true;
        channel.write(run.input);
      };
      const countPrompts = run.elevation.kind === 'sudo-password' ? promptCounter(run.elevation.prompt) : () => 0;
      const onPassword = (elevation: Elevation & { kind: 'sudo-password' }, questions: number): void => {
        if (answer.hasBegun) return sendInput();
        if (questions > 1) return giveUp(wrongSudoPassword(options.name, options.user));
        if (questions === 1 && !isPasswordSent) {
          isPasswordSent = true;
          channel.write(`${elevation.password}\n`);
        }
      };
      const onOutput = (questions: number): void => {
        if (isGivenUp) return;
        if (answer.start !== '') clearTimeout(startTimer);
        if (!isInputSent && run.elevation.kind === 'sudo-password') onPassword(run.elevation, questions);
        if (answer.isTooLong) return giveUp(answerTooLong(options.name, io, answer.limitBytes));
        if (answer.isMerged) return giveUp(streamsMerged(options.name, sshTarget(options)));
        if (!answer.hasEnded) return;
        resolve();
        channel.end(farewell);
        const close = setTimeout(() => channel.close(), closeGraceMilliseconds);
        channel.once('close', () => clearTimeout(close));
      };
      channel.on('error', () => {}); // 'close' follows
      channel.on('data', (chunk: Buffer) => {
        answer.pushStdout(chunk);
        io.onOutput?.(answer.start);
        onOutput(0);
      });
      channel.stderr.on('data', (chunk: Buffer) => {
        answer.pushStderr(chunk);
        // sudo -S asks there.
        onOutput(countPrompts(chunk));
      });
      channel.on('close', () => {
        if (!answer.hasEnded) reject(endedEarly(run, isInputSent));
      });
      const late = (after: number) => () => giveUp(timedOut(options.name, io, after, answer.result));
      timer = setTimeout(late(seconds), seconds * 1000);
      if (io.startSeconds !== undefined) startTimer = setTimeout(late(io.startSeconds), io.startSeconds * 1000);
      stop = () => giveUp(commandInterrupted(options.name, io));
      io.signal?.addEventListener('abort', stop, { once: true });
      run.lasting.addEventListener('abort', () => giveUp(noSession(options)), { once: true });
      // sudo would take the script for passwords: with a password, the input waits until the shell has begun.
      if (run.elevation.kind !== 'sudo-password') sendInput();
    });
  } finally {
    clearTimeout(timer);
    clearTimeout(startTimer);
    if (stop !== undefined) io.signal?.removeEventListener('abort', stop);
  }
}

/** Why a channel closed without an answer. */
function endedEarly(run: Conversation, isInputSent: boolean): Error {
  const { answer, elevation, options } = run;
  if (run.isGone()) return new ConnectionLost(options.name, `${sshTarget(options)} went away`, isInputSent);
  if (answer.hasBegun) return new ConnectionLost(options.name, 'the shell of the command was killed', true);
  if (options.rootfs !== undefined && /\bchroot:/.test(answer.noise)) {
    return rootfsRefused(options.name, options.rootfs, shortened(answer.noise));
  }
  return (
    accountRefused(options, answer.noise) ??
    (elevation.kind === 'none' ? noShell(options, answer.noise) : sudoRefused(options.name, options.user, answer.noise))
  );
}
