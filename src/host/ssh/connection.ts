// A connection to a host that survives a lost link: it is made again, the host known again, and commands share it.
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
import { KbError } from '../../errors.ts';
import { retry, sleep } from '../../util/retry.ts';
import { ConnectionLost, commandInterrupted, shortened } from '../failures.ts';
import { Answer, chrootPrefix, frameInput, prologueCommand } from '../frame.ts';
import type { ExecIO, ExecResult, Transport } from '../host.ts';
import { sh, type Shell } from '../shell.ts';
import { Semaphore } from '../semaphore.ts';
import { noSudoPassword, notRoot, sudoPrefix, wantsPassword, withPassword, type Elevation } from '../sudo.ts';
import { converse, openChannel } from './conversation.ts';
import { dialFailure, noSession, replaced } from './failures.ts';
import { longestDelaySeconds, openClient, untilLetIn } from './handshake.ts';
import { warner, type Login } from './login.ts';
import { sshTarget } from './options.ts';

/** sshd's default MaxSessions is 10; two stay free for the host's own people. */
const maxChannels = 8;
const defaultReconnectSeconds = 300;
const sessionTries = 6;
/** For a connection to end in order. */
const closeGraceMilliseconds = 1000;

/** A connection that is made again when it is lost. */
export class Connection implements Transport {
  readonly target: string;
  readonly #login: Login;
  readonly #slots = new Semaphore(maxChannels);
  #client: Promise<Client> | undefined;
  #alive: Client | undefined;
  /** Connections that have ended. */
  readonly #gone = new WeakSet<Client>();
  #elevation: Elevation = { kind: 'none' };
  /** Who the host is, once it has begun to answer. */
  #machineId: string | undefined;
  #isClosed = false;
  /** Ends an attempt to connect that nobody waits for any more. */
  readonly #closing = new AbortController();
  /** Ends the command that stays for the whole run. */
  #lasting = new AbortController();

  constructor(login: Login) {
    const { signal } = login.options;
    const closing = this.#closing.signal;
    const stopped = signal === undefined ? closing : AbortSignal.any([signal, closing]);
    this.#login = { ...login, options: { ...login.options, signal: stopped } };
    this.target = sshTarget(login.options);
  }

