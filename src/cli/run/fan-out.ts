// One command for many hosts: so many at a time, none held up by another, and what is said when some of them failed.
import type { HostView } from '../../host/host.ts';
import { KbError, type Problem } from '../../errors.ts';
import { Semaphore } from '../../host/semaphore.ts';
import { count } from '../../util/text.ts';
import { bugProblem } from './failure.ts';
import { resumeCommand } from './resume.ts';
import type { Reached } from './reach.ts';
import { withSession, type ConnectionOptions, type LocalNotice, type Session } from './session.ts';
import { parseTarget } from './target.ts';

/** Hosts that are worked on at the same time; more would only wait for each other's log-ins. */
export const atOnce = 16;

/** What became of one. */
export type Ended<T, R> = { readonly item: T } & ({ readonly value: R } | { readonly problems: readonly Problem[] });

/** Do something for each, so many at a time. What fails for one is its own result, a bug of ours too. @throws AbortError */
export async function onEach<T, R>(
  atATime: number,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<readonly Ended<T, R>[]> {
  const slots = new Semaphore(atATime);
  const ended = await Promise.allSettled(
    items.map(async (item): Promise<Ended<T, R>> => {
      const leave = await slots.take();
      try {
        return { item, value: await work(item) };
      } catch (error) {
        if (error instanceof KbError) return { item, problems: error.problems };
        // The run was stopped, for all of them.
        if (error instanceof Error && error.name === 'AbortError') throw error;
        return { item, problems: [bugProblem(error)] };
      } finally {
        leave();
      }
    }),
  );
  return ended.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
}

/** Those that did not, and why. */
export function failuresOf<T>(ended: readonly Ended<T, unknown>[]): readonly Failure<T>[] {
  return ended.flatMap((one) => ('problems' in one ? [{ item: one.item, problems: one.problems }] : []));
}

export interface Failure<T> {
  readonly item: T;
  readonly problems: readonly Problem[];
}

/** Refuse a host that is named twice, with these flags. @throws KbError KB_TARGET */
export function assertDifferent(
  targets: readonly string[],
  { flags = '--host', fix = 'name each host once' }: { readonly flags?: string; readonly fix?: string } = {},
): void {
  const places = targets.map((target) => {
    const { user: _, ...place } = parseTarget(target);
    return JSON.stringify(place);
  });
  const twice = targets.find((_, index) => places.indexOf(places[index] ?? '') < index);
  if (twice === undefined) return;
  throw new KbError({
    code: 'KB_TARGET',
    summary: 'a host is named twice',
    detail: `${twice} is given more than once with ${flags}`,
    fix,
  });
}

/** A command at work on its hosts. */
export interface Hosts {
  readonly session: Session<HostView>;
  /** Reach each host and do something there; a host that another run has is given up at once. */
  readonly each: <R>(work: (host: Reached) => Promise<R>) => Promise<readonly Ended<string, R>[]>;
}

/**
 * A session for a command that changes the hosts of `--host`, or this machine where there is none. `body` answers with
 * what failed, by the host as it was typed. @throws ReportedError
 */
export async function withHosts(
  command: string,
  { options, hosts }: { readonly options: ConnectionOptions; readonly hosts: readonly string[] },
  body: (hosts: Hosts) => Promise<readonly Failure<string>[]>,
  notice?: LocalNotice,
): Promise<void> {
  const [target, ...others] = hosts;
  if (others.length === 0) {
    const own = { ...options, ...(target === undefined ? {} : { host: target }) };
    const alone = async (session: Session): Promise<void> => {
      const each: Hosts['each'] = (work) => onEach(1, [target ?? session.host.name], () => work(session));
      const failed = await body({ session, each });
      if (failed.length > 0) throw new KbError(failed.flatMap(({ problems }) => problems));
    };
    return withSession(command, own, 'write', alone, notice);
  }
  // The session is this machine's, to which nothing is done: none of the hosts is more important than another.
  return withSession(command, { ...options, hosts }, 'read', async (session) => {
    const each: Hosts['each'] = (work) =>
      onEach(atOnce, hosts, async (one) => {
        const host = await Promise.race([session.reach(one, 'write'), session.overdue]);
        return unlessTaken(host, work(host));
      });
    endTogether(hosts, await body({ session, each }), options.commandLine ?? []);
  });
}

/** Work on one of many hosts; it ends when another run has the host, or the time is up and the host hangs. */
export async function unlessTaken<T>(
  { lock, overdue }: Pick<Reached, 'lock' | 'overdue'>,
  work: Promise<T>,
): Promise<T> {
  return Promise.race([work, lock.refused, overdue]);
}

/**
 * End a command for these hosts: what failed on each, and where some are done the command for the others.
 * @throws KbError when one failed
 */
export function endTogether(
  targets: readonly string[],
  failures: readonly Failure<string>[],
  argv: readonly string[],
): void {
  if (failures.length === 0) return;
  const problems = failures.flatMap((one) => new KbError(one.problems).within({ host: nameOf(one.item) }).problems);
  const failed = targets.filter((target) => failures.some(({ item }) => item === target));
  if (failed.length === targets.length) throw new KbError(problems);
  const done = targets.filter((target) => !failed.includes(target));
  throw new KbError([...problems, partial(done, failed, argv)]);
}

function partial(done: readonly string[], failed: readonly string[], argv: readonly string[]): Problem {
  return {
    code: 'KB_PARTIAL',
    summary: `${failed.length} of ${count(done.length + failed.length, 'host')} failed`,
    host: failed.map(nameOf).join(', '),
    detail: `done: ${done.map(nameOf).join(', ')}; failed: ${failed.map(nameOf).join(', ')}`,
    fix: `fix the problems above, then continue with: ${resumeCommand(onlyHosts(argv, failed))}`,
  };
}

/** As the host is called in the other lines; the user is not part of it. */
function nameOf(target: string): string {
  return parseTarget(target).address;
}

/** The words of a command line without the other hosts. */
function onlyHosts(argv: readonly string[], wanted: readonly string[]): readonly string[] {
  return argv.filter((word, index) => {
    const before = argv[index - 1];
    if (before === '--host') return wanted.includes(word);
    if (word === '--host') return wanted.includes(argv[index + 1] ?? '');
    return !word.startsWith('--host=') || wanted.includes(word.slice('--host='.length));
  });
}
