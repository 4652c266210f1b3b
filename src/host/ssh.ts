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
import {
  fingerprint,
  hostKeyAlgorithmOrder,
  hostKeyAlgorithmsByType,
  hostKeyVerdict,
  type HostKeyAlgorithm,
  type KeyOwner,
  type KnownKey,
} from './known-hosts.ts';
import { addKnownHost, knownHostsFiles, readKnownHosts, type KnownHostsFiles } from './known-hosts-files.ts';
import { sh, type Shell } from './shell.ts';
import { Slots } from './slots.ts';
import { dialFailure, noSession, notAccepted, replaced, Unreachable } from './ssh-failures.ts';
import { hostKeyFailure } from './ssh-host-key.ts';
import { describeAttempt, loginAttempts, type AgentKey, type LoginAttempt } from './ssh-login.ts';
import { sshTarget, type SshOptions, type SshSettings } from './ssh-options.ts';
import type { Hop } from './ssh-route.ts';
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
/** A login that sshd hangs up on before it begins (MaxStartups) is worth more tries than a host that is not there. */
const startTries = 8;
const longestDelaySeconds = 5;
const defaultReconnectSeconds = 300;
const sessionTries = 6;
/** How long sshd may take to close a channel whose command has ended (a child of it may hold the streams). */
const closeGraceMilliseconds = 1000;

// ---------------------------------------------------------------------------------------------------------- keys

function parseKeyFile(body: Buffer, passphrase?: string): ParsedKeyFile {
  if (/^(?:ssh|ecdsa|sk)-\S+-cert-v01@openssh\.com /.test(body.toString('latin1'))) {
    return { kind: 'bad', reason: 'it is a certificate, and kbinit does not log in with certificates' };
  }
  const parsed: ParsedKey | Error | (ParsedKey | Error)[] = ssh2.utils.parseKey(body, passphrase);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key === undefined) return { kind: 'bad', reason: 'it holds no key' };
  if (key instanceof Error) {
    return /no passphrase given/.test(key.message) ? { kind: 'encrypted' } : { kind: 'bad', reason: key.message };
  }
  return { kind: key.isPrivateKey() ? 'key' : 'public', publicBlob: key.getPublicSSH() };
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
  readonly owner: KeyOwner;
  /** The stream to the host where jump hosts are in between. */
  readonly dial?: (address: string, port: number) => Promise<Duplex>;
  /** The key that the host showed first. */
  hostKey?: Buffer;
  readonly files: KnownHostsFiles;
  readonly identities: readonly Identity[];
  readonly timeoutSeconds: number;
  readonly askPassword?: () => Promise<string | undefined>;
}

function warner(options: SshOptions): (text: string) => void {
  return (text) => options.reporter?.emit({ kind: 'warning', host: options.name, text });
}

async function prepareLogin(options: SshOptions, bastion?: Connection): Promise<Login> {
  const { ask, name } = options;
  const homeDirectory = options.homeDirectory ?? homedir();
  const named = options.identityFiles ?? [];
  const identities = await openIdentities({
    files: named.length > 0 ? named : undefined,
    configured: options.configuredIdentityFiles,
    homeDirectory,
    name,
    parse: parseKeyFile,
    ...(ask !== undefined && { askPassphrase: (file) => ask(`passphrase for ${file}: `) }),
  });
  let password: Promise<string | undefined> | undefined;
  return {
    options,
    owner: {
      host: options.host,
      port: options.port ?? defaultPort,
      ...(options.hostKeyAlias !== undefined && { alias: options.hostKeyAlias }),
    },
    ...(bastion !== undefined && { dial: (address, port) => bastion.dial(address, port) }),
    files: knownHostsFiles(homeDirectory, {
      given: options.knownHostsFile,
      user: options.userKnownHostsFiles,
      global: options.globalKnownHostsFiles,
    }),
    identities,
    timeoutSeconds: options.connectTimeoutSeconds ?? defaultConnectTimeoutSeconds,
    ...(ask !== undefined && { askPassword: () => (password ??= ask(`password for ${sshTarget(options)}: `)) }),
  };
}