  /** The first connection: a host that is down is not worth three time-outs, one that drops logins is. */
  async open(): Promise<void> {
    await this.#connected();
    if (this.#login.options.user !== 'root') this.#elevation = await this.#findElevation();
  }

  async exec(command: Shell, io: ExecIO = {}): Promise<ExecResult> {
    return (await this.#exec(command, io, this.#elevation, this.#root)).result;
  }

  async dial(address: string, port: number): Promise<Duplex> {
    const client = await this.#connected();
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => reject(dialFailure(this.#login.options, address, port, error));
      try {
        client.forwardOut('127.0.0.1', 0, address, port, (error, channel) => {
          if (error === undefined || error === null) resolve(channel);
          else fail(error);
        });
      } catch (error) {
        fail(error);
      }
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#closing.abort();
    const client = this.#alive;
    if (client === undefined) return;
    await new Promise<void>((resolve) => {
      const hurry = setTimeout(() => client.destroy(), closeGraceMilliseconds);
      client.once('close', () => {
        clearTimeout(hurry);
        resolve();
      });
      client.end();
    });
  }

  /** The live connection, or a new one. Every new one checks the host key again. */
  async #connected(): Promise<Client> {
    if (this.#isClosed) throw new ConnectionLost(this.#name, 'kbinit has closed the connection', false);
    this.#client ??= this.#connect();
    return this.#client;
  }

  async #connect(): Promise<Client> {
    const { signal } = this.#login.options;
    const isFirst = this.#login.hostKey === undefined;
    try {
      const client = await (isFirst ? this.#connectFirst() : this.#connectAgain());
      this.#alive = client;
      const forget = (): void => {
        this.#client = undefined;
        this.#alive = undefined;
      };
      // It may have gone while the machine was judged.
      if (this.#gone.has(client)) forget();
      else client.once('close', forget);
      return client;
    } catch (error) {
      this.#client = undefined;
      if (this.#isClosed) throw new ConnectionLost(this.#name, 'kbinit has closed the connection', false, error);
      if (signal?.aborted !== true) throw error;
      throw commandInterrupted(this.#name, { why: `connect to ${this.target}` });
    }
  }

  async #openClient(): Promise<Client> {
    const client = await openClient(this.#login);
    if (this.#isClosed) {
      client.destroy();
      throw new ConnectionLost(this.#name, 'kbinit has closed the connection', false);
    }
    client.once('close', () => this.#gone.add(client));
    return client;
  }

  async #connectFirst(): Promise<Client> {
    const { signal } = this.#login.options;
    return untilLetIn(signal, () => this.#openClient());
  }

  /** A host that was there comes back: sshd restarts, the host reboots, the network heals. Until then nothing else is done. */
  async #connectAgain(): Promise<Client> {
    const { signal, reconnectTimeoutSeconds: seconds = defaultReconnectSeconds } = this.#login.options;
    const deadline = performance.now() + seconds * 1000;
    let isTold = false;
    const wait = (error: unknown): boolean => {
      const isAway = error instanceof KbError && (error.has('KB_SSH_UNREACHABLE') || error.has('KB_SSH_LOST'));
      if (!isAway || this.#isClosed || performance.now() > deadline) return false;
      const detail = error.problems[0]?.detail ?? 'it does not answer';
      if (!isTold) warner(this.#login.options)(`${detail}; waiting up to ${seconds} s for the host to come back`);
      isTold = true;
      return true;
    };
    const attempt = async (): Promise<Client> => {
      const client = await this.#openClient();
      try {
        await this.#verifyMachine(client);
        return client;
      } catch (error) {
        client.destroy();
        throw error;
      }
    };
    return retry(attempt, {
      tries: Infinity,
      firstDelaySeconds: 0.25,
      longestDelaySeconds,
      isWorthRetrying: wait,
      ...(signal !== undefined && { signal }),
    });
  }

  /** The same host key may be on two machines that were made from one image. @throws KbError KB_SSH_HOST_REPLACED */
  async #verifyMachine(client: Client): Promise<void> {
    const before = this.#machineId;
    if (before === undefined) return;
    const io = { why: 'find the machine id', timeoutSeconds: 15 };
    const { machineId: now } = await this.#exec(sh`:`, io, this.#elevation, this.#root, client);
    if (now === before) return;
    throw replaced(this.#login.options, `its /etc/machine-id was ${before} and is ${now ?? 'empty'} now`);
  }

  /** The words that enter the root that is worked on. */
  get #root(): string {
    return chrootPrefix(this.#login.options.rootfs);
  }

  get #name(): string {
    return this.#login.options.name;
  }

  /** On the live connection, or on `own` while that one is still being judged. */
  async #exec(command: Shell, io: ExecIO, elevation: Elevation, root = '', own?: Client): Promise<Answer> {
    if (io.signal?.aborted === true) throw commandInterrupted(this.#name, io);
    for (let refused = 0; ; refused++) {
      // Whoever waits for the connection holds a slot already; the question that it waits for needs none.
      // What lasts would take a place from the others for ever.
      const isCounted = own === undefined && io.isLasting !== true;
      const release = isCounted ? await this.#slots.take() : () => undefined;
      const fence = randomBytes(12).toString('hex');
      let client: Client;
      let channel: ClientChannel | undefined;
      try {
        client = own ?? (await this.#connected());
        channel = await openChannel(client, this.#name, prologueCommand(fence, `${sudoPrefix(elevation)}${root}`));
      } catch (error) {
        release();
        throw error;
      }
      if (channel !== undefined) {
        channel.on('close', release);
        const lasting = new AbortController();
        if (io.isLasting === true) this.#lasting = lasting;
        const answer = new Answer(fence, io.limitBytes);
        try {
          await converse({
            options: this.#login.options,
            lasting: lasting.signal,
            isGone: () => this.#gone.has(client),
            channel,
            answer,
            elevation,
            io,
            input: frameInput(command, fence, io.stdin),
          });
          return answer;
        } finally {
          // It stands before the rest, which may have been lost.
          if (root === this.#root) this.#machineId ??= answer.machineId;
        }
      }
      // Once may be a session that sshd has not yet laid to rest; twice means that it allows fewer (MaxSessions).
      release();
      if (refused > 0) this.#slots.shrink(this.#slots.taken - (io.isLasting === true ? 1 : 0));
      // With one session a connection (MaxSessions 1) nothing else would ever run.
      if (refused > 1 && io.isLasting !== true && this.#slots.taken === 0) this.#lasting.abort();
      if (refused >= sessionTries) throw noSession(this.#login.options);
      await sleep(0.05 * (refused + 1), io.signal);
    }
  }

  /** How this user becomes root: not at all (its uid is 0), sudo without a password, or with one that is asked for. */
  async #findElevation(): Promise<Elevation> {
    const { options } = this.#login;
    const id = await this.#exec(sh`id -u`, { why: 'find the user id' }, { kind: 'none' });
    if (id.result.stdout.trim() === '0') return { kind: 'none' };
    try {
      return await this.#tried({ kind: 'sudo' }, 'try sudo');
    } catch (error) {
      if (!(error instanceof KbError) || !error.has('KB_SUDO') || !wantsPassword(error.message)) throw error;
    }
    const password = await options.ask?.(`sudo password for ${this.target}: `);
    if (password === undefined) throw noSudoPassword(options.name, options.user);
    return this.#tried(withPassword(password), 'try sudo with the password');
  }

  /** sudoers may name another user than root for a call that names none, or for all of them. */
  async #tried(elevation: Elevation, why: string): Promise<Elevation> {
    const { result } = await this.#exec(sh`id -u`, { why }, elevation);
    const { options } = this.#login;
    if (result.stdout.trim() !== '0') throw notRoot(options.name, options.user, shortened(result.stdout));
    return elevation;
  }
}
