// What `token create` is to make: flags or a file read into tokens, and refused before any host is asked.
import { completeInit } from '../../config/complete.ts';
import { defaultToken } from '../../config/defaults.ts';
import type { ConfigWarning } from '../../config/draft.ts';
import { assertNotMixed } from '../../config/flags.ts';
import { loadInit } from '../../config/load.ts';
import { factsOfNoHost } from '../../config/no-host.ts';
import { Problems } from '../../config/problems.ts';
import type { BootstrapToken } from '../../config/spec.ts';
import { validateBootstrapTokens, validateCertificateKey } from '../../config/validate-node.ts';
import { labelIn } from '../../config/version.ts';
import { KbError } from '../../errors.ts';
import { newestVersion } from '../../kube/releases.ts';
import { addSecret } from '../../report/redact.ts';
import { parseDuration } from '../../util/duration.ts';
import { randomToken, type RandomSource } from '../../util/keygen.ts';
import { ownFlags } from '../flags.ts';
import { readInput, readSecretFile } from '../run/prompt.ts';

/** What commander parses for `token create`, beside the flags of every token command. */
export interface CreateFlags {
  readonly certificateKey?: string;
  readonly certificateKeyFile?: string;
  readonly config?: string;
  readonly description?: string;
  readonly groups?: readonly string[];
  readonly printJoinCommand?: boolean;
  readonly tokenFile?: string;
  readonly ttl?: string;
  readonly usages?: readonly string[];
}

export interface WantedTokens {
  readonly tokens: readonly BootstrapToken[];
  readonly certificateKey?: string;
  readonly warnings: readonly ConfigWarning[];
}

type TokenSource = Pick<RandomSource, 'tokenCharacters'>;

/**
 * The tokens that flags and file ask for, random where none is named.
 * @param argument the token as it was typed
 * @throws KbError KB_CONFIG, KB_FILE, KB_USAGE: everything that is wrong
 */
export function wantedTokens(
  flags: CreateFlags,
  argument: string | undefined,
  changed: readonly string[],
  chance: TokenSource,
): WantedTokens {
  if (flags.config !== undefined) assertNotMixed(changed, ownFlags);
  const problems = new Problems();
  const certificateKey = certificateKeyOf(flags, problems);
  const given = tokenOf(flags, argument);
  const { tokens, warnings } =
    flags.config === undefined
      ? { tokens: [tokenOfFlags(flags, given, problems, chance)], warnings: [] }
      : tokensOfFile(flags.config, given, chance);
  if (problems.list.length > 0) throw new KbError(problems.list);
  return { tokens, warnings, ...(certificateKey === undefined ? {} : { certificateKey }) };
}

/** kubeadm makes the token and then complains; here nothing has been made yet. */
function certificateKeyOf(flags: CreateFlags, problems: Problems): string | undefined {
  const { certificateKey, certificateKeyFile } = flags;
  const key =
    certificateKeyFile === undefined ? certificateKey : readSecretFile(certificateKeyFile, 'certificate-key-file');
  if (key === undefined || key === '') return undefined;
  addSecret(key);
  if (flags.printJoinCommand !== true) {
    const fix = 'add --print-join-command, or leave the key out';
    problems.say('--certificate-key', 'is of use with --print-join-command only', fix);
  }
  validateCertificateKey(problems, '--certificate-key', key);
  return key;
}

function tokenOf(flags: CreateFlags, argument: string | undefined): string | undefined {
  if (argument !== undefined && flags.tokenFile !== undefined) {
    throw new KbError({
      code: 'KB_USAGE',
      summary: 'two tokens are given',
      detail: 'one is the argument, another is in the file of --token-file',
      fix: 'give one of them',
    });
  }
  const token = flags.tokenFile === undefined ? argument : readSecretFile(flags.tokenFile, 'token-file');
  if (token === undefined || token === '') return undefined;
  addSecret(token);
  return token;
}

function tokenOfFlags(
  flags: CreateFlags,
  given: string | undefined,
  problems: Problems,
  chance: TokenSource,
): BootstrapToken {
  const ttlSeconds = flags.ttl === undefined ? defaultToken.ttlSeconds : parseDuration(flags.ttl);
  if (ttlSeconds === undefined) {
    const fix = 'write it like 24h0m0s, or 0 for a token that never expires';
    problems.say('--ttl', `${JSON.stringify(flags.ttl)} is not a duration`, fix);
  }
  const usages = orDefault(flags.usages, defaultToken.usages);
  // A token that does not log in is in no group: kubeadm keeps the default group and then refuses its own token.
  const groups = usages.includes('authentication') ? defaultToken.groups : [];
  const token: BootstrapToken = {
    token: given ?? randomToken(chance),
    ttlSeconds: ttlSeconds ?? 0,
    usages,
    groups: orDefault(flags.groups, groups),
    ...(flags.description === undefined ? {} : { description: flags.description }),
  };
  const found = new Problems();
  validateBootstrapTokens(found, [token]);
  problems.list.push(...found.list.map((problem) => ({ ...problem, detail: byFlag(problem.detail) })));
  return token;
}

/** An empty list stands for the default, as in a file. */
function orDefault(given: readonly string[] | undefined, usual: readonly string[]): readonly string[] {
  return given === undefined || given.length === 0 ? usual : given;
}

/** `bootstrapTokens[0].usages` is what the flag --usages says, `.token` the argument. */
function byFlag(detail: string): string {
  return detail.replace(/^bootstrapTokens\[0\]\.(\w+)/, (_, field: string) =>
    field === 'token' ? 'the token' : `--${field}`,
  );
}

/** The file is for init, so all of it has to be good; only its tokens are made. */
function tokensOfFile(
  path: string,
  given: string | undefined,
  chance: TokenSource,
): Pick<WantedTokens, 'tokens' | 'warnings'> {
  const text = readInput(path, 'config');
  const label = labelIn(text, undefined);
  // Which version a label stands for does not matter to a token: nobody is asked.
  const labels = new Map(label === undefined ? [] : [[label, newestVersion()] as const]);
  const { draft, warnings } = loadInit(text, path, {}, labels);
  const facts = factsOfNoHost(draft.cluster.networking.serviceSubnet, [draft.localAPIEndpoint.advertiseAddress]);
  const { spec } = completeInit(draft, facts, chance);
  const ignored: ConfigWarning = { message: `the token given is ignored: tokens are in ${path}`, isStrict: false };
  return { tokens: spec.bootstrapTokens, warnings: given === undefined ? warnings : [...warnings, ignored] };
}