/** A connection of our own to the host. */
async function openSocket({ host, port }: KeyOwner, signal: AbortSignal): Promise<Socket> {
  // noDelay: without it every command waits out a delayed ACK (ssh2's own socket has Nagle on).
  const socket = connect({ host, port, noDelay: true, keepAlive: true });
  return new Promise((resolve, reject) => {
    // Left alone it would go on for minutes, and keep the process from ending.
    const stop = (): void => {
      socket.destroy();
      reject(new Error('given up'));
    };
    signal.addEventListener('abort', stop, { once: true });
    socket.once('connect', () => {
      signal.removeEventListener('abort', stop);
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (error) => {
      signal.removeEventListener('abort', stop);
      reject(error);
    });
  });
}

/** The stream that SSH is spoken over. @throws Unreachable, or what a jump host on the way failed with */
async function openStream(login: Login, signal: AbortSignal): Promise<Duplex> {
  const { owner, options, timeoutSeconds } = login;
  const opening: Promise<Duplex> = login.dial?.(owner.host, owner.port) ?? openSocket(owner, signal);
  return new Promise((resolve, reject) => {
    let isLate = false;
    const stop = (): void => {
      isLate = true;
      reject(new Unreachable(options, `no answer within ${timeoutSeconds} s`));
    };
    signal.addEventListener('abort', stop, { once: true });
    opening
      .then(
        (stream) => (isLate ? stream.destroy() : resolve(stream)),
        (error: unknown) => reject(error instanceof KbError ? error : asUnreachable(options, error)),
      )
      .finally(() => signal.removeEventListener('abort', stop));
  });
}

function asUnreachable(options: SshOptions, error: unknown): Unreachable {
  return new Unreachable(options, error instanceof Error ? error.message : String(error), false, error);
}

/** What `kbinit ssh scan` takes for the host. */
function scanWords({ name, port, host, knownHostsFile }: SshOptions): string {
  const target =
    name === host && port !== undefined && port !== defaultPort ? sshTarget({ host, port, user: '' }).slice(1) : name;
  return `${target}${knownHostsFile === undefined ? '' : ` --known-hosts ${knownHostsFile}`}`;
}

/** Judge the key that the host shows, and record it where that was asked for. @throws KbError KB_SSH_HOST_* */
async function judgeHostKey(login: Login, known: readonly KnownKey[], blob: Buffer): Promise<void> {
  const { owner, files, options } = login;
  const verdict = hostKeyVerdict(known, owner, blob);
  if (verdict.kind === 'unknown' && options.acceptNewHostKeys === true) {
    await addKnownHost(files, owner, blob);
    const text = `accepted the new host key ${fingerprint(blob)} of ${owner.host} port ${owner.port} into ${files.write}`;
    warner(options)(text);
  } else {
    const scan = scanWords(options);
    const failure = hostKeyFailure(verdict, { ...owner, name: options.name, blob, files, scan });
    if (failure !== undefined) throw failure;
  }
  if (login.hostKey !== undefined && !login.hostKey.equals(blob)) {
    throw replaced(options, `it showed ${fingerprint(login.hostKey)} before and shows ${fingerprint(blob)} now`);
  }
  login.hostKey = blob;
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
async function handshake(login: Login, socket: Duplex, known: readonly KnownKey[]): Promise<Client> {
  const { options } = login;
  const held = await agentKeys(options.agentSocket, warner(options));
  const client = new Client();
  const tried: LoginAttempt[] = [];
  let methods: readonly string[] = [];
  let isAuthenticating = false;
  let refusal: unknown;
  const attempts = loginAttempts({
    agentKeys: held,
    identities: login.identities,
    areIdentitiesNamed: (options.identityFiles ?? options.configuredIdentityFiles ?? []).length > 0,
    areIdentitiesAll: options.identitiesOnly === true,
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
    const patience = new Patience(login.timeoutSeconds, () => {
      const what = `no SSH ${isAuthenticating ? 'login' : 'handshake'} within ${login.timeoutSeconds} s`;
      fail(new Unreachable(options, what));
    });
    const refusedLogin = (error?: Error): KbError =>
      notAccepted(
        options,
        methods,
        tried.filter((attempt) => attempt.kind !== 'none').map(describeAttempt),
        login.identities.map(({ file }) => file),
        error,
      );
    const onClosed = (error?: Error): void => {
      if (refusal !== undefined) return fail(refusal);
      // A host that refuses says so; a link that breaks says nothing. A password is sent once, whatever became of it.
      const isCut = error === undefined || 'code' in error;
      const isJudged = tried.some(({ kind }) => kind === 'password' || kind === 'keyboard-interactive');
      if (isAuthenticating && (isJudged || !isCut)) return fail(refusedLogin(error));
      const said = error?.message ?? 'the connection was closed before the login';
      fail(new Unreachable(options, said, !tried.some(({ kind }) => kind !== 'none'), error));
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
        algorithms: { serverHostKey: [...hostKeyAlgorithmOrder(known, login.owner)] },
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
            if (step.done === true) return fail(refusedLogin());
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
  const stream = await openStream(login, signal === undefined ? deadline : AbortSignal.any([deadline, signal]));
  return handshake(login, stream, known);
}

/** The key that a host shows when it is asked for these algorithms; undefined where it has none of them. No login is tried. */
async function shownKey(login: Login, algorithms: readonly HostKeyAlgorithm[]): Promise<Buffer | undefined> {
  const { options, timeoutSeconds } = login;
  const deadline = AbortSignal.timeout(timeoutSeconds * 1000);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  const stream = await openStream(login, signal);
  const client = new Client();
  return new Promise<Buffer | undefined>((resolve, reject) => {
    const late = (): void => reject(new Unreachable(options, `no host key within ${timeoutSeconds} s`));
    signal.addEventListener('abort', late, { once: true });
    client
      .on('error', (error) => {
        if (/no matching host key/i.test(error.message)) resolve(undefined);
        else reject(new Unreachable(options, error.message, true, error));
      })
      .on('close', () => reject(new Unreachable(options, 'the connection was closed during the handshake', true)))
      .connect({
        sock: stream,
        username: options.user,
        readyTimeout: 0,
        algorithms: { serverHostKey: [...algorithms] },
        hostVerifier: (blob: Buffer, verify: (isGood: boolean) => void) => {
          resolve(blob);
          verify(false);
        },
      });
  }).finally(() => {
    client.destroy();
    stream.destroy();
  });
}

/** Every key that a host shows, one a type. */
async function shownKeys(login: Login): Promise<readonly Buffer[]> {
  const { signal } = login.options;
  const keys: Buffer[] = [];
  // One after the other: three logins at once that come to nothing are what MaxStartups is there to stop.
  for (const algorithms of hostKeyAlgorithmsByType) {
    const key = await retry(() => shownKey(login, algorithms), {
      tries: startTries,
      firstDelaySeconds: 0.25,
      longestDelaySeconds,
      isWorthRetrying: (error) => error instanceof Unreachable && error.isStartRefused,
      ...(signal !== undefined && { signal }),
    });
    if (key !== undefined) keys.push(key);
  }
  return keys;
}

// ------------------------------------------------------------------------------------------------------ commands

interface Run {
  readonly client: Client;
  readonly channel: ClientChannel;
  readonly answer: Answer;
  readonly elevation: Elevation;
  readonly io: ExecIO;
  readonly input: Buffer;
  /** Fires when a command that lasts has to give way. */
  readonly lasting: AbortSignal;
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
  /** Connections that have ended. */
  readonly #gone = new WeakSet<Client>();
  #elevation: Elevation = { kind: 'none' };
  /** Who the host is, once it has said so. */
  #machineId: string | undefined;
  #isClosed = false;
  /** Ends an attempt to connect that nobody waits for any more. */
  readonly #closing = new AbortController();
  #commands = 0;
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
    // Beside the second command: a host that is asked one thing only is not asked for more, and none waits for it.
    if (++this.#commands === 2) {
      this.#readMachineId().then(
        (id) => (this.#machineId ??= id),
        () => undefined,
      );
    }
    return this.#exec(command, io, this.#elevation, chrootPrefix(this.#login.options.rootfs));
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
    return retry(() => this.#openClient(), {
      tries: startTries,
      firstDelaySeconds: 0.25,
      longestDelaySeconds,
      isWorthRetrying: (error) => error instanceof Unreachable && error.isStartRefused,
      ...(signal !== undefined && { signal }),
    });
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
    const now = await this.#readMachineId(client);
    if (now === before) return;
    throw replaced(this.#login.options, `its /etc/machine-id was ${before} and is ${now ?? 'empty'} now`);
  }

  async #readMachineId(client?: Client): Promise<string | undefined> {
    const io = { why: 'find the machine id', timeoutSeconds: 15 };
    const { stdout } = await this.#exec(sh`cat /etc/machine-id`, io, { kind: 'none' }, '', client);
    return /^\w+$/m.exec(stdout)?.[0];
  }

  get #name(): string {
    return this.#login.options.name;
  }

  /** On the live connection, or on `own` while that one is still being judged. */
  async #exec(command: Shell, io: ExecIO, elevation: Elevation, root = '', own?: Client): Promise<ExecResult> {
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
        return this.#converse({
          lasting: lasting.signal,
          client,
          channel,
          answer: new Answer(fence),
          elevation,
          io,
          input: frameInput(command, fence, io.stdin),
        });
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
          io.onOutput?.(answer.result.stdout);
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
        run.lasting.addEventListener('abort', () => giveUp(noSession(this.#login.options)), { once: true });
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
    if (this.#gone.has(run.client)) return new ConnectionLost(this.#name, `${this.target} went away`, isInputSent);
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
}

/** The jump hosts of a run: one connection to each, shared by all hosts behind it. */
class Bastions {
  readonly #settings: SshSettings;
  readonly #connections = new Map<string, Promise<Connection>>();

  constructor(settings: SshSettings) {
    const { rootfs: _, ...rest } = settings;
    this.#settings = rest;
  }

  /** The connection to the last one of these; undefined for none. */
  async last(hops: readonly Hop[]): Promise<Connection | undefined> {
    if (hops.length === 0) return undefined;
    const key = hops.map(sshTarget).join(' ');
    const existing = this.#connections.get(key);
    if (existing !== undefined) return existing;
    const made = this.#make(hops);
    this.#connections.set(key, made);
    // One that failed is tried again by the next host.
    made.catch(() => this.#connections.delete(key));
    return made;
  }

  async #make(hops: readonly Hop[]): Promise<Connection> {
    const via = hops.slice(0, -1);
    const bastion = await this.last(via);
    const hop = hops.at(-1);
    if (hop === undefined) throw new TypeError('there is no jump host');
    return new Connection(await prepareLogin({ ...this.#settings, ...hop, via }, bastion));
  }

  async close(): Promise<void> {
    const made = await Promise.allSettled(this.#connections.values());
    // The last one made is the farthest away.
    for (const one of made.toReversed()) if (one.status === 'fulfilled') await one.value.close();
  }
}

/** The SSH connections of a run. */
export interface SshPool {
  /** Log in to a host, check its key first, and find the way to root. @throws KbError KB_SSH_*, KB_SUDO, KB_INTERRUPTED */
  connect(host: Omit<SshOptions, keyof SshSettings>): Promise<Transport>;
  /** The keys that a host shows, judged by nobody; those of jump hosts on the way are. @throws KbError KB_SSH_* */
  hostKeys(host: Omit<SshOptions, keyof SshSettings>): Promise<readonly Buffer[]>;
  /** End the jump hosts' connections; hosts are closed one by one, before. */
  close(): Promise<void>;
}

/** Open a pool. It connects to nothing yet. */
export function openSshPool(settings: SshSettings): SshPool {
  const bastions = new Bastions(settings);
  return {
    async connect(host) {
      const bastion = await bastions.last(host.via ?? []);
      const connection = new Connection(await prepareLogin({ ...settings, ...host }, bastion));
      try {
        await connection.open();
        return connection;
      } catch (error) {
        await connection.close();
        throw error;
      }
    },
    async hostKeys(host) {
      const bastion = await bastions.last(host.via ?? []);
      // No key of ours is opened for it: nobody logs in.
      return shownKeys(
        await prepareLogin({ ...settings, ...host, identityFiles: [], configuredIdentityFiles: [] }, bastion),
      );
    },
    close: () => bastions.close(),
  };
}

/** One host with a pool of its own. @throws KbError KB_SSH_*, KB_SUDO, KB_INTERRUPTED */
export async function connectSsh(options: SshOptions): Promise<Transport> {
  const pool = openSshPool(options);
  try {
    const transport = await pool.connect(options);
    return {
      target: transport.target,
      exec: (command, io) => transport.exec(command, io),
      dial: (address, port) => transport.dial(address, port),
      async close() {
        await transport.close();
        await pool.close();
      },
    };
  } catch (error) {
    await pool.close();
    throw error;
  }
}
