// The log of a run: every event as JSON, masked, on the machine that runs kbinit.
import { closeSync, constants, fchmodSync, mkdirSync, openSync, readdirSync, unlinkSync, writeSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Reporter, RunEvent } from './events.ts';
import { jsonLine } from './json.ts';
import { redacting, redactor, type Redactor } from './redact.ts';

type WriteBytes = (descriptor: number, bytes: Uint8Array, offset: number) => number;

export interface LogFileOptions {
  /** Default: KBINIT_LOG_DIR, else ~/.kbinit/log. */
  readonly directory?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch; for tests. */
  readonly now?: () => number;
  readonly redactor?: Redactor;
  /** How bytes get into the file; for tests of a full disk. */
  readonly write?: WriteBytes;
  /** Told once when the log can't be written; the run goes on. */
  readonly onFailure?: (text: string) => void;
}

export interface LogFile {
  readonly reporter: Reporter;
  /** undefined when there is no log. */
  readonly path: string | undefined;
  close(): void;
}

const kept = 50;
const logName = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(?:-\d+)?\.jsonl$/;

/** Open a new log, 0600 in a folder of 0700, and throw away all but the newest fifty. Never throws. */
export function openLogFile(options: LogFileOptions = {}): LogFile {
  const now = options.now ?? Date.now;
  const directory = options.directory ?? logDirectory(options.environment ?? process.env);
  let file: { readonly path: string; readonly descriptor: number } | undefined;
  const fail = (cause: unknown): void => {
    const text = `no log is written to ${directory}: ${cause instanceof Error ? cause.message : String(cause)}`;
    if (file !== undefined) close(file.descriptor);
    file = undefined;
    options.onFailure?.(text);
  };
  try {
    file = create(directory, new Date(now()));
    prune(directory);
  } catch (cause) {
    fail(cause);
  }
  const emit = (event: RunEvent): void => {
    if (file === undefined) return;
    try {
      writeAll(file.descriptor, jsonLine(event, now()), options.write ?? writeSync);
    } catch (cause) {
      fail(cause);
    }
  };
  return {
    reporter: redacting({ emit }, options.redactor ?? redactor),
    path: file?.path,
    close() {
      if (file !== undefined) close(file.descriptor);
      file = undefined;
    },
  };
}

/** Where logs go: KBINIT_LOG_DIR, else ~/.kbinit/log. */
export function logDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  return environment['KBINIT_LOG_DIR'] || join(environment['HOME'] || homedir(), '.kbinit', 'log');
}

/** Two runs in one second get two names; an existing file or link is never written to. */
function create(directory: string, time: Date): { path: string; descriptor: number } {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const stem = time.toISOString().slice(0, 19).replaceAll(':', '-');
  for (let number = 1; ; number++) {
    const path = join(directory, `${stem}Z${number === 1 ? '' : `-${number}`}.jsonl`);
    const descriptor = openNew(path);
    if (descriptor === undefined) continue;
    fchmodSync(descriptor, 0o600);
    return { path, descriptor };
  }
}

function openNew(path: string): number | undefined {
  try {
    const { O_WRONLY, O_CREAT, O_EXCL, O_APPEND } = constants;
    return openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0o600);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST') return undefined;
    throw cause;
  }
}

/** A full disk may take a part of a line first. */
function writeAll(descriptor: number, line: string, write: WriteBytes): void {
  const bytes = Buffer.from(line);
  for (let done = 0; done < bytes.length;) done += write(descriptor, bytes, done);
}

/** Names sort by time. Only files with a log's name are touched. */
function prune(directory: string): void {
  const logs = readdirSync(directory).filter((name) => logName.test(name));
  for (const name of logs.toSorted().slice(0, -kept)) unlinkSync(join(directory, name));
}

function close(descriptor: number): void {
  try {
    closeSync(descriptor);
  } catch {
    // It is gone already; there is nothing left to lose.
  }
}
