// Why members of a new etcd cluster do not serve: their own words from the journal, and what is known to help.
import { KbError, type Problem } from '../../errors.ts';
import { sh } from '../../host/shell.ts';
import { etcdPaths } from '../../manifests/etcd-unit.ts';
import type { TimedOut } from '../../util/until.ts';
import type { EtcdClusterContext } from './context.ts';
import type { Unhealthy } from './health.ts';

/** etcd's words, and what to do about them. */
const cures: readonly (readonly [RegExp, string])[] = [
  [
    /has already been bootstrapped/,
    'this member has lost its data: remove it from its cluster (etcdctl member remove) and add it as a new one; `etcd init` only makes new clusters',
  ],
  [/address already in use/, 'end what listens on the ports 2379, 2380 and 2381 of this host'],
  [
    /permission denied/,
    `see who may read ${etcdPaths.pki} and write the data folder, and whether SELinux keeps etcd out`,
  ],
  [/no such host/, 'make sure that the hosts resolve the names in --etcd-extra-args'],
  [/certificate has expired or is not yet valid/, 'set the clocks of the hosts'],
  [/no space left/, 'free some space on the file system of the data folder'],
  [/unknown (?:flag|field)|could not parse|unmarshal/, 'correct --etcd-extra-args'],
  [
    /connection refused|i\/o timeout|no route to host|deadline exceeded/,
    'open the port 2380 between these hosts, and see why the others do not run',
  ],
];

/** One problem a member that does not serve. */
export async function explain(ctx: EtcdClusterContext, error: TimedOut, found: readonly Unhealthy[]): Promise<KbError> {
  const problems = await Promise.all(found.map((one) => problemOf(one, error.seconds)));
  if (problems.length > 0) return new KbError(problems, { cause: error });
  // All of them serve by now: it was only slow.
  const fix = 'run the same command again; see how busy the hosts and their disks are';
  const detail = `${error.last}, for ${error.seconds} s; now all members serve`;
  return new KbError({ code: 'KB_ETCD_START', summary: 'etcd was slow to serve', host: ctx.host.name, detail, fix });
}

async function problemOf({ member: { host }, why }: Unhealthy, seconds: number): Promise<Problem> {
  const since = `-${seconds + 5}s`;
  const { stdout } = await host.probe(
    sh`journalctl -u etcd.service --since ${since} -n 60 -o cat --no-pager 2>/dev/null || true`,
  );
  const lines = stdout.split('\n').flatMap((line) => (line.trim() === '' ? [] : [said(line)]));
  const loud = lines.filter(({ isLoud }) => isLoud).map(({ text }) => text);
  const known = cures.find(([pattern]) => loud.some((text) => pattern.test(text)));
  const cause = loud.findLast((text) => known?.[0].test(text) ?? true);
  return {
    code: 'KB_ETCD_START',
    summary: 'the etcd member does not serve',
    host: host.name,
    detail: `${why}, after ${seconds} s${cause === undefined ? '' : `; etcd says: ${cause}`}`,
    fix: `${known?.[1] ?? 'see journalctl -u etcd on the host'}; then run the same command again`,
    evidence: [...new Set(loud.length === 0 ? lines.map(({ text }) => text) : loud)].slice(-6),
  };
}

/** etcd logs JSON; what matters of a line is its message and its error. */
function said(line: string): { readonly text: string; readonly isLoud: boolean } {
  const field = (name: string): string | undefined => {
    const found = new RegExp(`"${name}":("(?:[^"\\\\]|\\\\.)*")`).exec(line)?.[1];
    return found === undefined ? undefined : String(JSON.parse(found));
  };
  const [message, error] = [field('msg'), field('error')];
  const isLoud = /"level":"(?:error|fatal|panic)"|^panic|error verifying flags/.test(line) || error !== undefined;
  return { text: message === undefined ? line.slice(0, 300) : [message, error].filter(Boolean).join(': '), isLoud };
}
