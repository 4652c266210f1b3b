// SSH: one connection to a host that survives a lost link, commands over its channels, streams through it.
// The only home of ssh2.
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { homedir } from 'node:os';
import type { Duplex } from 'node:stream';
import ssh2, {
  BaseAgent,
  Client,
  createAgent,
  type AnyAuthMethod,
  type ClientChannel,
  type ParsedKey,
  type SignCallback,
  type SigningRequestOptions,
} from 'ssh2';
import { KbError } from '../errors.ts';
import { retry, sleep } from '../util/retry.ts';
import { ConnectionLost, commandInterrupted, shortened, timedOut } from './failures.ts';
import { Answer, chrootPrefix, farewell, frameInput, prologueCommand } from './frame.ts';
import type { ExecIO, ExecResult, Transport } from './host.ts';
import { openIdentities, type Identity, type ParsedKeyFile } from './identity.ts';
import { fingerprint, hostKeyAlgorithmOrder, hostKeyVerdict, type KnownKey } from './known-hosts.ts';
import { addKnownHost, knownHostsFiles, readKnownHosts, type KnownHostsFiles } from './known-hosts-files.ts';
import { sh, type Shell } from './shell.ts';
import { Slots } from './slots.ts';
import { hostKeyFailure } from './ssh-host-key.ts';
import { describeAttempt, loginAttempts, type AgentKey, type LoginAttempt } from './ssh-login.ts';
import { sshTarget, type SshOptions } from './ssh-options.ts';
import {
  noSudoPassword,
  sudoPrefix,
  sudoRefused,
  wantsPassword,
  withPassword,
  wrongSudoPassword,
  type Elevation,
} from './sudo.ts';

const defaultPort = 22;
const defaultConnectTimeoutSeconds = 15;
const defaultKeepaliveSeconds = 10;
const defaultCommandTimeoutSeconds = 60;
/** sshd's default MaxSessions is 10; two stay free for the host's own people. */
const maxChannels = 8;
const connectTries = 3;
const sessionTries = 6;
/** How long sshd may take to close a channel whose command has ended (a child of it may hold the streams). */
const closeGraceMilliseconds = 1000;

// ---------------------------------------------------------------------------------------------------------- keys

function parseKeyFile(body: Buffer, passphrase?: string): ParsedKeyFile {
  const parsed: ParsedKey | Error | (ParsedKey | Error)[] = ssh2.utils.parseKey(body, passphrase);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key === undefined) return { kind: 'bad', reason: 'it holds no key' };
  if (key instanceof Error) {
    return /no passphrase given/.test(key.message) ? { kind: 'encrypted' } : { kind: 'bad', reason: key.message };
  }
  if (!key.isPrivateKey()) return { kind: 'bad', reason: 'it is a public key' };
  return { kind: 'key', publicBlob: key.getPublicSSH() };
}

interface HeldKey extends AgentKey {
  readonly agent: BaseAgent;
  readonly key: ParsedKey;
}

/** An agent that offers one of another agent's keys, so that each attempt is one key and none is tried in vain. */
class OneKeyAgent extends BaseAgent<ParsedKey> {
  readonly #agent: BaseAgent;
  readonly #key: ParsedKey;

  constructor(agent: BaseAgent, key: ParsedKey) {
    super();
    this.#agent = agent;
    this.#key = key;
  }

