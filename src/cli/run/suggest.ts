// The commands that a run suggests: each carries the host that it is about and the flags that this run reaches hosts with.
import { quote } from '../../host/shell.ts';
import type { Operator } from '../../phases/context.ts';
import type { HostReport } from '../../preflight/report.ts';
import type { Reporter, RunEvent } from '../../report/events.ts';
import type { SshFlags } from './ssh-session.ts';
import { readTarget } from '../../host/ssh/target.ts';

/** The flags of a run that say where it works and how it gets there. */
export interface Way extends SshFlags {
  readonly host?: string | readonly string[];
  /** Of a command for several. */
  readonly hosts?: readonly string[];
}

export interface Suggestions {
  /** A host that this run reaches, as typed: what is said of it later is about that one. */
  readonly learn: (target: string) => void;
  /** Every command in backticks, completed for the host that the text is about. */
  readonly inText: (text: string, host?: string) => string;
  /** One command, without backticks, completed for the run's host. */
  readonly command: (text: string) => string;
  /** What phases on a host need to suggest commands. */
  readonly operator: (target: string) => Operator;
}

/** Commands without --host, by the words they begin with. */
const withoutHost = [
  'bundle',
  'certs certificate-key',
  'completion',
  'config images list',
  'config print',
  'config schema',
  'config validate',
  'help',
  'ssh scan',
  'token generate',
  'version',
];

/** Those of them that connect all the same. */
const withSshFlags = ['ssh scan'];

/** Commands that always work on a host's own root. */
const withoutRootfs = ['etcd init', 'host', 'preflight', 'ssh scan'];

/** The words of one shell command, quotes kept; undefined where a quote is left open or more than that command is there. */
function wordsOf(text: string): readonly string[] | undefined {
  const plain = text.replaceAll(/'[^']*'/g, '');
  return /['"`;&|<>]/.test(plain) ? undefined : (text.match(/(?:'[^']*'|[^\s'])+/g) ?? []);
}

function beginsWith(words: readonly string[], commands: readonly string[]): boolean {
  return commands.some((command) => command.split(' ').every((word, index) => words[index + 1] === word));
}

/** True when a command takes a flag for the host that it works on; its words begin with `kbinit`. */
export function takesHost(words: readonly string[]): boolean {
  return !beginsWith(words, withoutHost);
}

/** True when a command takes the flags about SSH. */
export function takesSshFlags(words: readonly string[]): boolean {
  return takesHost(words) || beginsWith(words, withSshFlags);
}

/** True when a command takes --rootfs. */
export function takesRootfs(words: readonly string[]): boolean {
  return takesHost(words) && !beginsWith(words, withoutRootfs);
}

/** `--flag value` of each flag about SSH that was given. */
export function sshWords(way: SshFlags): readonly (readonly string[])[] {
  return [
    ...(way.identityFile ?? []).map((path) => ['--identity-file', path]),
    ...(way.sshConfig === undefined ? [] : [['--ssh-config', way.sshConfig]]),
    ...(way.knownHosts === undefined ? [] : [['--known-hosts', way.knownHosts]]),
    ...(way.acceptNewHostKeys === true ? [['--accept-new-host-keys']] : []),
    ...(way.sshTimeout === undefined ? [] : [['--ssh-timeout', `${way.sshTimeout}`]]),
    ...(way.reconnectTimeout === undefined ? [] : [['--reconnect-timeout', `${way.reconnectTimeout}`]]),
  ];
}

/** Stands for a host where it is not known which of several is meant. */
const someHost = 'HOST';

/** Suggestions of one run. */
export function suggestionsOf(way: Way): Suggestions {
  const own = way.hosts ?? (typeof way.host === 'string' ? [way.host] : (way.host ?? []));
  /** By the name that messages have for it. */
  const known = new Map<string, readonly string[]>();
  const learn = (target: string): void => {
    const name = readTarget(target)?.address ?? target;
    known.set(name, [...new Set([...(known.get(name) ?? []), target])]);
  };
  own.forEach(learn);

  /** Another host is logged in to as this run's are. */
  const loginTo = (name: string, like: string | undefined = own[0] ?? [...known.values()][0]?.[0]): string => {
    if (like === undefined) return `root@${name}`;
    const user = readTarget(like)?.user;
    return user === undefined ? name : `${user}@${name}`;
  };

  /** Which host a text about this name is about; undefined: this machine. */
  const hostOf = (about: string | undefined): string | undefined => {
    const names = about?.split(', ') ?? [];
    const targets = names.flatMap((name) => known.get(name) ?? []);
    if (targets.length > 0) return targets.length === 1 ? targets[0] : loginTo(someHost);
    return own.length > 1 ? loginTo(someHost) : own[0];
  };

  const flagsFor = (words: readonly string[], host: string | undefined): readonly string[] => {
    const lacks = (flag = ''): boolean => !words.some((word) => word === flag || word.startsWith(`${flag}=`));
    const isNamed = !lacks('--host');
    const rootfs = way.rootfs !== undefined && takesRootfs(words) && !isNamed ? ['--rootfs', way.rootfs] : [];
    return [
      ...(host !== undefined && takesHost(words) && !isNamed ? ['--host', host] : []),
      ...(takesSshFlags(words) ? sshWords(way).filter(([flag]) => lacks(flag)) : []).flat(),
      ...(lacks('--rootfs') ? rootfs : []),
    ];
  };

  const complete = (text: string, host: string | undefined): string => {
    const words = wordsOf(text);
    if (words === undefined) return text;
    const named = text.replaceAll(/(?<=--[a-z-]+[ =])root@([A-Z][A-Z_]*)\b/g, (_, name: string) => loginTo(name, host));
    return [named, ...flagsFor(words, host).map(quote)].join(' ');
  };

  return {
    learn,
    inText: (text, about) =>
      text.replaceAll(/`(kbinit [^`\n]+)`/g, (_, command: string) => `\`${complete(command, hostOf(about))}\``),
    command: (text) => complete(text, hostOf(undefined)),
    operator: (target) => ({
      host: target,
      over: (other) =>
        ['--host', other === undefined ? target : loginTo(other, target), ...sshWords(way).flat()].map(quote).join(' '),
      command: (text) => complete(text, target),
    }),
  };
}

/** A reporter whose problems, warnings and steps have their commands completed. */
export function suggesting(reporter: Reporter, { inText }: Pick<Suggestions, 'inText'>): Reporter {
  return { emit: (event) => reporter.emit(completed(event, inText)) };
}

/** Reports of checks, which are an answer and pass no reporter. */
export function completeFixes(
  reports: readonly HostReport[],
  { inText }: Pick<Suggestions, 'inText'>,
): readonly HostReport[] {
  return reports.map(({ host, results }) => ({
    host,
    results: results.map((one) => (one.fix === undefined ? one : { ...one, fix: inText(one.fix, host) })),
  }));
}

function completed(event: RunEvent, inText: Suggestions['inText']): RunEvent {
  if (event.kind === 'warning' || event.kind === 'step') return { ...event, text: inText(event.text, event.host) };
  if (event.kind !== 'problem') return event;
  const { detail, fix, host } = event.problem;
  return { ...event, problem: { ...event.problem, detail: inText(detail, host), fix: inText(fix, host) } };
}
