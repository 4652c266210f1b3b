// One kbinit at a time on a host: a lock that a shell on the host holds for as long as its connection lives.
import { randomBytes } from 'node:crypto';
import { KbError } from '../errors.ts';
import { retry, sleep } from '../util/retry.ts';
import { ConnectionLost, shortened } from './failures.ts';
import type { ExecResult, Host, Transport } from './host.ts';
import { script, sh } from './shell.ts';

/** Gone after a boot, as every holder is. */
const lockFolder = '/run/kbinit';

/** What a run says of itself to those that it keeps out. */
export interface LockOwner {
  /** `ann@laptop pid 4711 for NAME`: the process, and what it calls the host. */
  readonly identity: string;
  /** Its command line, without secrets. */
  readonly command: string;
}

/** The lock on one host. It is asked for at once; what changes the host waits until it is held. */
export interface HostLock {
  /** Resolves when it is held (again, after a lost connection), or cannot be had on this host. @throws KbError KB_LOCKED, KB_SSH_LOST */
  held(): Promise<void>;
  /** Rejects with KB_LOCKED when another run has it, with KB_TARGET when this one has by another name; else never settles. */
  readonly refused: Promise<never>;
  release(): Promise<void>;
}

/** For a run that changes nothing. */
export const noLock: HostLock = {
  held: () => Promise.resolve(),
  refused: new Promise<never>(() => undefined),
  release: () => Promise.resolve(),
};

/*
 * The shell that runs this ends with its connection (frame.ts), and the kernel then frees the lock: a run that was
 * killed leaves nothing behind, and one that is stopped (SIGSTOP) keeps it, because its kernel still answers. Only a
 * machine that is gone, or cannot be reached, is not noticed by sshd; so the shell says something every few seconds, and
 * ends when the kernel has sent that six times (13 s at least) without an answer, or has asked as often whether there is
 * room for it: columns 7 and 9 of /proc/net/tcp.
 * The first lines of stdin are: a word of this lock alone, the owner, its command. After a reconnect the shell of the lost
 * connection may still be there: it has the same word, and is told to go.
 * No child inherits the lock (9>&-).
 */
const lockScript = script`
unable() { echo "unable $(id -u)"; exit 7; }
IFS= read -r word; IFS= read -r owner; IFS= read -r command
umask 077
command -v flock > /dev/null || { echo 'flock is not installed' >&2; unable; }
{ [ -d "$folder" ] || mkdir -p "$folder"; } && true >> "$folder/lock" || unable
exec 9>> "$folder/lock"
if ! flock -n 9; then
  { read -r before; read -r theirs; } 2> /dev/null < "$folder/holder"
  if [ "$theirs" = "$word" ] && readlink "/proc/$before/fd/"* | grep -qxF "$folder/lock"; then kill "$before"; fi
  flock -w 2 9 || { echo locked; cat "$folder/holder"; exit 6; }
fi
read -r self rest < /proc/self/stat
printf '%s\n' "$self" "$word" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$owner" "$command" > "$folder/holder.new"
mv -f "$folder/holder.new" "$folder/holder"
echo held
connection=$SSH_CONNECTION
parent=$PPID
while [ -z "$connection" ] && [ "$parent" -gt 1 ]; do
  connection=$(tr '\0' '\n' < "/proc/$parent/environ" | sed -n 's/^SSH_CONNECTION=//p')
  parent=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$parent/status")
done 2> /dev/null
set -- $connection
ports=$([ $# -lt 4 ] || printf ':%04X [0-9A-F]*:%04X 01 ' "$4" "$2")
while sleep 5 9>&-; do
  printf .
  [ -n "$ports" ] || continue
  grep -h "$ports" /proc/net/tcp /proc/net/tcp6 2> /dev/null 9>&- | {
    read -r a b c d e f repeats uid probes rest || exit 0
    [ $((0x$repeats)) -lt 6 ] && [ "$probes" -lt 6 ]
  } 9>&- || exit 5
done
`;

/** Longer than any run, shorter than what a timer can count. */
const foreverSeconds = 20 * 24 * 3600;
/** For the host to say whether the lock is held. */
const answerSeconds = 60;
/** More than the signs of life of as long a run. */
const mostBytes = 2 ** 20;

class Lock implements HostLock {
  readonly refused: Promise<never>;
  readonly #name: string;
  readonly #transport: Transport;
  readonly #warn: (text: string) => void;
  readonly #owner: LockOwner;
  readonly #input: string;
  readonly #folder: string;
  readonly #stop = new AbortController();
  #refuse: (error: KbError) => void = () => undefined;
  #holding: Promise<void> | undefined;
  #shell: Promise<void> = Promise.resolve();