  override getIdentities(callback: (error: Error | undefined, keys?: ParsedKey[]) => void): void {
    callback(undefined, [this.#key]);
  }

  override sign(
    key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    done?: SignCallback,
  ): void {
    if (typeof options === 'function') this.#agent.sign(key, data, options);
    else this.#agent.sign(key, data, options, done);
  }
}

async function agentKeys(agentSocket: string | undefined, warn: (text: string) => void): Promise<readonly HeldKey[]> {
  if (agentSocket === undefined || agentSocket === '') return [];
  const agent = createAgent(agentSocket);
  return new Promise((resolve) => {
    agent.getIdentities((error, keys) => {
      if (error !== undefined && error !== null) warn(`ssh-agent does not answer: ${error.message}`);
      const parsed = (keys ?? []).filter((key) => typeof key === 'object' && 'getPublicSSH' in key);
      resolve(parsed.map((key) => ({ agent, key, publicBlob: key.getPublicSSH(), comment: key.comment })));
    });
  });
}

// --------------------------------------------------------------------------------------------------------- login

/** What does not change between the first connection and a reconnect; passwords are asked for once. */
interface Login {
  readonly options: SshOptions;
  readonly host: string;
  readonly port: number;
  readonly files: KnownHostsFiles;
  readonly identities: readonly Identity[];
  readonly timeoutSeconds: number;
  readonly askPassword?: () => Promise<string | undefined>;
}

function warner(options: SshOptions): (text: string) => void {
  return (text) => options.reporter?.emit({ kind: 'warning', host: options.name, text });
}

async function prepareLogin(options: SshOptions): Promise<Login> {
  const { ask, name } = options;
  const homeDirectory = options.homeDirectory ?? homedir();
  const named = options.identityFiles ?? [];
  const identities = await openIdentities({
    files: named.length > 0 ? named : undefined,
    homeDirectory,
    name,
    parse: parseKeyFile,
    ...(ask !== undefined && { askPassphrase: (file) => ask(`passphrase for ${file}: `) }),
  });
  let password: Promise<string | undefined> | undefined;
  return {
    options,
    host: options.host,
    port: options.port ?? defaultPort,
    files: knownHostsFiles(homeDirectory, options.knownHostsFile),
    identities,
    timeoutSeconds: options.connectTimeoutSeconds ?? defaultConnectTimeoutSeconds,
    ...(ask !== undefined && { askPassword: () => (password ??= ask(`password for ${sshTarget(options)}: `)) }),
  };
}

function unreachable(login: Login, detail: string, cause?: unknown): KbError {
  return new KbError(
    {
      code: 'KB_SSH_UNREACHABLE',
      summary: 'the host cannot be reached over SSH',
      detail: `${login.host} port ${login.port}: ${detail}`,
      fix: 'check the address, that sshd runs there, and that no firewall is in between',
      host: login.options.name,
    },
    { cause },
  );
}

function notAccepted(
  login: Login,
  methods: readonly string[],
  tried: readonly LoginAttempt[],
  cause?: unknown,
): KbError {
  const attempts = tried.filter((attempt) => attempt.kind !== 'none').map(describeAttempt);
  return new KbError(
    {
      code: 'KB_SSH_AUTH',
      summary: 'the host does not accept the login',
      detail:
        `${sshTarget(login.options)} takes ${methods.join(', ') || 'no method'}; ` +
        `tried: ${attempts.join(', ') || 'nothing (no key, no agent, no way to ask for a password)'}`,
      fix: 'name the right user and --identity-file, load the key into ssh-agent, or run at a terminal to give a password',
      host: login.options.name,
    },
    { cause },
  );
}

async function openSocket(login: Login, signal: AbortSignal): Promise<Socket> {
  // noDelay: without it every command waits out a delayed ACK (ssh2's own socket has Nagle on).
  const socket = connect({ host: login.host, port: login.port, noDelay: true, keepAlive: true });
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      socket.destroy();
      reject(unreachable(login, `no answer within ${login.timeoutSeconds} s`));
    };
    signal.addEventListener('abort', stop, { once: true });
    socket.once('connect', () => {
      signal.removeEventListener('abort', stop);
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (error) => {
      signal.removeEventListener('abort', stop);
      reject(unreachable(login, error.message, error));
    });
  });
}

/** Judge the key that the host shows, and record it where that was asked for. @throws KbError KB_SSH_HOST_* */
async function judgeHostKey(login: Login, known: readonly KnownKey[], blob: Buffer): Promise<void> {
  const { host, port, files, options } = login;
  const verdict = hostKeyVerdict(known, host, port, blob);
  if (verdict.kind === 'unknown' && options.acceptNewHostKeys === true) {
    await addKnownHost(files, host, port, blob);
    const text = `accepted the new host key ${fingerprint(blob)} of ${host} port ${port} into ${files.write}`;
    warner(options)(text);
    return;
  }
  const failure = hostKeyFailure(verdict, { host, port, name: options.name, blob, files });
  if (failure !== undefined) throw failure;
}

function asMethod(username: string, attempt: LoginAttempt<HeldKey>): AnyAuthMethod {
  switch (attempt.kind) {
    case 'none':
      return { type: 'none', username };
    case 'agent':
      return { type: 'agent', username, agent: new OneKeyAgent(attempt.key.agent, attempt.key.key) };
    case 'key': {
      const { key, passphrase } = attempt;
      return { type: 'publickey', username, key, ...(passphrase !== undefined && { passphrase }) };
    }
    case 'password':
      return { type: 'password', username, password: attempt.password };
    case 'keyboard-interactive': {
      let answers = [attempt.password];
      return {
        type: 'keyboard-interactive',
        username,
        // One hidden question is the password; a second one means that it was wrong, and is not answered.
        prompt: (_name, _instructions, _language, prompts, finish) => {
          finish(prompts.length === 1 && prompts[0]?.echo !== true ? answers : []);
          answers = [];
        },
      };
    }
    default:
      return attempt satisfies never;
  }
}

