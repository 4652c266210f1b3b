// What `kbinit ssh trust` does: reach all hosts, look at them, then key, authorized_keys, known_hosts, and one login each.
import { KbError, type Problem } from '../../errors.ts';
import {
  authorize,
  makeKey,
  makeKnown,
  readDestination,
  readSource,
  tryLogin,
  type Destination,
  type Outcome,
  type Source,
} from '../../host/ssh/trust.ts';
import { columnsFor } from '../../report/columns.ts';
import { columns } from '../../util/columns.ts';
import { withSession, type ConnectionOptions, type Session } from '../run/session.ts';
import { parseTarget } from '../run/target.ts';

export type SshTrustOptions = ConnectionOptions;

/** Set up the logins. @throws KbError for bad input, ReportedError for a failed run */
export async function runSshTrust(targets: readonly string[], options: SshTrustOptions): Promise<void> {
  for (const target of targets) parseTarget(target);
  await withSession('ssh trust', options, 'write', async (session) => {
    await session.lock.held();
    const from = await readSource(session.host);
    const destinations = await reachAll([...new Set(targets)], session);
    const publicKey = from.publicKey ?? (await keyOf(from, options.dryRun === true));
    const known = await makeKnown(from, destinations);
    // A dry run tells its plan by itself.
    const tell = (host: string, path: string, outcome: Outcome): void => {
      if (options.dryRun !== true) session.reporter.emit({ kind: 'file', host, path, outcome });
    };
    if (from.publicKey === undefined) tell(from.host.name, `${from.home}/.ssh/id_ed25519`, 'created');
    tell(from.host.name, `${from.home}/.ssh/known_hosts`, known);
    const comment = `${from.user}@${(await from.host.facts()).hostname}`;
    const rows: string[][] = [];
    const problems: Problem[] = [];
    for (const to of destinations) {
      const outcome = await authorize(to, publicKey, comment);
      tell(to.host.name, `${to.home}/.ssh/authorized_keys`, outcome);
      const problem = await tryLogin(from, to);
      if (problem !== undefined) problems.push(problem);
      rows.push([`${to.user}@${to.address}`, outcome, problem === undefined ? 'works' : 'fails']);
    }
    if (options.dryRun !== true) {
      const cells = [['HOST', 'AUTHORIZED_KEYS', 'LOGIN'], ...rows];
      session.print(columns(cells, columnsFor(process.stdout, process.env)));
    }
    if (problems.length > 0) throw new KbError(problems);
  });
}

/** All of them or none: nothing is changed before every host was seen. @throws KbError of every host that cannot be reached */
async function reachAll(targets: readonly string[], session: Session): Promise<readonly Destination[]> {
  const found: Destination[] = [];
  const problems: Problem[] = [];
  for (const target of targets) {
    try {
      const { host, lock, reachedAddress, reachedPort } = await session.reach(target, 'write');
      await lock.held();
      found.push(await readDestination(host, { address: reachedAddress ?? host.name, port: reachedPort ?? 22 }));
    } catch (error) {
      if (!(error instanceof KbError) || session.signal.aborted) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new KbError(problems);
  return found;
}

async function keyOf(from: Source, isDryRun: boolean): Promise<string> {
  const made = await makeKey(from);
  if (made !== undefined) return made;
  if (isDryRun) return 'ssh-ed25519 (the new public key)';
  throw new KbError({
    code: 'KB_SSH_TRUST',
    summary: 'the login without a password was not set up',
    host: from.host.name,
    detail: 'ssh-keygen made no Ed25519 public key',
    fix: `check ${from.home}/.ssh on ${from.host.name}`,
  });
}