  constructor(transport: Transport, options: LockOptions) {
    const { owner } = options;
    this.#name = options.name;
    this.#owner = owner;
    this.#transport = transport;
    this.#warn = options.warn;
    this.#folder = options.folder ?? lockFolder;
    this.#input = [randomBytes(8).toString('hex'), owner.identity, owner.command]
      .map((line) => `${line.replaceAll(/\s+/g, ' ')}\n`)
      .join('');
    this.refused = new Promise<never>((_, reject) => (this.#refuse = reject));
    this.refused.catch(() => undefined);
  }

  held(): Promise<void> {
    this.#holding ??= this.#take();
    return this.#holding;
  }

  async release(): Promise<void> {
    this.#stop.abort();
    await this.#shell;
  }

  async #take(): Promise<void> {
    const { signal } = this.#stop;
    const isWorthRetrying = (error: unknown): boolean => error instanceof ConnectionLost && !signal.aborted;
    try {
      await retry(() => this.#hold(), { tries: 3, firstDelaySeconds: 0.2, isWorthRetrying, signal });
    } catch (error) {
      // Whoever is locked out stays so; a connection may come back for the next one who asks.
      if (isLockedOut(error)) this.#refuse(error);
      else this.#holding = undefined;
      throw error;
    }
  }

  /** Resolves once it is held. The shell goes on. */
  async #hold(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      let isHeld = false;
      const onOutput = (start: string): void => {
        if (isHeld || !start.startsWith('held\n')) return;
        isHeld = true;
        resolve();
      };
      const io = {
        stdin: this.#input,
        timeoutSeconds: foreverSeconds,
        startSeconds: answerSeconds,
        limitBytes: mostBytes,
        signal: this.#stop.signal,
        onOutput,
        isLasting: true,
        why: 'keep other runs off the host',
      };
      this.#shell = this.#transport.exec(sh`folder=${this.#folder}\n${lockScript}`, io).then(
        (result) => {
          if (isHeld) this.#lose();
          else if (result.code === 6) reject(lockedBy(this.#name, this.#owner, result));
          else resolve(this.#doWithout(result));
        },
        (error: unknown) => {
          if (error instanceof KbError && error.has('KB_SSH_SHELL')) resolve(this.#warnOf(error.problems[0]?.detail));
          else if (isHeld) this.#lose();
          else reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }

  /** The shell has ended: with the connection, most times. It is taken again before the next change. */
  #lose(): void {
    if (this.#stop.signal.aborted) return;
    this.#holding = sleep(0.2, this.#stop.signal).then(() => this.#take());
    this.#holding.catch(() => undefined);
  }

  /** Who is not root changes nothing anyway. */
  #doWithout({ stdout, stderr, code }: ExecResult): void {
    if (stdout.startsWith('unable') && stdout.trim() !== 'unable 0') return;
    const said = shortened(stderr);
    this.#warnOf(said === '' ? `exit ${code}` : said);
  }

  #warnOf(reason = 'no session is left'): void {
    this.#warn(`host lock unavailable: concurrent kbinit runs will not be detected: ${reason}`);
  }
}

export interface LockOptions {
  /** The host's name in messages. */
  readonly name: string;
  readonly owner: LockOwner;
  readonly warn: (text: string) => void;
  /** Where the lock is on the host; tests have their own. */
  readonly folder?: string;
}

/** Take the lock of a host; it is waited for with `held`. */
export function takeLock(transport: Transport, options: LockOptions): HostLock {
  const lock = new Lock(transport, options);
  lock.held().catch(() => undefined);
  return lock;
}

/** A host that is changed, and talked through, only while its lock is held. It can be looked at before. */
export function lockedHost(inner: Host, lock: HostLock): Host {
  return {
    name: inner.name,
    target: inner.target,
    probe: (command, io) => inner.probe(command, io),
    read: (path) => inner.read(path),
    readAll: (paths) => inner.readAll(paths),
    facts: () => inner.facts(),
    async dial(address, port) {
      await lock.held();
      return inner.dial(address, port);
    },
    async write(artifacts, directories) {
      await lock.held();
      return inner.write(artifacts, directories);
    },
    async run(command, why, io) {
      await lock.held();
      return inner.run(command, why, io);
    },
    async upload(file) {
      await lock.held();
      return inner.upload(file);
    },
    async remove(paths, why) {
      await lock.held();
      return inner.remove(paths, why);
    },
    close: () => inner.close(),
  };
}

/** The host is not this run's, and will not be. */
export function isLockedOut(error: unknown): error is KbError {
  return error instanceof KbError && (error.has('KB_LOCKED') || error.has('KB_TARGET'));
}

function lockedBy(host: string, own: LockOwner, { stdout }: ExecResult): KbError {
  const [, , , since = '', owner = 'somebody', command = ''] = stdout.split('\n');
  const [process, name] = owner.split(' for ');
  if (name !== undefined && process === own.identity.split(' for ')[0]) return namedTwice(host, name);
  return new KbError({
    code: 'KB_LOCKED',
    summary: 'another kbinit works on this host',
    host,
    detail: `${owner} has it since ${since}: ${command}`,
    fix: 'wait until that run has finished, or stop it; then run the same command again',
  });
}

function namedTwice(host: string, other: string): KbError {
  return new KbError({
    code: 'KB_TARGET',
    summary: 'a host is named twice',
    host,
    detail: `${host} and ${other} lead to the same host`,
    fix: 'name each host once',
  });
}
