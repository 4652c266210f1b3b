// How a command travels to a host: a fixed prologue as the argument, the script and its data on standard input, and
// the answer between random fences, so that no login shell, banner or .bashrc has a say in it.
import type { Shell } from './shell.ts';
import type { ExecResult } from './host.ts';

/** Where programs are, for every command on every host. */
const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/*
 * What a command gets of the login's environment; there is nothing else. HOME is for programs, SSH_CONNECTION for the lock,
 * SUDO_USER for the one who logged in, the proxies for kubeadm's static Pods (spec 04 §3.9) and the package managers.
 */
const proxyNames = ['http', 'https', 'no', 'all', 'ftp', 'rsync', 'socks'].flatMap((scheme) => {
  const name = `${scheme}_proxy`;
  return [name, name.toUpperCase()];
});
const plainNames = ['HOME', 'SSH_CONNECTION', 'SUDO_USER'];

/** The environment of a command on this machine. */
export function commandEnvironment(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const pairs = [...plainNames, ...proxyNames].map((name) => [name, own[name]] as const);
  return { ...Object.fromEntries(pairs.filter(([, value]) => value !== undefined)), PATH: searchPath, LC_ALL: 'C' };
}

/** A shell word for each of these variables that is set. */
function assignments(names: readonly string[]): string {
  return names.map((name) => `\${${name}+"${name}=$${name}"}`).join(' ');
}

/*
 * A login's environment changes what a shell does: bash takes TMOUT for the time-out of each read and exported functions
 * for programs, ld.so obeys LD_PRELOAD. So the first shell only starts another one in an environment made of a list, with
 * special builtins alone, which no function replaces. A proxy's URL may hold a password, and arguments can be seen by
 * everybody: proxies go through a pipe.
 */
const clean = `env -i PATH=${searchPath} LC_ALL=C ${assignments(plainNames)} /bin/sh -c "$0" kbinit "$_k"`;
const cleaner = [
  'unset -f env printf',
  `PATH=${searchPath} _k=$1`,
  'export PATH',
  `set -- ${assignments(proxyNames)}`,
  `case $# in 0) exec ${clean};; esac`,
  'exec 3<&0',
  `printf "%s\${IFS#??}" "$@" | { exec 4<&0 0<&3 3<&-; exec ${clean} proxies; }`,
].join('; ');

/*
 * Both scripts are parsed by the login shell first (sh, bash, zsh, fish, tcsh): single-quoted words without `'`, `\`, `!`
 * or newline, which all of them take to the letter. Then /bin/sh runs the prologue:
 *   1. umask and folder; on stdout and stderr the begin fence, and in it whose machine this is (machine-id(5)), so
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
  'umask 022',
  'cd /',
  '_k=$1 _i=',
  'case $2 in proxies) while read -r _i; do export "$_i"; done <&4; exec 4<&-; _i=;; esac',
  'shift $#',
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
  return `exec ${prefix}/bin/sh -c '${cleaner}' '${prologue}' ${fence}`;
}

/** What goes to standard input first: header, script, data, and the line that says the data is complete. */
export function frameInput(command: Shell, fence: string, stdin: string | Uint8Array = ''): Buffer {
  const text = Buffer.from(command.text);
  const data = Buffer.from(stdin);
  return Buffer.concat([Buffer.from(`${fence} ${text.length} ${data.length}\n`), text, data, Buffer.from('\n')]);
}

/** What goes to standard input last: the line that says the answer has arrived. */
export const farewell = '\n';

/** What one command may say on one stream; the largest answers that are asked for have 6 MiB. */
const defaultLimitBytes = 16 * 2 ** 20;
/** What a login shell may say before. */
const noiseLimitBytes = 2 ** 20;
/** The begin fence is not longer than this, whatever stands in /etc/machine-id. */
const longestFence = 300;
/** Of the output, for those who watch it. */
const startLength = 4096;

/** Collects one stream of an answer and finds its fences; each byte is looked at once, however it arrives. */
class Stream {
  readonly #limit: number;
  readonly #fence: string;
  readonly #beginPattern: RegExp;
  readonly #endPattern: RegExp;
  #bytes = Buffer.alloc(0);
  #size = 0;
  /** The last bytes, in which a fence may have begun. */
  #window = '';
  #begin: { readonly length: number; readonly machineId: string } | undefined;
  #stop: number | undefined;
  /** The first characters of the output, as latin1. */
  start = '';
  /** What the end fence says, once it was seen; the exit code on stdout. */
  end: string | undefined;

