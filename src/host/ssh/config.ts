// What ~/.ssh/config says about one host, read the way ssh reads it. Nothing it names is ever run. Pure.
import { expandTokens, type Tokens } from './config-tokens.ts';
import { matchesPatterns } from '../glob.ts';
import { refusedBy, type AlgorithmLists, type KeyRules, type RefusedAlgorithms } from './algorithms.ts';
import { configProblem, type ConfigLine } from './config-lines.ts';

/** The settings that kbinit follows; what a file does not say is left out. */
export interface HostConfig {
  /** The name or address to connect to. */
  readonly hostName: string;
  readonly user?: string;
  readonly port?: number;
  /** Undefined: the default ones. */
  readonly identityFiles?: readonly string[];
  readonly identitiesOnly: boolean;
  readonly certificateFiles: readonly string[];
  /** A socket, `none`, or undefined for SSH_AUTH_SOCK. */
  readonly identityAgent?: string;
  readonly proxyJump?: string;
  /** Set where a ProxyCommand is asked for: kbinit runs none. */
  readonly proxyCommand?: string;
  readonly userKnownHostsFiles?: readonly string[];
  readonly globalKnownHostsFiles?: readonly string[];
  readonly hostKeyAlias?: string;
  readonly connectTimeoutSeconds?: number;
  /** Files of keys that no host may have. */
  readonly revokedHostKeyFiles?: readonly string[];
  /** Undefined: none. */
  readonly refusedAlgorithms?: RefusedAlgorithms;
  readonly keyRules?: KeyRules;
  /** Login methods that are not to be used. */
  readonly refusedMethods?: readonly LoginMethod[];
  /** What the files want and kbinit does not do, although it bears on whom a host is taken for. */
  readonly unfollowed?: readonly string[];
}

/** The ways to log in that kbinit knows. */
const loginMethods = ['publickey', 'password', 'keyboard-interactive'] as const;
export type LoginMethod = (typeof loginMethods)[number];

/** Who connects where, before the configuration is asked. */
export interface Asked {
  /** What the user typed. */
  readonly alias: string;
  readonly user?: string;
  readonly port?: number;
}

/** This machine and the user on it. */
export interface Ourselves {
  readonly homeDirectory: string;
  readonly userName: string;
  readonly hostName: string;
}

/** Keywords whose defaults are kbinit's own. */
const restricting: ReadonlySet<string> = new Set([
  'revokedhostkeys',
  'hostkeyalgorithms',
  'kexalgorithms',
  'ciphers',
  'macs',
  'pubkeyacceptedalgorithms',
  'requiredrsasize',
  'preferredauthentications',
  'pubkeyauthentication',
  'passwordauthentication',
  'kbdinteractiveauthentication',
  'numberofpasswordprompts',
  'batchmode',
  'knownhostscommand',
  'verifyhostkeydns',
  'checkhostip',
  'canonicalizehostname',
]);

/** Keywords that kbinit follows: where a file has none of them it says nothing to kbinit. */
const keywords: ReadonlySet<string> = new Set([
  'hostname',
  'user',
  'port',
  'identityfile',
  'identitiesonly',
  'identityagent',
  'certificatefile',
  'proxyjump',
  'proxycommand',
  'userknownhostsfile',
  'globalknownhostsfile',
  'hostkeyalias',
  'connecttimeout',
  ...restricting,
]);

/** True of keywords that allow less than kbinit's own defaults do: they count where a file has them. */
export function isRestricting(keyword: string): boolean {
  return restricting.has(keyword);
}

/** The keywords that the files have. */
export function keywordsOf(lines: readonly ConfigLine[]): ReadonlySet<string> {
  return new Set(everyLine(lines).map(({ keyword }) => keyword));
}

/** Every line, those of included files too. */
function everyLine(lines: readonly ConfigLine[]): readonly ConfigLine[] {
  return lines.flatMap((line) => [line, ...(line.included ?? []).flatMap(everyLine)]);
}