/** A timer that stands still while somebody is asked something. */
class Patience {
  #timer: NodeJS.Timeout | undefined;
  readonly #seconds: number;
  readonly #onEnd: () => void;

  constructor(seconds: number, onEnd: () => void) {
    this.#seconds = seconds;
    this.#onEnd = onEnd;
    this.restart();
  }

  restart(): void {
    this.stop();
    this.#timer = setTimeout(this.#onEnd, this.#seconds * 1000);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** Key exchange, host key check and login on a connected socket. */
async function handshake(login: Login, socket: Socket, known: readonly KnownKey[]): Promise<Client> {
  const { options, host, port } = login;
  const held = await agentKeys(options.agentSocket, warner(options));
  const client = new Client();
  const tried: LoginAttempt[] = [];
  let methods: readonly string[] = [];
  let isAuthenticating = false;
  let refusal: unknown;
  const attempts = loginAttempts({
    agentKeys: held,
    identities: login.identities,
    areIdentitiesNamed: (options.identityFiles ?? []).length > 0,
    ...(login.askPassword !== undefined && { askPassword: login.askPassword }),
    methodsLeft: () => methods,
  });
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      patience.stop();
      reject(error);
      client.destroy();
      socket.destroy();
    };
    const patience = new Patience(login.timeoutSeconds, () =>
      fail(unreachable(login, `no SSH ${isAuthenticating ? 'login' : 'handshake'} within ${login.timeoutSeconds} s`)),
    );
    const onClosed = (error?: Error): void => {
      if (refusal !== undefined) fail(refusal);
      else if (isAuthenticating) fail(notAccepted(login, methods, tried, error));
      else fail(unreachable(login, error?.message ?? 'the connection was closed during the handshake', error));
    };
    client
      .on('ready', () => {
        patience.stop();
        client.removeAllListeners('close');
        resolve(client);
      })
      .on('error', (error: Error & { level?: string }) => {
        // An agent that cannot sign is one attempt lost, not the login.
        if (error.level !== 'agent') onClosed(error);
      })
      .on('close', () => onClosed())
      .connect({
        sock: socket,
        username: options.user,
        readyTimeout: 0,
        keepaliveInterval: (options.keepaliveSeconds ?? defaultKeepaliveSeconds) * 1000,
        keepaliveCountMax: 3,
        algorithms: { serverHostKey: [...hostKeyAlgorithmOrder(known, host, port)] },
        hostVerifier: (blob: Buffer, verify: (isGood: boolean) => void) => {
          judgeHostKey(login, known, blob).then(
            () => verify(true),
            (error: unknown) => {
              refusal = error;
              verify(false);
            },
          );
        },
        authHandler: (methodsLeft: readonly string[] | null, _isPartial, next) => {
          isAuthenticating = true;
          methods = methodsLeft ?? [];
          patience.stop(); // a question to the user may take its time
          attempts.next().then((step) => {
            if (step.done === true) return fail(notAccepted(login, methods, tried));
            patience.restart();
            tried.push(step.value);
            next(asMethod(options.user, step.value));
          }, fail);
        },
      });
  });
}

/** One logged-in connection. @throws KbError KB_SSH_* */
async function openClient(login: Login): Promise<Client> {
  const known = await readKnownHosts(login.files);
  const signal = login.options.signal;
  const deadline = AbortSignal.timeout(login.timeoutSeconds * 1000);
  signal?.throwIfAborted();
  const socket = await openSocket(login, signal === undefined ? deadline : AbortSignal.any([deadline, signal]));
  return handshake(login, socket, known);
}

// ------------------------------------------------------------------------------------------------------ commands

interface Run {
  readonly channel: ClientChannel;
  readonly answer: Answer;
  readonly elevation: Elevation;
  readonly io: ExecIO;
  readonly input: Buffer;
}

/** A channel that runs a command line; undefined when sshd has no session left for it. */
async function openChannel(client: Client, name: string, line: string): Promise<ClientChannel | undefined> {
  return new Promise((resolve, reject) => {
    const onLost = (cause: unknown): void =>
      reject(new ConnectionLost(name, 'no channel could be opened', false, cause));
    try {
      client.exec(line, { allowHalfOpen: true }, (error, channel) => {
        if (error === undefined || error === null) return resolve(channel);
        if ('reason' in error) return resolve(undefined);
        return onLost(error);
      });
    } catch (error) {
      onLost(error);
    }
  });
}

function occurrences(text: string, word: string): number {
  return text.split(word).length - 1;
}