  constructor(fence: string, endPattern: RegExp, limit: number) {
    this.#fence = fence;
    this.#beginPattern = new RegExp(`<${fence}(.{0,200}?)${fence};`, 's');
    this.#endPattern = endPattern;
    this.#limit = limit;
  }

  push(chunk: Buffer): void {
    if (this.end !== undefined || this.isTooLong) return;
    this.#keep(chunk);
    let fresh = chunk.toString('latin1');
    this.#window += fresh;
    if (this.#begin === undefined) {
      const begin = this.#beginPattern.exec(this.#window);
      if (begin !== null) {
        fresh = this.#window.slice(begin.index + begin[0].length);
        this.#window = fresh;
        this.#begin = { length: this.#size - fresh.length, machineId: begin[1] ?? '' };
      }
    }
    if (this.#begin !== undefined) {
      if (this.start.length < startLength) this.start += fresh.slice(0, startLength - this.start.length);
      const end = this.#endPattern.exec(this.#window);
      this.end = end?.[1];
      if (end !== null) this.#stop = this.#size - this.#window.length + end.index;
    }
    this.#window = this.#window.slice(-longestFence);
  }

  /** Twice as much room each time there is too little: no byte is copied more than twice. */
  #keep(chunk: Buffer): void {
    const size = this.#size + chunk.length;
    if (size > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(size, this.#bytes.length * 2, 1024));
      this.#bytes.copy(larger, 0, 0, this.#size);
      this.#bytes = larger;
    }
    chunk.copy(this.#bytes, this.#size);
    this.#size = size;
  }

  /** More came than anybody waits for; nothing after that is kept. */
  get isTooLong(): boolean {
    if (this.end !== undefined) return false;
    return this.#begin === undefined
      ? this.#size > noiseLimitBytes
      : this.#size - this.#begin.length > this.#limit + longestFence;
  }

  /** The fences of the other stream are in this one. */
  get isMerged(): boolean {
    return this.start.startsWith(`<${this.#fence}`);
  }

  /** What the begin fence says of the machine; undefined before it came. */
  get machineId(): string | undefined {
    return this.#begin?.machineId;
  }

  /** What stands between the fences, or behind the first while there is no second. */
  get output(): string {
    return this.#begin === undefined ? '' : this.#bytes.toString('utf8', this.#begin.length, this.#stop ?? this.#size);
  }

  /** What stands before the fences. */
  get noise(): string {
    return this.#bytes.toString('utf8', 0, this.#size).split(`<${this.#fence}`, 1)[0] ?? '';
  }
}

/** The answer of one command as it arrives. */
export class Answer {
  readonly #stdout: Stream;
  readonly #stderr: Stream;
  /** Bytes that each stream may have. */
  readonly limitBytes: number;

  constructor(fence: string, limitBytes: number = defaultLimitBytes) {
    this.limitBytes = limitBytes;
    this.#stdout = new Stream(fence, new RegExp(`${fence}>(\\d{1,3})\\.`), limitBytes);
    this.#stderr = new Stream(fence, new RegExp(`${fence}>()`), limitBytes);
  }

  pushStdout(chunk: Buffer): void {
    this.#stdout.push(chunk);
  }

  pushStderr(chunk: Buffer): void {
    this.#stderr.push(chunk);
  }

  /** The shell behind the login shell (and sudo) has started. */
  get hasBegun(): boolean {
    return this.#stdout.machineId !== undefined;
  }

  /** The machine-id of the root that the command runs in; undefined where it has none. */
  get machineId(): string | undefined {
    const said = this.#stdout.machineId ?? '';
    return /^[0-9a-f]{32}$/.test(said) ? said : undefined;
  }

  /** The command has ended, and everything it wrote is here. */
  get hasEnded(): boolean {
    return this.#stdout.end !== undefined && this.#stderr.end !== undefined;
  }

  /** More came than anybody waits for. */
  get isTooLong(): boolean {
    return this.#stdout.isTooLong || this.#stderr.isTooLong;
  }

  /** Something between the host and here makes one stream of two, so that the end of one of them never comes. */
  get isMerged(): boolean {
    return this.#stdout.isMerged || this.#stderr.isMerged;
  }

  /** How its output begins, a few thousand characters at most. */
  get start(): string {
    return this.#stdout.start;
  }

  /** The exit code, and what was written between the fences (so far, while it has not ended). */
  get result(): ExecResult {
    return {
      code: Number(this.#stdout.end ?? -1),
      stdout: this.#stdout.output,
      stderr: this.#stderr.output,
    };
  }

  /** Everything on both streams outside the fences: what a login shell, sshd or sudo has to say. */
  get noise(): string {
    return `${this.#stderr.noise}\n${this.#stdout.noise}`.trim();
  }
}
