// The failures a transport can report, one function each.
import { interrupted, KbError, type Problem } from '../errors.ts';
import { mebibytes } from '../util/text.ts';
import type { ExecIO, ExecResult } from './host.ts';

/** The shell of a command is gone. `isInFlight`: the command may have run, wholly or in part. */
export class ConnectionLost extends KbError {
  readonly isInFlight: boolean;

  constructor(host: string, detail: string, isInFlight: boolean, cause?: unknown, how: Lost = overSsh) {
    super({ ...how, detail, host }, { cause });
    this.name = 'ConnectionLost';
    this.isInFlight = isInFlight;
  }
}

type Lost = Pick<Problem, 'code' | 'summary' | 'fix'>;

const overSsh: Lost = {
  code: 'KB_SSH_LOST',
  summary: 'the SSH connection was lost',
  fix: 'check the network and the host, then run the same command again: finished steps are not repeated',
};

const onThisMachine: Lost = {
  code: 'KB_SHELL_LOST',
  summary: 'a command on this machine was killed',
  fix: 'find out what ended it (memory: `dmesg`), then run the same command again: finished steps are not repeated',
};

/** The same without a connection: a shell of this machine. */
export function shellLost(host: string, detail: string): ConnectionLost {
  return new ConnectionLost(host, detail, true, undefined, onThisMachine);
}

/** The folder of --rootfs has no system in it. */
export function rootfsRefused(host: string, rootfs: string, said: string): KbError {
  return new KbError({
    code: 'KB_ROOTFS',
    summary: 'the folder of --rootfs cannot be entered',
    detail: said === '' ? `chroot ${rootfs} failed without a message` : said,
    fix: `name with --rootfs the root folder of a Linux system: /bin/sh and /usr/bin/env must exist below it`,
    host,
  });
}

/** A host answers with more than anybody waits for. */
export function answerTooLong(host: string, io: { readonly why?: string }, limitBytes: number): KbError {
  return new KbError({
    code: 'KB_ANSWER_TOO_LONG',
    summary: `the output is too long: ${io.why ?? 'a command on the host'}`,
    detail: `the host sent more than the ${mebibytes(limitBytes)} that kbinit accepts from this command; the command was ended`,
    fix: 'find out on the host what prints so much (a login script, a replaced program, a damaged file), then run the same command again',
    host,
  });
}

/** stdout and stderr arrive as one. */
export function streamsMerged(host: string, target: string): KbError {
  return new KbError({
    code: 'KB_SSH_SHELL',
    summary: 'the login shell merges standard output and standard error',
    detail: `${target} sends both on one stream, so answers cannot be separated from warnings`,
    fix: 'remove the ForceCommand or the wrapper around the login shell that redirects 2>&1 or allocates a terminal, or log in as another user',
    host,
  });
}

const shownCharacters = 2000;

/** The end of an output, short enough for a message or a log line. */
export function shortened(text: string): string {
  const trimmed = text.trim();
  return trimmed.length <= shownCharacters ? trimmed : `… ${trimmed.slice(-shownCharacters)}`;
}

/** A command was given up; `partial` is what it had said by then. */
export function timedOut(host: string, io: ExecIO, seconds: number, partial: ExecResult): KbError {
  const said = io.secret === true ? '' : shortened(`${partial.stdout}\n${partial.stderr}`);
  return new KbError({
    code: 'KB_TIMEOUT',
    summary: `gave up after ${seconds} s: ${io.why ?? 'a command on the host'}`,
    detail: said === '' ? 'no output until then' : `last output: ${said}`,
    fix: 'find out why the host is slow or the command hangs (load, disk, network), then run again',
    host,
  });
}

/** The user stopped the run. */
export function commandInterrupted(host: string, io: { readonly why?: string }): KbError {
  return interrupted('the command on the host was terminated', {
    summary: `interrupted: ${io.why ?? 'a command on the host'}`,
    fix: 'run the same command again: finished steps are not repeated',
    host,
  });
}