class Connection implements Transport {
  readonly target: string;
  readonly #login: Login;
  readonly #slots = new Slots(maxChannels);
  #client: Promise<Client> | undefined;
  #alive: Client | undefined;
  #elevation: Elevation = { kind: 'none' };
  #isClosed = false;

  constructor(login: Login) {
    this.#login = login;
    this.target = sshTarget(login.options);
  }

  /** The first connection: a host that is down is not worth three time-outs, one that drops logins is. */
  async open(): Promise<void> {
    await this.#connected((error) => !/no answer within|ECONNREFUSED|ENOTFOUND|EHOSTUNREACH/.test(String(error)));
    if (this.#login.options.user !== 'root') this.#elevation = await this.#findElevation();
  }

  async exec(command: Shell, io: ExecIO = {}): Promise<ExecResult> {
    return this.#exec(command, io, this.#elevation, chrootPrefix(this.#login.options.rootfs));
  }

  async dial(address: string, port: number): Promise<Duplex> {
    const client = await this.#connected();
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => reject(this.#dialFailure(address, port, error));
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
  async #connected(isWorthRetrying: (error: unknown) => boolean = () => true): Promise<Client> {
    if (this.#isClosed) throw new ConnectionLost(this.#name, 'kbinit has closed the connection', false);
    this.#client ??= this.#connect(isWorthRetrying);
    return this.#client;
  }

  async #connect(isWorthRetrying: (error: unknown) => boolean): Promise<Client> {
    const { signal } = this.#login.options;
    try {
      const client = await retry(() => openClient(this.#login), {
        tries: connectTries,
        firstDelaySeconds: 0.5,
        isWorthRetrying: (error) =>
          error instanceof KbError && error.has('KB_SSH_UNREACHABLE') && isWorthRetrying(error),
        ...(signal !== undefined && { signal }),
      });
      this.#alive = client;
      client.on('close', () => {
        this.#client = undefined;
        this.#alive = undefined;
      });
      return client;
    } catch (error) {
      this.#client = undefined;
      throw signal?.aborted === true ? commandInterrupted(this.#name, { why: `connect to ${this.target}` }) : error;
    }
  }

  get #name(): string {
    return this.#login.options.name;
  }

  async #exec(command: Shell, io: ExecIO, elevation: Elevation, root = ''): Promise<ExecResult> {
    if (io.signal?.aborted === true) throw commandInterrupted(this.#name, io);
    for (let refused = 0; ; refused++) {
      const release = await this.#slots.take();
      const fence = randomBytes(12).toString('hex');
      let channel: ClientChannel | undefined;
      try {
        const client = await this.#connected();
        channel = await openChannel(client, this.#name, prologueCommand(fence, `${sudoPrefix(elevation)}${root}`));
      } catch (error) {
        release();
        throw error;
      }
      if (channel !== undefined) {
        channel.on('close', release);
        return this.#converse({
          channel,
          answer: new Answer(fence),
          elevation,
          io,
          input: frameInput(command, fence, io.stdin),
        });
      }
      // Once may be a session that sshd has not yet laid to rest; twice means that it allows fewer (MaxSessions).
      release();
      if (refused > 0) this.#slots.shrink(this.#slots.taken);
      if (refused >= sessionTries) throw this.#noSession();
      await sleep(0.05 * (refused + 1), io.signal);
    }
  }

  #noSession(): KbError {
    return new KbError({
      code: 'KB_SSH_SHELL',
      summary: 'the host gives no session for a command',
      detail: `${this.target} refuses to open a session channel`,
      fix: "allow it in the host's sshd_config: MaxSessions (10 by default), and no ForceCommand for this user",
      host: this.#name,
    });
  }

