// From a stream to a connection that is logged in: key exchange, the judgement of the host key, the login's attempts.
import type { Duplex } from 'node:stream';
import { Client, type Algorithms, type AnyAuthMethod } from 'ssh2';
import { KbError } from '../../errors.ts';
import { retry } from '../../util/retry.ts';
import { describeAttempt, loginAttempts, type LoginAttempt } from './attempts.ts';
import { handshakeFailure, notAccepted, replaced, Unreachable } from './failures.ts';
import { hostKeyFailure } from './host-key.ts';
import { agentKeys, OneKeyAgent, type HeldKey } from './keys.ts';
import {
  fingerprint,
  hostKeyAlgorithmOrder,
  hostKeyVerdict,
  keyTypeOf,
  type HostKeyAlgorithm,
  type KnownKey,
} from './known-hosts.ts';
import { addKnownHost, readKnownHosts } from './known-hosts-files.ts';
import { defaultPort, warner, type Login } from './login.ts';
import { sshTarget, type SshOptions } from './options.ts';
import { openStream } from './stream.ts';
import { revocations } from './revoked-keys.ts';
import { isTooShort, mayLogIn } from './algorithms.ts';

const defaultKeepaliveSeconds = 10;
/** A login that sshd hangs up on before it begins (MaxStartups) is worth more tries than a host that is not there. */
const startTries = 8;
/** Between two attempts to connect. */
export const longestDelaySeconds = 5;

/** Do it again while sshd hangs up before a login has begun. @throws what the last attempt failed with */
export async function untilLetIn<T>(signal: AbortSignal | undefined, attempt: () => Promise<T>): Promise<T> {
  return retry(attempt, {
    tries: startTries,
    firstDelaySeconds: 0.25,
    longestDelaySeconds,
    isWorthRetrying: (error) => error instanceof Unreachable && error.isStartRefused,
    ...(signal !== undefined && { signal }),
  });
}

/** What `kbinit ssh scan` takes for the host. */
function scanWords({ name, port, host, knownHostsFile }: SshOptions): string {
  const target =
    name === host && port !== undefined && port !== defaultPort ? sshTarget({ host, port, user: '' }).slice(1) : name;
  return `${target}${knownHostsFile === undefined ? '' : ` --known-hosts ${knownHostsFile}`}`;
}

/** Whether the configuration refuses a host key algorithm. */
export function isRefused(options: SshOptions, name: HostKeyAlgorithm): boolean {
  return options.refusedAlgorithms?.hostKey.includes(name) === true;
}

/** The algorithms of a connection: kbinit's own, less those that the configuration refuses. */
export function offerOf(options: SshOptions, hostKeys: readonly HostKeyAlgorithm[]): Algorithms {
  const serverHostKey = hostKeys.filter((name) => !isRefused(options, name));
  const refused = options.refusedAlgorithms;
  if (refused === undefined) return { serverHostKey };
  const without = <T extends string>(names: readonly T[]): Record<'append' | 'prepend' | 'remove', T[]> => ({
    append: [],
    prepend: [],
    remove: [...names],
  });
  return { serverHostKey, kex: without(refused.kex), cipher: without(refused.cipher), hmac: without(refused.hmac) };
}

function shortKey(options: SshOptions, bits: number | undefined): KbError {
  return new KbError({
    code: 'KB_SSH_CONFIG',
    summary: 'the SSH configuration cannot be used',
    host: options.name,
    detail: `${sshTarget(options)} has an RSA host key of less than ${bits} bits, which RequiredRSASize refuses`,
    fix: 'give the host a longer key or one of another type (`ssh-keygen -A` there)',
  });
}

/** Judge the key that the host has signed with, and record it where that was asked for. @throws KbError KB_SSH_HOST_* */
async function judgeHostKey(login: Login, known: readonly KnownKey[], blob: Buffer | undefined): Promise<void> {
  if (blob === undefined) throw new TypeError('a key exchange without a host key');
  const { owner, files, options } = login;
  const rules = options.keyRules ?? {};
  if (isTooShort(blob, rules)) throw shortKey(options, rules.rsaBits);
  const revoked = await revocations(files.revoked, [blob]);
  const verdict = hostKeyVerdict([...known, ...revoked], owner, blob);
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
  let shown: Buffer | undefined;
  let judgement: Promise<void> | undefined;
  const attempts = loginAttempts({
    agentKeys: held,
    identities: login.identities,
    accepts: (blob) => mayLogIn(blob, options.keyRules ?? {}),
    areIdentitiesNamed: (options.identityFiles ?? options.configuredIdentityFiles ?? []).length > 0,
    areIdentitiesAll: options.identitiesOnly === true,
    ...(login.askPassword !== undefined && { askPassword: login.askPassword }),
    methodsLeft: () => methods.filter((method) => options.refusedMethods?.some((name) => name === method) !== true),
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
      // A host that refuses says so; a link that breaks says nothing. A password is sent once, whatever became of it.
      const isCut = error === undefined || 'code' in error;
      const isJudged = tried.some(({ kind }) => kind === 'password' || kind === 'keyboard-interactive');
      if (isAuthenticating && (isJudged || !isCut)) return fail(refusedLogin(error));
      if (!isAuthenticating && error !== undefined) return fail(handshakeFailure(options, error, shown));
      const said = error?.message ?? 'the connection was closed before the login';
      fail(new Unreachable(options, said, !tried.some(({ kind }) => kind !== 'none'), error));
    };
    client
      // Also after every later exchange of keys. Until the signature was good, the key is only a claim.
      .on('handshake', () => {
        judgement = judgeHostKey(login, known, shown);
        judgement.catch(fail);
      })
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
        algorithms: offerOf(options, hostKeyAlgorithmOrder(known, login.owner)),
        hostVerifier: (blob: Buffer) => {
          shown = blob;
          return keyTypeOf(blob) !== undefined;
        },
        authHandler: (methodsLeft: readonly string[] | null, _isPartial, next) => {
          isAuthenticating = true;
          methods = methodsLeft ?? [];
          patience.stop(); // a question to the user may take its time
          // Nothing is sent to a host whose key was not judged.
          Promise.resolve(judgement)
            .then(() => attempts.next())
            .then((step) => {
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
export async function openClient(login: Login): Promise<Client> {
  const known = await readKnownHosts(login.files);
  const signal = login.options.signal;
  const deadline = AbortSignal.timeout(login.timeoutSeconds * 1000);
  signal?.throwIfAborted();
  const stream = await openStream(login, signal === undefined ? deadline : AbortSignal.any([deadline, signal]));
  return handshake(login, stream, known);
}
