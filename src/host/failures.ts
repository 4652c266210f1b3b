// The failures a transport can report, one function each.
import { interrupted, KbError } from '../errors.ts';
import type { ExecIO, ExecResult } from './host.ts';

/** The connection is gone. `isInFlight`: the command may have run, wholly or in part. */
export class ConnectionLost extends KbError {
  readonly isInFlight: boolean;

  constructor(host: string, detail: string, isInFlight: boolean, cause?: unknown) {
    super(
      {
        code: 'KB_SSH_LOST',
        summary: 'the SSH connection was lost',
        detail,
        fix: 'check the network and the host, then run the same command again: finished steps are not repeated',
        host,
      },
      { cause },
    );
    this.name = 'ConnectionLost';
    this.isInFlight = isInFlight;
  }
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
  return interrupted('the command on the host was told to end', {
    summary: `interrupted: ${io.why ?? 'a command on the host'}`,
    fix: 'run the same command again: finished steps are not repeated',
    host,
  });
}
