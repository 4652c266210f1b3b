// What the user is told when a host is not reached over SSH, does not take the login, or gives no channel.
import { existsSync } from 'node:fs';
import { KbError } from '../../errors.ts';
import { shortened } from '../failures.ts';
import { fingerprint, keyTypeOf } from './known-hosts.ts';
import { sshTarget, type SshOptions } from './options.ts';

/** No SSH server answers. `isStartRefused`: one did, and hung up before the login (MaxStartups, a restart). */
export class Unreachable extends KbError {
  readonly isStartRefused: boolean;

  constructor(options: SshOptions, detail: string, isStartRefused = false, cause?: unknown) {
    const jumps = (options.via ?? []).map(({ name }) => name).join(', ');
    super(
      {
        code: 'KB_SSH_UNREACHABLE',
        summary: 'the host cannot be reached over SSH',
        detail: `${options.host} port ${options.port ?? 22}${jumps === '' ? '' : ` by way of ${jumps}`}: ${detail}`,
        fix: 'check the address, that sshd runs there, and that no firewall is in between',
        host: options.name,
      },
      { cause },
    );
    this.name = 'Unreachable';
    this.isStartRefused = isStartRefused;
  }
}

/**
 * What a handshake ended with, before any login. `shown`: the host key, where the host had shown one: its signature is then
 * what was wrong. Neither that nor a host without an algorithm in common is better at the next try.
 */
export function handshakeFailure(
  options: SshOptions,
  error: Error & { readonly level?: string },
  shown: Buffer | undefined,
): KbError {
  const isAnswer = error.level === 'handshake';
  if (!isAnswer || shown === undefined) return new Unreachable(options, error.message, !isAnswer, error);
  return new KbError(
    {
      code: 'KB_SSH_HOST_KEY_UNPROVEN',
      summary: 'the host does not prove that it has the host key it shows: another machine may be answering',
      detail: `${sshTarget(options)} shows the ${keyTypeOf(shown) ?? 'unreadable'} key ${fingerprint(shown)}: ${error.message}`,
      fix: 'find out which machine answers at this address; nothing was sent to it and none of its keys was recorded',
      host: options.name,
    },
    { cause: error },
  );
}

/** User certificates that ssh would have shown: those of CertificateFile, and KEY-cert.pub beside a key. */
function certificates(options: SshOptions, keyFiles: readonly string[]): readonly string[] {
  const beside = keyFiles.map((file) => `${file}-cert.pub`);
  return [...new Set([...(options.certificateFiles ?? []), ...beside])].filter((file) => existsSync(file));
}

/** Nothing that was tried worked. `keyFiles`: the private keys that were there to be tried. */
export function notAccepted(
  options: SshOptions,
  methods: readonly string[],
  tried: readonly string[],
  keyFiles: readonly string[],
  cause?: unknown,
): KbError {
  const detail =
    `${sshTarget(options)} takes ${methods.join(', ') || 'no method'}; ` +
    `tried: ${tried.join(', ') || 'nothing (no key, no agent, no way to ask for a password)'}`;
  const [certificate] = methods.includes('publickey') ? certificates(options, keyFiles) : [];
  if (certificate !== undefined) return userCertificate(options, `${detail}; ${certificate} is a certificate`, cause);
  return new KbError(
    {
      code: 'KB_SSH_AUTH',
      summary: 'the host does not accept the login',
      detail,
      fix: 'name the right user and --identity-file, load the key into ssh-agent, or run at a terminal to give a password',
      host: options.name,
    },
    { cause },
  );
}

/** A login that only a user certificate would open. */
function userCertificate(options: SshOptions, detail: string, cause: unknown): KbError {
  return new KbError(
    {
      code: 'KB_SSH_USER_CERTIFICATE',
      summary: 'the host does not accept the plain key, and kbinit does not log in with certificates',
      detail,
      fix: `add the public key itself to authorized_keys of ${options.user} on the host (ssh-copy-id -f), or name another --identity-file`,
      host: options.name,
    },
    { cause },
  );
}