/** True where a line is one that kbinit follows. */
export function saysSomething(lines: readonly ConfigLine[]): boolean {
  return everyLine(lines).some(({ keyword }) => keywords.has(keyword));
}

/** The lines that would make ssh run a command while it only reads (`Match exec`). */
export function commandLines(lines: readonly ConfigLine[]): readonly ConfigLine[] {
  return everyLine(lines).filter(({ keyword, rest }) => keyword === 'match' && mayRun(rest));
}

/** Whether any version of ssh could find `exec` among the criteria: they do not agree on quotes, and take = for a blank. */
function mayRun(rest: string): boolean {
  if (/["'\\]/.test(rest)) return /exec/i.test(rest.replaceAll(/["'\\]/g, ''));
  return rest.split(/[\s=,]+/).some((word) => /^!?exec$/i.test(word));
}

/** Values by keyword: the first one counts, but for files of keys, which add up. */
type Found = Map<string, string[][]>;

interface Reading {
  readonly asked: Asked;
  readonly ourselves: Ourselves;
  readonly found: Found;
  /** The second time through, which `Match final` asks for. */
  readonly isFinal: boolean;
}

function first(found: Found, keyword: string): string | undefined {
  return found.get(keyword)?.[0]?.[0];
}

/** One criterion of a Match line; undefined for one that only ssh itself can judge. */
function criterion(name: string, argument: string, reading: Reading): boolean | undefined {
  const { asked, ourselves, found } = reading;
  const fits = (value: string): boolean => matchesPatterns(value, argument.split(','));
  switch (name) {
    case 'host':
      return fits((first(found, 'hostname') ?? asked.alias).replaceAll('%h', asked.alias));
    case 'originalhost':
      return fits(asked.alias);
    case 'user':
      return fits(asked.user ?? first(found, 'user') ?? ourselves.userName);
    case 'localuser':
      return fits(ourselves.userName);
    default:
      return undefined;
  }
}

/** Whether a Match line applies. A criterion that kbinit does not judge (exec, canonical, …) never holds. */
function matches(words: readonly string[], reading: Reading): boolean {
  const rest = words.flatMap((word) => word.split(/(?<=^!?[a-z]+)=/i));
  for (let at = 0; at < rest.length; at++) {
    const word = (rest[at] ?? '').toLowerCase();
    const isNegated = word.startsWith('!');
    const name = isNegated ? word.slice(1) : word;
    if (name === 'all') {
      if (isNegated) return false;
      continue;
    }
    if (name === 'canonical' || name === 'final') {
      // Names are made canonical by ssh alone.
      if ((name === 'final' && reading.isFinal) === isNegated) return false;
      continue;
    }
    const holds = criterion(name, rest[++at] ?? '', reading);
    if (holds === undefined || holds === isNegated) return false;
  }
  return true;
}

/** What Host lines are about: the second time it is the name that the first one led to (ssh.c main). */
function nameOf({ asked, found, isFinal }: Reading): string {
  return isFinal ? (first(found, 'hostname') ?? asked.alias).replaceAll('%h', asked.alias) : asked.alias;
}

const adding: ReadonlySet<string> = new Set(['identityfile', 'certificatefile']);

/** Go through one file; `isOpen` is false inside an Include of a block that does not apply. */
function walk(lines: readonly ConfigLine[], reading: Reading, isOpen: boolean): void {
  let isActive = isOpen;
  for (const { keyword, words, included } of lines) {
    if (keyword === 'host') isActive = isOpen && matchesPatterns(nameOf(reading), words);
    else if (keyword === 'match') isActive = isOpen && matches(words, reading);
    else if (included !== undefined) for (const file of included) walk(file, reading, isActive);
    else if (isActive && keywords.has(keyword)) {
      // Of these two the one that is said first counts (readconf.c parse_jump).
      const rival = { proxyjump: 'proxycommand', proxycommand: 'proxyjump' }[keyword];
      if (rival !== undefined && reading.found.has(rival)) continue;
      const values = reading.found.get(keyword) ?? [];
      const isNew = values.length === 0 || (adding.has(keyword) && !values.some((have) => have[0] === words[0]));
      if (isNew) reading.found.set(keyword, [...values, [...words]]);
    }
  }
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** ssh_config's times: 90, 90s, 2m. `none` and nonsense count as not said. */
function secondsOf(text: string | undefined): number | undefined {
  const [, amount, unit = 's'] = /^(\d+)([smhSMH]?)$/.exec(text ?? '') ?? [];
  if (amount === undefined) return undefined;
  return Number(amount) * ({ m: 60, h: 3600 }[unit.toLowerCase()] ?? 1);
}

function withTokens(tokens: Tokens, texts: readonly string[]): readonly string[] {
  return texts.map((text) => expandTokens(text, tokens));
}

/** Values of one host by keyword, as ssh -G prints them or as the own reading found them. */
export interface RawConfig {
  readonly one: (keyword: string) => string | undefined;
  readonly lists: (keyword: string) => readonly (readonly string[])[];
  /** `FILE:LINE` of the lines that may have said it. */
  readonly where: (keyword: string) => string;
}

/** Where the files have a keyword. */
export function placesOf(files: readonly (readonly ConfigLine[])[], keyword: string): string {
  return files
    .flatMap(everyLine)
    .filter((line) => line.keyword === keyword)
    .map(({ file, line }) => `${file}:${line}`)
    .join(', ');
}

/** Turn raw values into settings: tokens, `none`, numbers. */
export function toHostConfig(raw: RawConfig, asked: Asked, ourselves: Ourselves): HostConfig {
  const hostName = (raw.one('hostname') ?? asked.alias).replaceAll(/%([%h])/g, (_all, token: string) =>
    token === 'h' ? asked.alias : '%',
  );
  const user = asked.user ?? raw.one('user');
  const port = asked.port ?? numberOf(raw.one('port'));
  const jump = raw.one('proxyjump');
  const command = raw.lists('proxycommand')[0]?.join(' ');
  const hostKeyAlias = raw.one('hostkeyalias')?.toLowerCase();
  const tokens: Tokens = { ...ourselves, ...asked, host: hostName, user, port, hostKeyAlias };
  const files = (keyword: string): readonly string[] | undefined => {
    const words = raw.lists(keyword)[0];
    if (words === undefined) return undefined;
    return words.length === 1 && words[0]?.toLowerCase() === 'none' ? [] : withTokens(tokens, words);
  };
  const [userFiles, globalFiles] = [files('userknownhostsfile'), files('globalknownhostsfile')];
  const revokedFiles = files('revokedhostkeys') ?? [];
  const identities = raw.lists('identityfile').flat();
  const [agent] = withTokens(tokens, [raw.one('identityagent') ?? '']);
  const seconds = secondsOf(raw.one('connecttimeout'));
  return {
    hostName,
    identitiesOnly: /^(?:yes|true)$/i.test(raw.one('identitiesonly') ?? ''),
    certificateFiles: withTokens(tokens, raw.lists('certificatefile').flat()),
    ...(user !== undefined && { user }),
    ...(port !== undefined && { port }),
    ...(identities.length > 0 && {
      identityFiles: withTokens(
        tokens,
        identities.filter((file) => file.toLowerCase() !== 'none'),
      ),
    }),
    ...(agent !== undefined && agent !== '' && agent !== 'SSH_AUTH_SOCK' && { identityAgent: agent }),
    ...(jump !== undefined && jump.toLowerCase() !== 'none' && { proxyJump: jump }),
    ...(command !== undefined && command.toLowerCase() !== 'none' && { proxyCommand: command }),
    ...(userFiles !== undefined && { userKnownHostsFiles: userFiles }),
    ...(globalFiles !== undefined && { globalKnownHostsFiles: globalFiles }),
    ...(hostKeyAlias !== undefined && { hostKeyAlias }),
    ...(revokedFiles.length > 0 && { revokedHostKeyFiles: revokedFiles }),
    ...restrictions(raw, asked.alias),
    ...(seconds !== undefined && seconds > 0 && { connectTimeoutSeconds: seconds }),
  };
}

function isFinalMatch({ keyword, words }: ConfigLine): boolean {
  return keyword === 'match' && words.some((word) => /^!?final$/i.test(word));
}

/** What the values take away from kbinit's own defaults. @throws KbError KB_SSH_CONFIG where nothing is left */
function restrictions(
  raw: RawConfig,
  alias: string,
): Pick<HostConfig, 'refusedAlgorithms' | 'keyRules' | 'refusedMethods' | 'unfollowed'> {
  const lists: AlgorithmLists = {
    hostKey: raw.one('hostkeyalgorithms'),
    kex: raw.one('kexalgorithms'),
    cipher: raw.one('ciphers'),
    hmac: raw.one('macs'),
  };
  const refused = refusedBy(lists);
  if ('nothingLeft' in refused) {
    const keyword = { hostKey: 'HostKeyAlgorithms', kex: 'KexAlgorithms', cipher: 'Ciphers', hmac: 'MACs' }[
      refused.nothingLeft
    ];
    throw configProblem(
      `${raw.where(keyword.toLowerCase())}: ${keyword} ${lists[refused.nothingLeft] ?? ''} leaves nothing that kbinit has, for ${alias}`,
      'allow one of those that docs/ssh.md lists, or go without: --ssh-config none',
    );
  }
  const refusedMethods = loginMethods.filter((method) => isRefused(method, raw));
  const unfollowed = ['knownhostscommand', 'verifyhostkeydns', 'checkhostip']
    .filter((keyword) => !/^(?:no|none|false)$/i.test(raw.one(keyword) ?? 'no'))
    .map(
      (keyword) =>
        `${raw.where(keyword)}: ${names[keyword] ?? keyword} has no effect: kbinit goes by known_hosts files alone`,
    );
  const accepted = raw.one('pubkeyacceptedalgorithms');
  const rsaBits = numberOf(raw.one('requiredrsasize'));
  return {
    ...(Object.values(refused).some((list) => list.length > 0) && { refusedAlgorithms: refused }),
    ...((accepted !== undefined || rsaBits !== undefined) && {
      keyRules: { ...(accepted !== undefined && { accepted }), ...(rsaBits !== undefined && { rsaBits }) },
    }),
    ...(refusedMethods.length > 0 && { refusedMethods }),
    ...(unfollowed.length > 0 && { unfollowed }),
  };
}

const names: Readonly<Record<string, string>> = {
  knownhostscommand: 'KnownHostsCommand',
  verifyhostkeydns: 'VerifyHostKeyDNS',
  checkhostip: 'CheckHostIP',
};

function isRefused(method: LoginMethod, raw: RawConfig): boolean {
  const says = (keyword: string, pattern: RegExp): boolean => pattern.test(raw.one(keyword) ?? '');
  const preferred = raw.one('preferredauthentications');
  if (preferred !== undefined && !preferred.split(',').includes(method)) return true;
  const own = { publickey: 'pubkey', password: 'password', 'keyboard-interactive': 'kbdinteractive' }[method];
  if (says(`${own}authentication`, /^(?:no|false)$/i)) return true;
  return method !== 'publickey' && (says('batchmode', /^(?:yes|true)$/i) || says('numberofpasswordprompts', /^0$/));
}

/** The own reading of the files, in their order: for where ssh is not installed or would run something. */
export function evaluateConfig(
  files: readonly (readonly ConfigLine[])[],
  asked: Asked,
  ourselves: Ourselves,
): HostConfig {
  const found: Found = new Map();
  const passes = [false, ...(files.flatMap(everyLine).some(isFinalMatch) ? [true] : [])];
  for (const isFinal of passes) for (const lines of files) walk(lines, { asked, ourselves, found, isFinal }, true);
  const raw: RawConfig = {
    one: (keyword) => first(found, keyword),
    lists: (keyword) => found.get(keyword) ?? [],
    where: (keyword) => placesOf(files, keyword),
  };
  return toHostConfig(raw, asked, ourselves);
}
