// The host of a dry run: reads reach the real host, changes become lines of the plan and are seen by later reads.
import type { Duplex } from 'node:stream';
import { fileBody } from '../plan/body.ts';
import type { Op } from '../plan/op.ts';
import { planned } from '../plan/planned.ts';
import type { Reporter } from '../report/events.ts';
import type { Artifact, Change, Directory, ExecIO, ExecResult, Host, HostFacts, TextEncoding, Upload } from './host.ts';
import { lineDiff } from '../util/diff.ts';
import { sh, type Shell } from './shell.ts';
import { lookCommand, readLook } from './upload.ts';

function bytesOf({ body, encoding }: Artifact): Buffer {
  return Buffer.from(body, encoding);
}

class RecordingHost implements Host {
  readonly name: string;
  readonly target: string;
  readonly #inner: Host;
  readonly #reporter: Reporter;
  /** What files would hold by now. */
  readonly #written = new Map<string, Artifact>();
  readonly #removed = new Set<string>();
  readonly #emptied = new Set<string>();
  readonly #folders = new Set<string>();

  constructor(inner: Host, reporter: Reporter) {
    this.name = inner.name;
    this.target = inner.target;
    this.#inner = inner;
    this.#reporter = reporter;
  }

  async probe(command: Shell, io?: ExecIO): Promise<ExecResult> {
    return this.#inner.probe(command, io);
  }

  async facts(): Promise<HostFacts> {
    return this.#inner.facts();
  }

  async dial(address: string, port: number): Promise<Duplex> {
    return this.#inner.dial(address, port);
  }

  async read(path: string): Promise<string | undefined> {
    return (await this.readAll([path])).get(path);
  }

  async readAll(paths: readonly string[], encoding: TextEncoding = 'utf8'): Promise<ReadonlyMap<string, string>> {
    const asked = paths.filter((path) => !this.#written.has(path) && !this.#isGone(path));
    const bodies = new Map(await this.#inner.readAll(asked, encoding));
    for (const path of paths) {
      const artifact = this.#written.get(path);
      if (artifact !== undefined) bodies.set(path, bytesOf(artifact).toString(encoding));
    }
    return bodies;
  }

  async write(artifacts: readonly Artifact[], directories: readonly Directory[] = []): Promise<readonly Change[]> {
    for (const directory of directories) await this.#makeFolder(directory);
    const bodies = await this.readAll(
      artifacts.map(({ path }) => path),
      'latin1',
    );
    const modes = await this.#modes(artifacts.map(({ path }) => path));
    return artifacts.map((artifact): Change => {
      const { path, mode } = artifact;
      const body = bytesOf(artifact);
      const there = bodies.get(path);
      const isSame =
        artifact.isKept === true
          ? artifact.secret !== true || ((modes.get(path) ?? 0) & 0o077) === 0
          : there === body.toString('latin1') && modes.get(path) === mode;
      const outcome = there === undefined ? 'created' : isSame ? 'unchanged' : 'updated';
      if (outcome === 'unchanged') return { path, outcome };
      this.#written.set(path, artifact);
      this.#removed.delete(path);
      const before = there === undefined ? undefined : Buffer.from(there, 'latin1').toString();
      const after = body.toString();
      const shown = before === undefined || before === after ? after : (lineDiff(before, after) ?? after);
      const isSecret = artifact.secret === true;
      const was = before === undefined ? 'absent' : fileBody(path, before, isSecret);
      this.#plan({ op: 'file', path, mode, was, is: fileBody(path, after, isSecret) }, isSecret ? undefined : shown);
      return { path, outcome };
    });
  }

  async run(command: Shell, why: string, io: ExecIO = {}): Promise<ExecResult> {
    const text = (io.shown ?? command.text).trim();
    this.#plan({ op: 'run', why, command: text }, text.includes('\n') ? `${text}\n` : undefined);
    return { code: 0, stdout: '', stderr: '' };
  }

  async upload(file: Upload): Promise<Change> {
    const { path, mode, sha256, source } = file;
    const { outcome } = readLook(this.name, file, await this.#inner.probe(lookCommand(file)));
    if (outcome === 'unchanged') return { path, outcome };
    this.#plan({
      op: 'upload',
      path,
      mode,
      size: source.size,
      sha256,
      was: outcome === 'created' ? 'absent' : 'other',
    });
    return { path, outcome };
  }

  async remove(paths: readonly string[], why: string): Promise<void> {
    const present = await this.#present(paths);
    for (const path of paths) {
      if (!present.has(path)) continue;
      if (path.endsWith('/')) this.#emptied.add(path);
      else this.#removed.add(path);
      for (const written of this.#written.keys()) {
        if (written === path || (path.endsWith('/') && written.startsWith(path))) this.#written.delete(written);
      }
      this.#plan({ op: 'delete', path, why });
    }
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }

  #plan(op: Op, content?: string): void {
    this.#reporter.emit(planned(this.name, op, content));
  }

  #isGone(path: string): boolean {
    return this.#removed.has(path) || [...this.#emptied].some((folder) => path.startsWith(folder));
  }

  /** Of paths to remove, those that are there by now; a folder to empty, where something is in it. */
  async #present(paths: readonly string[]): Promise<ReadonlySet<string>> {
    const isPlanned = (path: string): boolean =>
      [...this.#written.keys()].some((file) => file === path || (path.endsWith('/') && file.startsWith(path)));
    const asked = paths.filter((path) => !isPlanned(path) && !this.#isGone(path) && !this.#emptied.has(path));
    const written = paths.filter(isPlanned);
    if (asked.length === 0) return new Set(written);
    const command = sh`for p in ${asked}; do
  case $p in
    */) [ -n "$(ls -A -- "$p" 2> /dev/null)" ] ;;
    *) [ -e "$p" ] || [ -L "$p" ] ;;
  esac && echo yes || echo no
done`;
    const lines = (await this.#inner.probe(command)).stdout.split('\n');
    // One that the host says nothing of is planned: better one line too many.
    return new Set([...written, ...asked.filter((_, n) => lines[n] !== 'no')]);
  }

  async #makeFolder({ path, mode }: Directory): Promise<void> {
    if (this.#folders.has(path)) return;
    this.#folders.add(path);
    const { code } = await this.#inner.probe(sh`test -d ${path}`);
    if (code !== 0) this.#plan({ op: 'folder', path, mode });
  }

  /** Permission bits of the files that exist, planned ones included. */
  async #modes(paths: readonly string[]): Promise<ReadonlyMap<string, number>> {
    if (paths.length === 0) return new Map();
    const command = sh`for p in ${paths}; do stat -L -c %a -- "$p" 2> /dev/null || echo -; done`;
    const lines = (await this.#inner.probe(command)).stdout.split('\n');
    return new Map(paths.map((path, n) => [path, this.#written.get(path)?.mode ?? Number.parseInt(lines[n] ?? '', 8)]));
  }
}

/** A host on which nothing changes; every change it is asked for is a `plan` event. */
export function recordingHost(inner: Host, reporter: Reporter): Host {
  return new RecordingHost(inner, reporter);
}
