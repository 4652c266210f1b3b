// What every failure a user can meet looks like: a stable code, where it happened, what was found, what to do.

/** Process exit codes (docs/errors.md). */
export const exitCode = {
  done: 0,
  failed: 1,
  connection: 4,
  locked: 6,
  bug: 70,
  interrupted: 130,
} as const;

/** A failure as data. `detail` says what was found, `fix` what to do about it; neither may hold a secret. */
export interface Problem {
  readonly code: `KB_${string}`;
  readonly summary: string;
  readonly detail: string;
  readonly fix: string;
  readonly phase?: string;
  readonly host?: string;
  /** Lines that prove the cause: a log excerpt, a command's answer. */
  readonly evidence?: readonly string[];
}

/** Codes that mean "could not talk to the host, or somebody else answers in its place": exit code 4. */
const connectionCodes: ReadonlySet<string> = new Set([
  'KB_SSH_UNREACHABLE',
  'KB_SSH_AUTH',
  'KB_SSH_HOST_KEY_UNKNOWN',
  'KB_SSH_HOST_KEY_CHANGED',
  'KB_SSH_HOST_KEY_REVOKED',
  'KB_SSH_HOST_KEY_UNPROVEN',
  'KB_SSH_HOST_KEY_FURTHER',
  'KB_SSH_HOST_CERTIFICATE',
  'KB_SSH_KNOWN_HOSTS',
  'KB_SSH_KEY',
  'KB_SSH_LOST',
  'KB_SSH_HOST_REPLACED',
  'KB_SSH_USER_CERTIFICATE',
  'KB_SUDO',
  'KB_DISCOVERY_PIN',
  'KB_DISCOVERY_SIGNATURE',
  'KB_DISCOVERY_TLS',
]);

/** A failure the user can act on. Everything thrown that is not a KbError is a bug and exits 70. */
export class KbError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: Problem | readonly Problem[], options?: { cause?: unknown }) {
    const list = 'code' in problems ? [problems] : problems;
    super(list.map((p) => `${p.code} ${p.summary}: ${p.detail}`).join('\n'), options);
    this.name = 'KbError';
    this.problems = list;
  }

  /** True when one of the problems has this code. */
  has(code: Problem['code']): boolean {
    return this.problems.some((p) => p.code === code);
  }

  get exitCode(): number {
    if (this.has('KB_INTERRUPTED')) return exitCode.interrupted;
    // Time was up: what else was found while the run was being stopped is not its end.
    if (this.has('KB_DEADLINE')) return exitCode.failed;
    if (this.has('KB_BUG')) return exitCode.bug;
    // Of many hosts some are done: why the others failed is not the command's own end.
    if (this.has('KB_PARTIAL')) return exitCode.failed;
    if (this.has('KB_LOCKED')) return exitCode.locked;
    if (this.problems.some((p) => connectionCodes.has(p.code))) return exitCode.connection;
    return exitCode.failed;
  }

  /** The same failure with the phase and host filled in where a problem does not name its own. */
  within(where: { phase?: string; host?: string }): KbError {
    const problems = this.problems.map((p) => ({ ...where, ...p }));
    return new KbError(problems, { cause: this.cause ?? this });
  }
}

/** What a run that was told to stop ends with; `more` where the place knows better than the general words. */
export function interrupted(
  detail: string,
  more: Partial<Pick<Problem, 'summary' | 'fix' | 'host' | 'evidence'>> = {},
): KbError {
  return new KbError({
    code: 'KB_INTERRUPTED',
    summary: 'interrupted',
    detail,
    fix: 'run the same command again to continue: completed steps are detected and skipped',
    ...more,
  });
}