/** Another machine answers at the address since the connection was lost. */
export function replaced(options: SshOptions, detail: string): KbError {
  return new KbError({
    code: 'KB_SSH_HOST_REPLACED',
    summary: 'another machine answers since the connection was lost',
    detail: `${sshTarget(options)}: ${detail}`,
    fix: 'find out which machine it is; run again only if this is the host that you mean',
    host: options.name,
  });
}

/** sshd has no session to give. */
export function noSession(options: SshOptions): KbError {
  return new KbError({
    code: 'KB_SSH_SHELL',
    summary: 'the SSH server refused a session',
    detail: `${sshTarget(options)} refuses to open a session channel`,
    fix: "allow it in the host's sshd_config: MaxSessions (10 by default), and no ForceCommand for this user",
    host: options.name,
  });
}

/** What hosts say instead of running a command where it is the account that is in the way, and what helps then. */
const accountRefusals: readonly {
  readonly said: RegExp;
  readonly summary: string;
  readonly fix: (options: SshOptions, found: RegExpExecArray) => string;
}[] = [
  {
    // pam_unix and shadow-utils, in their forms of twenty years.
    said: /password (?:has |is )?expired|(?:required|need|have|must)(?: to)? change your password|password change required|new password required/i,
    summary: 'the password of the login user has expired',
    fix: ({ user, host }) =>
      `set a new password (log in once with \`ssh ${user}@${host}\`), or as root on the host, for an account that logs in with keys: \`chage -M -1 ${user}\``,
  },
  {
    said: /account (?:has |is )?expired/i,
    summary: 'the account of the login user has expired',
    fix: ({ user }) => `extend it as root on the host (\`chage -E -1 ${user}\`), or log in as another user`,
  },
  {
    // cloud-init's disable_root_opts: a forced command in root's authorized_keys.
    said: /log\s?in as the user \\?["'\u201C]?([A-Za-z0-9_][\w.-]*)\\?["'\u201D]? rather than the user/i,
    summary: 'the host takes logins as another user only',
    fix: ({ host }, [, user = '']) =>
      `log in as that user: --host ${user}@${host}; kbinit becomes root with sudo there`,
  },
];

/** A host whose own words say what is wrong with the account. */
export function accountRefused(options: SshOptions, said: string): KbError | undefined {
  for (const { said: pattern, summary, fix } of accountRefusals) {
    const found = pattern.exec(said);
    if (found === null) continue;
    return shellProblem(options, summary, `${sshTarget(options)} said: ${shortened(said)}`, fix(options, found));
  }
  return undefined;
}

/** A login that ended without having run the command. */
export function noShell(options: SshOptions, said: string): KbError {
  return shellProblem(
    options,
    'the login shell does not execute commands (nologin?)',
    `${sshTarget(options)} ${said === '' ? 'said nothing' : `said: ${shortened(said)}`}`,
    'log in as a user with a normal login shell (sh, bash, zsh, fish, tcsh) and without a ForceCommand',
  );
}

function shellProblem({ name }: SshOptions, summary: string, detail: string, fix: string): KbError {
  return new KbError({ code: 'KB_SSH_SHELL', summary, detail, fix, host: name });
}

/** A stream through the host that did not open: the host's own words, with the code that a local connect would have. */
export function dialFailure(options: SshOptions, address: string, port: number, error: unknown): Error {
  const text = error instanceof Error ? error.message : String(error);
  if (/administratively prohibited|open failed/i.test(text) && !/refused|timed out|unreachable|No route/i.test(text)) {
    return new KbError({
      code: 'KB_SSH_FORWARDING',
      summary: 'the host opens no connection for kbinit',
      detail: `${sshTarget(options)} to ${address} port ${port}: ${text}`,
      fix: "allow it in the host's sshd_config: AllowTcpForwarding yes (or local), and no PermitOpen that excludes it",
      host: options.name,
    });
  }
  const failure = new Error(`${options.name}: connect ${address} port ${port}: ${text}`, { cause: error });
  return Object.assign(failure, { code: /refused/i.test(text) ? 'ECONNREFUSED' : 'EHOSTUNREACH' });
}
