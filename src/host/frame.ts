// How a command travels to a host: a fixed prologue as the argument, the script and its data on standard input, and
// the answer between random fences, so that no login shell, banner or .bashrc has a say in it.
import type { Shell } from './shell.ts';
import type { ExecResult } from './host.ts';

/*
 * The prologue is parsed by the login shell first (sh, bash, zsh, fish, tcsh): one single-quoted word without `'`,
 * `\`, `!` or newline, which all of them take to the letter. Then /bin/sh runs it:
 *   1. fixed environment; the begin fence on stdout and stderr;
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
  '_k=$1',
  'shift',
  'printf %s "<$_k"',
  'printf %s "<$_k" >&2',
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
  readonly #end: RegExp;
  #tail = '';
  /** Set when the end fence was seen; the exit code stands in the one on stdout. */
  end: RegExpExecArray | undefined;

  constructor(end: RegExp) {
    this.#end = end;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#tail = this.#tail.slice(-64) + chunk.toString('latin1');
    this.end ??= this.#end.exec(this.#tail) ?? undefined;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

function between(bytes: Buffer, begin: string, end: string): string {
  const start = bytes.indexOf(begin);
  if (start < 0) return '';
  const stop = bytes.lastIndexOf(end);
  return bytes.toString('utf8', start + begin.length, stop < 0 ? bytes.length : stop);
}

/** The answer of one command as it arrives. */
export class Answer {
  readonly #fence: string;
  readonly #stdout: Stream;
  readonly #stderr: Stream;

  constructor(fence: string) {
    this.#fence = fence;
    this.#stdout = new Stream(new RegExp(`${fence}>(\\d+)\\.`));
    this.#stderr = new Stream(new RegExp(`${fence}>`));
  }

  pushStdout(chunk: Buffer): void {
    this.#stdout.push(chunk);
  }

  pushStderr(chunk: Buffer): void {
    this.#stderr.push(chunk);
  }

  /** The shell behind the login shell (and sudo) has started. */
  get hasBegun(): boolean {
    return this.#stdout.bytes.includes(`<${this.#fence}`);
  }

  /** The command has ended, and everything it wrote is here. */
  get hasEnded(): boolean {
    return this.#stdout.end !== undefined && this.#stderr.end !== undefined;
  }

  /** The exit code, and what was written between the fences (so far, while it has not ended). */
  get result(): ExecResult {
    const [begin, end] = [`<${this.#fence}`, `${this.#fence}>`];
    return {
      code: Number(this.#stdout.end?.[1] ?? -1),
      stdout: between(this.#stdout.bytes, begin, end),
      stderr: between(this.#stderr.bytes, begin, end),
    };
  }

  /** Everything on both streams outside the fences: what a login shell, sshd or sudo has to say. */
  get noise(): string {
    const before = (bytes: Buffer): string => bytes.toString('utf8').split(`<${this.#fence}`)[0] ?? '';
    return `${before(this.#stderr.bytes)}\n${before(this.#stdout.bytes)}`.trim();
  }
}
