// A host over any transport: facts, reads, writes and removals each in one round trip, every command in the log.
import type { Duplex } from 'node:stream';
import { KbError } from '../errors.ts';
import type { Reporter } from '../report/events.ts';
import { retry } from '../util/retry.ts';
import { factsScript, parseFacts } from './facts.ts';
import { ConnectionLost, shortened } from './failures.ts';
import { readAnswer, readCommand, writeAnswer, writeBatch } from './files.ts';
import type {
  Artifact,
  Change,
  Directory,
  ExecIO,
  ExecResult,
  Host,
  HostFacts,
  TextEncoding,
  Transport,
  Upload,
} from './host.ts';
import { removeAnswer, removeCommand } from './removal.ts';
import type { Shell } from './shell.ts';
import { sendFile, type UploadWay } from './upload.ts';

export interface HostOptions {
  /** The host's name in every line about it. */
  readonly name: string;
  readonly reporter: Reporter;
}

const tries = 3;
/** A batch of files on a slow disk fsyncs each of them. */
const fileTimeoutSeconds = 120;

/** One command as the log shows it. */
interface Line {
  readonly text: string;
  readonly why?: string;
}

class RemoteHost implements Host {
  readonly name: string;
  readonly target: string;
  readonly #transport: Transport;
  readonly #reporter: Reporter;
  #facts: Promise<HostFacts> | undefined;

  constructor(transport: Transport, options: HostOptions) {
    this.name = options.name;
    this.target = transport.target;
    this.#transport = transport;
    this.#reporter = options.reporter;
  }

  async probe(command: Shell, io: ExecIO = {}): Promise<ExecResult> {
    return this.#execute(command, { idempotent: true, ...io }, { text: command.text });
  }

  async run(command: Shell, why: string, io: ExecIO = {}): Promise<ExecResult> {
    return this.#execute(command, { ...io, why }, { text: command.text, why });
  }

  async read(path: string): Promise<string | undefined> {
    return (await this.readAll([path])).get(path);
  }

  async readAll(paths: readonly string[], encoding?: TextEncoding): Promise<ReadonlyMap<string, string>> {
    if (paths.length === 0) return new Map();
    const line = { text: `(read ${paths.join(' ')})` };
    // What a file holds may be a key: it stays out of the log.
    const io = { idempotent: true, secret: true, why: 'read files', timeoutSeconds: fileTimeoutSeconds };
    return readAnswer(this.name, paths, await this.#execute(readCommand(paths), io, line), encoding);
  }

  async facts(): Promise<HostFacts> {
    this.#facts ??= this.#askFacts();
    return this.#facts;
  }

  async dial(address: string, port: number): Promise<Duplex> {
    return this.#transport.dial(address, port);
  }

  async write(artifacts: readonly Artifact[], directories: readonly Directory[] = []): Promise<readonly Change[]> {
    if (artifacts.length === 0 && directories.length === 0) return [];
    const { command, stdin } = writeBatch(artifacts, directories, this.name);
    const paths = [...directories, ...artifacts].map(({ path }) => path);
    const why = 'write files';
    const io = { stdin, idempotent: true, secret: true, why, timeoutSeconds: fileTimeoutSeconds };
    let wasLost = false;
    const result = await this.#execute(command, io, { text: `(write ${paths.join(' ')})`, why }, () => {
      wasLost = true;
    });
    const changes = writeAnswer(this.name, artifacts, directories, result).map((change) =>
      // A first attempt whose answer was lost may have written it: whoever restarts something on a change must do so.
      wasLost && change.outcome === 'unchanged' ? { ...change, outcome: 'updated' as const } : change,
    );
    for (const { path, outcome } of changes) this.#reporter.emit({ kind: 'file', host: this.name, path, outcome });
    return changes;
  }

  async upload(file: Upload): Promise<Change> {
    const way: UploadWay = {
      host: this.name,
      execute: (command, io, text) =>
        this.#execute(command, io, { text, ...(io.why !== undefined && { why: io.why }) }),
      tell: (text) => this.#reporter.emit({ kind: 'step', host: this.name, text }),
      now: () => performance.now(),
    };
    const change = await sendFile(way, file);
    this.#reporter.emit({ kind: 'file', host: this.name, ...change });
    return change;
  }

  async remove(paths: readonly string[], why: string): Promise<void> {
    if (paths.length === 0) return;
    const command = removeCommand(this.name, paths);
    const io = { idempotent: true, why, timeoutSeconds: fileTimeoutSeconds };
    const result = await this.#execute(command, io, { text: `(remove ${paths.join(' ')})`, why });
    for (const path of removeAnswer(this.name, paths, result)) {
      this.#reporter.emit({ kind: 'file', host: this.name, path, outcome: 'removed' });
    }
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #askFacts(): Promise<HostFacts> {
    try {
      // A proxy's URL may hold a password.
      const io = { idempotent: true, secret: true, why: 'inspect the host' };
      const { stdout } = await this.#execute(factsScript, io, { text: '(facts)' });
      return this.#factsOf(stdout);
    } catch (error) {
      this.#facts = undefined;
      throw error;
    }
  }

  /** @throws KbError KB_HOST_NAME, KB_HOST_FACT of this host: there may be others */
  #factsOf(stdout: string): HostFacts {
    try {
      return parseFacts(stdout, Date.now());
    } catch (error) {
      throw error instanceof KbError ? error.within({ host: this.name }) : error;
    }
  }

  /** Run it and log it; an idempotent command whose connection is lost is run again on a new one. */
  async #execute(command: Shell, io: ExecIO, line: Line, onLost?: () => void): Promise<ExecResult> {
    const isWorthRetrying = (error: unknown): boolean => {
      if (!(error instanceof ConnectionLost)) return false;
      if (error.isInFlight) onLost?.();
      const isWorth = io.idempotent === true || !error.isInFlight;
      const detail = error.problems[0]?.detail ?? 'the connection was lost';
      if (isWorth) this.#reporter.emit({ kind: 'warning', host: this.name, text: `${detail}; trying again` });
      return isWorth;
    };
    const options = { tries, firstDelaySeconds: 0.2, isWorthRetrying, ...(io.signal && { signal: io.signal }) };
    return retry(() => this.#once(command, io, line), options);
  }

  async #once(command: Shell, io: ExecIO, line: Line): Promise<ExecResult> {
    const start = performance.now();
    const log = (result: ExecResult, isShown: boolean): void =>
      this.#reporter.emit({
        kind: 'command',
        host: this.name,
        command: shortened(line.text),
        ...(line.why !== undefined && { why: line.why }),
        code: result.code,
        seconds: (performance.now() - start) / 1000,
        ...(isShown && { stdout: shortened(result.stdout), stderr: shortened(result.stderr) }),
      });
    try {
      const result = await this.#transport.exec(command, io);
      log(result, io.secret !== true);
      return result;
    } catch (error) {
      log({ code: -1, stdout: '', stderr: error instanceof Error ? error.message : String(error) }, true);
      throw error;
    }
  }
}

/** A host over a transport. Changes and commands are told to the reporter. */
export function openHost(transport: Transport, options: HostOptions): Host {
  return new RemoteHost(transport, options);
}