  /** Talk to the prologue on an open channel until the command has ended or is given up. */
  async #converse(run: Run): Promise<ExecResult> {
    const { channel, answer, io } = run;
    const seconds = io.timeoutSeconds ?? defaultCommandTimeoutSeconds;
    let timer: NodeJS.Timeout | undefined;
    let stop: (() => void) | undefined;
    try {
      return await new Promise<ExecResult>((resolve, reject) => {
        // The end of the channel is the end of its standard input on the host: the prologue then ends the command.
        const giveUp = (failure: Error): void => {
          reject(failure);
          channel.close();
        };
        let isInputSent = false;
        let isPasswordSent = false;
        const sendInput = (): void => {
          isInputSent = true;
          channel.write(run.input);
        };
        const onPassword = (elevation: Elevation & { kind: 'sudo-password' }): void => {
          if (answer.hasBegun) return sendInput();
          const questions = occurrences(answer.noise, elevation.prompt);
          if (questions > 1) return giveUp(wrongSudoPassword(this.#name, this.#login.options.user));
          if (questions === 1 && !isPasswordSent) {
            isPasswordSent = true;
            channel.write(`${elevation.password}\n`);
          }
        };
        const onOutput = (): void => {
          if (!isInputSent && run.elevation.kind === 'sudo-password') onPassword(run.elevation);
          if (!answer.hasEnded) return;
          resolve(answer.result);
          channel.end(farewell);
          const close = setTimeout(() => channel.close(), closeGraceMilliseconds);
          channel.once('close', () => clearTimeout(close));
        };
        channel.on('error', () => {}); // 'close' follows
        channel.on('data', (chunk: Buffer) => {
          answer.pushStdout(chunk);
          onOutput();
        });
        channel.stderr.on('data', (chunk: Buffer) => {
          answer.pushStderr(chunk);
          onOutput();
        });
        channel.on('close', () => {
          if (!answer.hasEnded) reject(this.#endedEarly(run, isInputSent));
        });
        timer = setTimeout(() => giveUp(timedOut(this.#name, io, seconds, answer.result)), seconds * 1000);
        stop = () => giveUp(commandInterrupted(this.#name, io));
        io.signal?.addEventListener('abort', stop, { once: true });
        // sudo would take the script for passwords: with a password, the input waits until the shell has begun.
        if (run.elevation.kind !== 'sudo-password') sendInput();
      });
    } finally {
      clearTimeout(timer);
      if (stop !== undefined) io.signal?.removeEventListener('abort', stop);
    }
  }

  /** Why a channel closed without an answer. */
  #endedEarly(run: Run, isInputSent: boolean): Error {
    const { answer, elevation } = run;
    if (this.#alive === undefined) return new ConnectionLost(this.#name, `${this.target} went away`, isInputSent);
    if (answer.hasBegun) return new ConnectionLost(this.#name, 'the shell of the command was killed', true);
    if (elevation.kind !== 'none') return sudoRefused(this.#name, this.#login.options.user, answer.noise);
    return new KbError({
      code: 'KB_SSH_SHELL',
      summary: 'the login shell runs no commands',
      detail: `${this.target} ${answer.noise === '' ? 'said nothing' : `said: ${shortened(answer.noise)}`}`,
      fix: 'log in as a user with a normal login shell (sh, bash, zsh, fish, tcsh) and without a ForceCommand',
      host: this.#name,
    });
  }

  /** How this user becomes root: not at all (its uid is 0), sudo without a password, or with one that is asked for. */
  async #findElevation(): Promise<Elevation> {
    const { options } = this.#login;
    const id = await this.#exec(sh`id -u`, { why: 'find the user id' }, { kind: 'none' });
    if (id.stdout.trim() === '0') return { kind: 'none' };
    try {
      await this.#exec(sh`:`, { why: 'try sudo' }, { kind: 'sudo' });
      return { kind: 'sudo' };
    } catch (error) {
      if (!(error instanceof KbError) || !error.has('KB_SUDO') || !wantsPassword(error.message)) throw error;
    }
    const password = await options.ask?.(`sudo password for ${this.target}: `);
    if (password === undefined) throw noSudoPassword(options.name, options.user);
    const elevation = withPassword(password);
    await this.#exec(sh`:`, { why: 'try sudo with the password' }, elevation);
    return elevation;
  }

  /** The host's own words, with the code that a local connect would have. */
  #dialFailure(address: string, port: number, error: unknown): Error {
    const text = error instanceof Error ? error.message : String(error);
    if (/administratively prohibited|open failed/i.test(text) && !/refused|timed out|unreachable/i.test(text)) {
      return new KbError({
        code: 'KB_SSH_FORWARDING',
        summary: 'the host opens no connection for kbinit',
        detail: `${this.target} to ${address} port ${port}: ${text}`,
        fix: "allow it in the host's sshd_config: AllowTcpForwarding yes (or local), and no PermitOpen that excludes it",
        host: this.#name,
      });
    }
    const failure = new Error(`${this.#name}: connect ${address} port ${port}: ${text}`, { cause: error });
    return Object.assign(failure, { code: /refused/i.test(text) ? 'ECONNREFUSED' : 'EHOSTUNREACH' });
  }
}

/** Log in to a host, check its key first, and find the way to root. @throws KbError KB_SSH_*, KB_SUDO, KB_INTERRUPTED */
export async function connectSsh(options: SshOptions): Promise<Transport> {
  const connection = new Connection(await prepareLogin(options));
  try {
    await connection.open();
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}
