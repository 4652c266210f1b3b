// FakeHost: a host of literal answers. A command that no matcher knows fails, so a test says all that may run.
import type { Duplex } from 'node:stream';
import type { Artifact, Change, Directory, ExecIO, ExecResult, Host, HostFacts, Upload } from '../../src/host/host.ts';
import type { RunEvent } from '../../src/report/events.ts';
import type { Shell } from '../../src/host/shell.ts';

/** What a command says: text is stdout with exit code 0. */
export type Reply = string | Partial<ExecResult> | ((command: string, io: ExecIO) => string | Partial<ExecResult>);

export interface FakeHostOptions {
  readonly name?: string;
  readonly facts?: Partial<HostFacts>;
  /** Files by path; writes change them. */
  readonly files?: Readonly<Record<string, string>>;
  /** Tried in order; the first whose text or pattern is in the command answers. */
  readonly replies?: readonly (readonly [matcher: string | RegExp, reply: Reply])[];
  readonly dial?: (address: string, port: number) => Promise<Duplex>;
}

/** A command that ran. */
export interface Ran {
  readonly command: string;
  readonly why?: string;
  readonly stdin?: string | Uint8Array;
}

/** A Debian 12 on cgroup v2 with 4 CPUs and 8 GiB. */
export const plainFacts: HostFacts = {
  hostname: 'master1',
  osRelease: { ID: 'debian', VERSION_ID: '12' },
  kernelRelease: '6.1.0-18-amd64',
  architecture: 'x86_64',
  machineId: '0123456789abcdef0123456789abcdef',
  cpuCount: 4,
  memoryMiB: 8192,
  cgroupVersion: 2,
  addresses: [{ interface: 'eth0', family: 4, address: '192.168.3.29', prefixLength: 24, isUp: true }],
  defaultRoutes: [{ interface: 'eth0', family: 4 }],
  criSockets: ['unix:///run/containerd/containerd.sock'],
  isResolvedActive: false,
  caDirectories: [],
  proxyEnvironment: {},
  readOnlyConntrack: [],
  kubeletVersion: 'v1.36.3',
  clock: { host: 1_795_000_000, local: 1_795_000_000 },
};

export class FakeHost implements Host {
  readonly name: string;
  readonly target: string;
  /** Everything that ran, probes too, in order. */
  readonly ran: Ran[] = [];
  readonly files: Map<string, string>;
  readonly modes: Map<string, number> = new Map();
  readonly #options: FakeHostOptions;

  constructor(options: FakeHostOptions = {}) {
    this.#options = options;
    this.name = options.name ?? 'master1';
    this.target = `root@${this.name}:22`;
    this.files = new Map(Object.entries(options.files ?? {}));
  }

  async probe(command: Shell, io: ExecIO = {}): Promise<ExecResult> {
    return this.#answer(command, io);
  }

  async run(command: Shell, why: string, io: ExecIO = {}): Promise<ExecResult> {
    return this.#answer(command, io, why);
  }

  async read(path: string): Promise<string | undefined> {
    return this.files.get(path);
  }

  async readAll(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return new Map([...this.files].filter(([path]) => paths.includes(path)));
  }

  async facts(): Promise<HostFacts> {
    return { ...plainFacts, ...this.#options.facts };
  }

  async dial(address: string, port: number): Promise<Duplex> {
    if (this.#options.dial === undefined) throw new Error(`FakeHost: nobody listens on ${address}:${port}`);
    return this.#options.dial(address, port);
  }

  async write(artifacts: readonly Artifact[], _directories: readonly Directory[] = []): Promise<readonly Change[]> {
    return artifacts.map(({ path, body, mode }): Change => {
      const before = this.files.get(path);
      this.files.set(path, body);
      const isSame = before === body && this.modes.get(path) === mode;
      this.modes.set(path, mode);
      return { path, outcome: before === undefined ? 'created' : isSame ? 'unchanged' : 'updated' };
    });
  }

  /** The content is kept as Latin-1, a byte a character. */
  async upload({ path, mode, source }: Upload): Promise<Change> {
    const body = Buffer.from(await source.read(0, source.size)).toString('latin1');
    const [change] = await this.write([{ path, mode, body }]);
    return change ?? { path, outcome: 'unchanged' };
  }

  /** A path that ends in `/` stands for the folder's contents. */
  async remove(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      for (const file of this.files.keys()) {
        if (file === path || (path.endsWith('/') && file.startsWith(path))) this.files.delete(file);
      }
    }
  }

  async close(): Promise<void> {}

  #answer({ text }: Shell, io: ExecIO, why?: string): ExecResult {
    this.ran.push({
      command: text,
      ...(why === undefined ? {} : { why }),
      ...(io.stdin === undefined ? {} : { stdin: io.stdin }),
    });
    const found = (this.#options.replies ?? []).find(([matcher]) =>
      typeof matcher === 'string' ? text.includes(matcher) : matcher.test(text),
    );
    if (found === undefined) throw new Error(`FakeHost: no reply for the command: ${text.slice(0, 400)}`);
    const reply = typeof found[1] === 'function' ? found[1](text, io) : found[1];
    return { code: 0, stdout: '', stderr: '', ...(typeof reply === 'string' ? { stdout: reply } : reply) };
  }
}

/** A reporter that keeps what it was told. */
export function recordingReporter(): { readonly events: RunEvent[]; emit(event: RunEvent): void } {
  const events: RunEvent[] = [];
  return { events, emit: (event) => void events.push(event) };
}
