// How a command travels to a host: a fixed prologue as the argument, the script and its data on standard input, and
// the answer between random fences, so that no login shell, banner or .bashrc has a say in it.
import type { Shell } from './shell.ts';
import type { ExecResult } from './host.ts';

/*
 * The prologue is parsed by the login shell first (sh, bash, zsh, fish, tcsh): one single-quoted word without `'`,
 * `\`, `!` or newline, which all of them take to the letter. Then /bin/sh runs it:
 *   1. fixed environment; on stdout and stderr the begin fence, and in it whose machine this is (machine-id(5)), so
 *      that nobody has to ask for that;
 *   2. lines of stdin up to the header `FENCE scriptBytes dataBytes` (a sudo password that was not asked for is passed
 *      over), then exactly the script (dd, unlike a buffered reader, takes nothing of what follows);
 *   3. the data is fed to the script. Its end is marked by a line: without that line the link died half way, and the
 *      script must not mistake the part for the whole, so the process group is killed before it sees end of file;
 *   4. the feeder then watches stdin: a line means that the answer has arrived; end of file without it means that
 *      nobody waits for the answer any more (time-out, lost link, kbinit gone), so the process group is ended.
 * sshd gives every command a process group of its own, and so does the local transport.
 */
const prologue = [
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C',
  'export PATH LC_ALL',
  'unset CDPATH ENV BASH_ENV TAR_OPTIONS GREP_OPTIONS',
  'umask 022',
  'cd /',
  '_k=$1 _i=',
  'shift',
  '{ read -r _i < /etc/machine-id; } 2>/dev/null',
  'printf %s "<$_k$_i$_k;"',
  'printf %s "<$_k$_k;" >&2',
  'while read -r _w _n _m && [ "$_w" != "$_k" ]; do :; done',
  '[ "$_w" = "$_k" ] || exit 1',
  '_s=$(dd bs="$_n" count=1 iflag=fullblock 2>/dev/null)',
  [
    '{ [ "$_m" = 0 ] || head -c "$_m"',
    'read -r _w || kill -KILL 0',
    'exec >&-',
    'read -r _w && exit 0',
    'trap "" TERM',
    'kill -TERM 0',
    'sleep 3',
    'kill -KILL 0; } | { (eval " $_s")',
    '_c=$?',
    'printf %s "$_k>$_c."',
    'printf %s "$_k>" >&2; }',
  ].join('; '),
].join('; ');

/** The program and words to start on this machine; with `rootfs` in the system whose root that folder is. */
export function prologueArguments(fence: string, rootfs?: string): readonly [string, ...string[]] {
  const shell = ['/bin/sh', '-c', prologue, 'kbinit', fence] as const;
  return rootfs === undefined ? [...shell] : ['/usr/sbin/chroot', rootfs, ...shell];
}

/** The words before `/bin/sh` that enter another root; `rootfs` is of plain characters (cli/flags.ts). */
export function chrootPrefix(rootfs: string | undefined): string {
  return rootfs === undefined ? '' : `/usr/sbin/chroot ${rootfs} `;
}

/** The command line to start on a host, for any login shell; `prefix` is nothing or a sudo call of plain words. */
export function prologueCommand(fence: string, prefix: string): string {
  return `exec ${prefix}/bin/sh -c '${prologue}' kbinit ${fence}`;
}

/** What goes to standard input first: header, script, data, and the line that says the data is complete. */
export function frameInput(command: Shell, fence: string, stdin: string | Uint8Array = ''): Buffer {
  const text = Buffer.from(command.text);
  const data = Buffer.from(stdin);
  return Buffer.concat([Buffer.from(`${fence} ${text.length} ${data.length}\n`), text, data, Buffer.from('\n')]);
}

/** What goes to standard input last: the line that says the answer has arrived. */
export const farewell = '\n';

/** Collects one stream of an answer and finds its fences. */
class Stream {
  readonly #chunks: Buffer[] = [];
  readonly #fence: string;
  readonly #endPattern: RegExp;
  #tail = '';
  #begin: { readonly length: number; readonly machineId: string } | undefined;
  /** Set when the end fence was seen; the exit code stands in the one on stdout. */
  end: RegExpExecArray | undefined;

  constructor(fence: string, endPattern: RegExp) {
    this.#fence = fence;
    this.#endPattern = endPattern;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#tail = this.#tail.slice(-64) + chunk.toString('latin1');
    this.end ??= this.#endPattern.exec(this.#tail) ?? undefined;
  }

  /** What came so far. */
  get #bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** The begin fence: where the output starts, and what it says of the machine. */
  get begin(): { readonly length: number; readonly machineId: string } | undefined {
    if (this.#begin !== undefined) return this.#begin;
    const [all, machineId = ''] =
      new RegExp(`^.*?<${this.#fence}(.*?)${this.#fence};`, 's').exec(this.#bytes.toString('latin1')) ?? [];
    if (all !== undefined) this.#begin = { length: all.length, machineId };
    return this.#begin;
  }

  /** What stands between the fences, or behind the first while there is no second. */
  get output(): string {
    if (this.begin === undefined) return '';
    const bytes = this.#bytes;
    const stop = bytes.lastIndexOf(`${this.#fence}>`);
    return bytes.toString('utf8', this.begin.length, stop < 0 ? bytes.length : stop);
  }

  /** What stands before the fences. */
  get noise(): string {
    return this.#bytes.toString('utf8').split(`<${this.#fence}`)[0] ?? '';
  }
}

/** The answer of one command as it arrives. */
export class Answer {
  readonly #stdout: Stream;
  readonly #stderr: Stream;

  constructor(fence: string) {
    this.#stdout = new Stream(fence, new RegExp(`${fence}>(\\d+)\\.`));
    this.#stderr = new Stream(fence, new RegExp(`${fence}>`));
  }

  pushStdout(chunk: Buffer): void {
    this.#stdout.push(chunk);
  }

  pushStderr(chunk: Buffer): void {
    this.#stderr.push(chunk);
  }

  /** The shell behind the login shell (and sudo) has started. */
  get hasBegun(): boolean {
    return this.#stdout.begin !== undefined;
  }

  /** The machine-id of the root that the command runs in; undefined where it has none. */
  get machineId(): string | undefined {
    const said = this.#stdout.begin?.machineId ?? '';
    return /^[0-9a-f]{32}$/.test(said) ? said : undefined;
  }

  /** The command has ended, and everything it wrote is here. */
  get hasEnded(): boolean {
    return this.#stdout.end !== undefined && this.#stderr.end !== undefined;
  }

  /** The exit code, and what was written between the fences (so far, while it has not ended). */
  get result(): ExecResult {
    return {
      code: Number(this.#stdout.end?.[1] ?? -1),
      stdout: this.#stdout.output,
      stderr: this.#stderr.output,
    };
  }

  /** Everything on both streams outside the fences: what a login shell, sshd or sudo has to say. */
  get noise(): string {
    return `${this.#stderr.noise}\n${this.#stdout.noise}`.trim();
  }
}
