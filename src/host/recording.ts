// The host of a dry run: reads reach the real host, changes become lines of the plan and are seen by later reads.
import type { Duplex } from 'node:stream';
import type { PlannedChange, Reporter } from '../report/events.ts';
import type { Artifact, Change, Directory, ExecIO, ExecResult, Host, HostFacts, TextEncoding, Upload } from './host.ts';
import { lineDiff } from '../util/diff.ts';
import { sh, type Shell } from './shell.ts';
import { lookCommand, readLook } from './upload.ts';

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** `what` for a person: mode and, for a secret, why its content is not shown. */
function describe(outcome: 'created' | 'updated', artifact: Artifact): string {
  const verb = outcome === 'created' ? 'create' : 'change';
  return `${verb} ${artifact.path} (${octal(artifact.mode)}${artifact.secret === true ? ', secret' : ''})`;
}

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
      const action = outcome === 'created' ? 'create' : 'change';
      this.#plan(action, describe(outcome, artifact), artifact.secret === true ? undefined : shown);
      return { path, outcome };
    });
  }

  async run(command: Shell, why: string, io: ExecIO = {}): Promise<ExecResult> {
    // A script goes below its purpose, as a file's content does.
    const text = (io.shown ?? command.text).trim();
    if (text.includes('\n')) this.#plan('run', why, `${text}\n`);
    else this.#plan('run', `${why}: ${text}`);
    return { code: 0, stdout: '', stderr: '' };
  }

  async upload(file: Upload): Promise<Change> {
    const { path, mode, sha256, source } = file;
    const { outcome } = readLook(this.name, file, await this.#inner.probe(lookCommand(file)));
    if (outcome === 'unchanged') return { path, outcome };
    this.#plan(
      outcome === 'created' ? 'create' : 'change',
      `upload ${path} (${octal(mode)}, ${source.size} bytes, sha256 ${sha256.slice(0, 12)}…)`,
    );
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
      this.#plan('delete', `${why}: ${path.endsWith('/') ? 'empty' : 'remove'} ${path}`);
    }
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }

  #plan(action: PlannedChange['action'], text: string, content?: string): void {
    this.#reporter.emit({ kind: 'plan', host: this.name, action, text, ...(content !== undefined && { content }) });
  }

  #isGone(path: string): boolean {
    return this.#removed.has(path) || [...this.#emptied].some((folder) => path.startsWith(folder));
  }

  /** Of paths to remove, those that are there by now; a folder to empty, where something is in it. */
  async #present(paths: readonly string[]): Promise<ReadonlySet<string>> {
    const isPlanned = (path: string): boolean =>
      [...this.#written.keys()].some((file) => file === path || (path.endsWith('/') && file.startsWith(path)));
    const asked = paths.filter((path) => !isPlanned(path) && !this.#isGone(path) && !this.#emptied.has(path));
    const planned = paths.filter(isPlanned);
    if (asked.length === 0) return new Set(planned);
    const command = sh`for p in ${asked}; do
  case $p in
    */) [ -n "$(ls -A -- "$p" 2> /dev/null)" ] ;;
    *) [ -e "$p" ] || [ -L "$p" ] ;;
  esac && echo yes || echo no
done`;
    const lines = (await this.#inner.probe(command)).stdout.split('\n');
    // One that the host says nothing of is planned: better one line too many.
    return new Set([...planned, ...asked.filter((_, n) => lines[n] !== 'no')]);
  }

  async #makeFolder({ path, mode }: Directory): Promise<void> {
    if (this.#folders.has(path)) return;
    this.#folders.add(path);
    const { code } = await this.#inner.probe(sh`test -d ${path}`);
    if (code !== 0) this.#plan('create', `make the folder ${path} (${octal(mode)})`);
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
