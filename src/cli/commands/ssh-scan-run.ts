// What `kbinit ssh scan` does: ask hosts for their keys, show the fingerprints, write known_hosts when told to.
import type { HostView } from '../../host/host.ts';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { KbError, type Problem } from '../../errors.ts';
import { fingerprint, judgeHostKeys, type JudgedKey, type KeyOwner } from '../../host/ssh/known-hosts.ts';
import {
  addKnownHost,
  knownHostsFiles,
  readKnownHosts,
  type KnownHostsFiles,
} from '../../host/ssh/known-hosts-files.ts';
import { hostKeyFailure } from '../../host/ssh/host-key.ts';
import { revocations } from '../../host/ssh/revoked-keys.ts';
import type { Route } from '../../host/ssh/route.ts';
import { columnsFor } from '../../report/columns.ts';
import { columns } from '../../util/columns.ts';
import { failuresOf, onEach } from '../run/fan-out.ts';
import { withSession, type ConnectionOptions, type Session } from '../run/session.ts';
import { parseTarget } from '../run/target.ts';
import { planned } from '../../plan/planned.ts';

export interface SshScanOptions extends Omit<ConnectionOptions, 'host'> {
  readonly yes?: boolean;
}

/** What one host showed. */
interface Scanned {
  readonly target: string;
  readonly owner: KeyOwner;
  readonly route: Route;
  readonly files: KnownHostsFiles;
  readonly keys: readonly JudgedKey[];
}

/** Hosts that are asked at a time. */
const atOnce = 8;

/** Scan. @throws KbError for bad input, ReportedError where a host did not answer, has another key than before, or nobody agreed */
export async function runSshScan(targets: readonly string[], options: SshScanOptions): Promise<void> {
  for (const target of targets) parseTarget(target);
  await withSession('ssh scan', options, 'read', async (session) => {
    const ended = await onEach(atOnce, [...new Set(targets)], (target) => scanOne(target, session));
    const scanned = ended.flatMap((one) => ('value' in one ? [one.value] : []));
    session.print(table(scanned));
    const problems = [
      ...failuresOf(ended).flatMap((one) => one.problems),
      ...scanned.flatMap(refusals),
      ...(await record(scanned, options, session)),
    ];
    if (problems.length > 0) throw new KbError(problems);
  });
}

async function scanOne(target: string, { ssh }: Session<HostView>): Promise<Scanned> {
  const route = await ssh.route(parseTarget(target));
  const keys = await ssh.hostKeys(route);
  const owner: KeyOwner = {
    host: route.host,
    port: route.port,
    ...(route.hostKeyAlias !== undefined && { alias: route.hostKeyAlias }),
  };
  const given = ssh.settings.knownHostsFile;
  const home = ssh.settings.homeDirectory ?? homedir();
  const chosen = knownHostsFiles(home, {
    given,
    user: route.userKnownHostsFiles,
    global: route.globalKnownHostsFiles,
    revoked: route.revokedHostKeyFiles,
  });
  // The place that ssh itself looks at, and not kbinit's own: this was asked for by name.
  const write = given ?? route.userKnownHostsFiles?.[0] ?? join(home, '.ssh', 'known_hosts');
  const files = { ...chosen, write };
  const known = [...(await readKnownHosts(files)), ...(await revocations(files.revoked, keys))];
  return { target, owner, route, files, keys: judgeHostKeys(known, owner, keys) };
}

function table(scanned: readonly Scanned[]): string {
  const rows = scanned.flatMap(({ target, keys }) =>
    keys.map(({ blob, type, state }) => [target, type, fingerprint(blob), state]),
  );
  return rows.length === 0
    ? ''
    : columns([['HOST', 'TYPE', 'FINGERPRINT', 'STATE'], ...rows], columnsFor(process.stdout, process.env));
}

function isRefused({ keys }: Scanned): boolean {
  return keys.some(({ state }) => state === 'changed' || state === 'revoked');
}

/** The first key of a host that must not be written; nothing of that host is. */
function refusals({ keys, owner, route, files, target }: Scanned): readonly Problem[] {
  const bad = keys.find(({ state }) => state === 'revoked') ?? keys.find(({ state }) => state === 'changed');
  if (bad === undefined) return [];
  const shown = { ...owner, name: route.name, blob: bad.blob, files, scan: target };
  return hostKeyFailure(bad.verdict, shown)?.problems ?? [];
}

const isNew = ({ state }: JudgedKey): boolean => state === 'new';

function knownTypes({ keys }: Scanned): readonly string[] {
  return keys.filter(({ state }) => state === 'known').map(({ type }) => type);
}

/**
 * The known key was proven over one connection, the new one over another: between them somebody can pass the first on to
 * the host and answer the second himself.
 */
function furtherKeys(scanned: Scanned): Problem {
  const { target, route } = scanned;
  const keys = scanned.keys.filter(isNew).map(({ type, blob }) => `the ${type} key ${fingerprint(blob)}`);
  return {
    code: 'KB_SSH_HOST_KEY_FURTHER',
    summary: 'a known host shows a further key, which is added after a question at a terminal only',
    detail: `${target} shows ${keys.join(' and ')}; it is known by its key of the type ${knownTypes(scanned).join(', ')}`,
    fix: `nothing is needed to connect: the known key stays. To add the other, compare it with the host's console and answer at a terminal: \`kbinit ssh scan ${target}\``,
    host: route.name,
  };
}

/** Write what is new, once somebody has agreed. */
async function record(
  scanned: readonly Scanned[],
  { yes, dryRun }: SshScanOptions,
  session: Session<HostView>,
): Promise<readonly Problem[]> {
  const answering = scanned.filter((one) => !isRefused(one));
  // A further key of a known host is for somebody who compares it; a dry run shows what the question would be about.
  const isCompared = yes !== true && (dryRun === true || process.stdin.isTTY);
  const barred = isCompared ? [] : answering.filter((one) => one.keys.some(isNew) && knownTypes(one).length > 0);
  const problems = barred.map(furtherKeys);
  const fresh = answering
    .filter((one) => !barred.includes(one))
    .flatMap(({ keys, ...rest }) => keys.filter(isNew).map((key) => ({ ...rest, ...key })));
  if (fresh.length === 0) return problems;
  const { reporter, host } = session;
  const places = [...new Set(fresh.map(({ files }) => files.write))];
  if (dryRun === true) {
    for (const { files, type, blob, target } of fresh) {
      const key = { type, fingerprint: fingerprint(blob), target, file: files.write };
      reporter.emit(planned(host.name, { op: 'host-key', ...key }));
    }
    return problems;
  }
  const question = `Are these the fingerprints that the hosts' consoles show? Add ${fresh.length} new keys to ${places.join(', ')}? [y/N] `;
  if (yes !== true && !(await session.ask(question))) return [...problems, notConfirmed(fresh.length)];
  for (const { files, owner, blob } of fresh) await addKnownHost(files, owner, blob);
  for (const path of places) reporter.emit({ kind: 'file', host: host.name, path, outcome: 'updated' });
  session.print(`${fresh.length} keys added to ${places.join(', ')}\n`);
  return problems;
}

function notConfirmed(count: number): Problem {
  return {
    code: 'KB_NOT_CONFIRMED',
    summary: 'nothing was written',
    detail: `${count} new keys were shown and not confirmed`,
    fix: "compare them on the hosts' consoles (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then answer y or give --yes",
  };
}
