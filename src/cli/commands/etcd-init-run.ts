// What `kbinit etcd init` does: judge flags and files of this machine, reach the hosts, run the phases, say what init needs.
import { createHash } from 'node:crypto';
import { readEtcdCluster, type EtcdClusterFlags } from '../../config/etcd-cluster.ts';
import { KbError } from '../../errors.ts';
import { externalEtcdSnippet } from '../../manifests/etcd-unit.ts';
import { hostClient } from '../../phases/etcd-init/clients.ts';
import type { ClientPlace, EtcdClusterContext, Upload } from '../../phases/etcd-init/context.ts';
import { etcdInitPhases } from '../../phases/etcd-init/index.ts';
import { systemRandomSource, systemClock } from '../../util/keygen.ts';
import { runPhases } from '../../workflow/runner.ts';
import { selectPhases } from '../../workflow/select.ts';
import { localFolder } from '../run/local-folder.ts';
import { readInput } from '../run/prompt.ts';
import type { Reached } from '../run/reach.ts';
import { repeatWhenLost } from '../run/repeat.ts';
import { withSession, type ConnectionOptions, type Session } from '../run/session.ts';
import { parseTarget } from '../run/target.ts';
import { bodyOf } from '../../plan/body.ts';
import { planned } from '../../plan/planned.ts';

export interface EtcdInitOptions extends EtcdClusterFlags, Omit<ConnectionOptions, 'host'> {
  readonly etcdBinary?: string;
  readonly etcdctlBinary?: string;
  readonly clientCertsDir?: string;
  readonly ignorePreflightErrors?: readonly string[];
}

/** Set up etcd. @throws KbError for bad input, ReportedError for a failed run */
export async function runEtcdInit(options: EtcdInitOptions): Promise<void> {
  const cluster = readEtcdCluster(options);
  const { host: hosts = [], client = [], ...rest } = options;
  const [first, ...others] = hosts;
  for (const target of [...hosts, ...client]) parseTarget(target);
  const uploads = {
    ...upload('etcd', options.etcdBinary, 'etcd-binary'),
    ...upload('etcdctl', options.etcdctlBinary, 'etcdctl-binary'),
  };
  const isDryRun = options.dryRun === true;
  await withSession(
    'etcd init',
    { ...rest, ...(first === undefined ? {} : { host: first }) },
    'write',
    async (session) => {
      const [further, clients] = await Promise.all([reachAll(session, others), reachAll(session, client)]);
      const ctx: EtcdClusterContext = {
        ...session,
        chance: systemRandomSource(),
        clock: systemClock,
        ignorePreflightErrors: new Set((options.ignorePreflightErrors ?? []).map((name) => name.toLowerCase())),
        spec: { ...cluster, isDryRun, skipPhases: [] },
        hosts: [session, ...further],
        uploads,
        clients: [
          ...clients.map(({ host, reachedAddress }) => hostClient(host, reachedAddress)),
          ...folderPlaces(session, options),
        ],
        members: [],
        programs: [],
        touched: new Set(),
      };
      await runOnHosts(ctx);
      session.print(nextSteps(ctx, options));
    },
  );
}

/** Each phase is told of every host, with what it did there. */
async function runOnHosts(ctx: EtcdClusterContext): Promise<void> {
  const { reporter, signal } = ctx;
  const names = ctx.hosts.map(({ host }) => host.name);
  await runPhases(selectPhases(etcdInitPhases, { skip: [] }), ctx, {
    signal,
    now: () => performance.now(),
    isWorthRepeating: repeatWhenLost(reporter, names[0] ?? ''),
    observer: {
      started(phase, summary) {
        ctx.touched.clear();
        for (const host of names) reporter.emit({ kind: 'phase-start', phase, host, summary });
      },
      ended(phase, outcome, seconds, reason) {
        // Which host failed is said by the problem; a phase about none of them in particular is told once.
        const isShared = outcome === 'failed' || outcome === 'skipped' || phase === 'clients';
        for (const host of isShared ? names.slice(0, 1) : names) {
          const own = outcome === 'done' && ctx.touched.size > 0 && !ctx.touched.has(host) ? 'unchanged' : outcome;
          reporter.emit({
            kind: 'phase-end',
            phase,
            host,
            outcome: own,
            seconds,
            ...(reason === undefined ? {} : { reason }),
          });
        }
      },
    },
  });
}

/** Before any of them is changed. @throws KbError of every host that cannot be reached, or that another run has */
async function reachAll(session: Session, targets: readonly string[]): Promise<readonly Reached[]> {
  const ended = await Promise.allSettled(
    targets.map(async (target) => {
      const host = await session.reach(target, 'write');
      await host.lock.held();
      return host;
    }),
  );
  const failed = ended.flatMap((one): readonly unknown[] => (one.status === 'rejected' ? [one.reason] : []));
  const unknown = failed.find((reason) => !(reason instanceof KbError));
  if (unknown !== undefined) throw unknown;
  const problems = failed.flatMap((reason) => (reason instanceof KbError ? reason.problems : []));
  if (problems.length > 0) throw new KbError(problems);
  return ended.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

/** Go programs have tens of mebibytes. */
const mostProgramBytes = 512 * 2 ** 20;

/** A program of this machine, and the checksum that the hosts compare. @throws KbError KB_FILE, KB_ETCD_BINARY */
function upload(name: 'etcd' | 'etcdctl', path: string | undefined, flag: string): { readonly [name]?: Upload } {
  if (path === undefined) return {};
  const bytes = readInput(path, flag, mostProgramBytes);
  const isProgram = bytes.subarray(0, 4).equals(Buffer.from('\x7fELF', 'latin1'));
  if (isProgram) return { [name]: { bytes, sha256: createHash('sha256').update(bytes).digest('hex') } };
  throw new KbError({
    code: 'KB_ETCD_BINARY',
    summary: `the file given with --${flag} is not an executable`,
    detail: `${path} is not an ELF file; extract etcd and etcdctl from the release archive`,
    fix: `unpack the archive and give the file ${name}`,
  });
}

function folderPlaces({ host, reporter }: Session, options: EtcdInitOptions): readonly ClientPlace[] {
  const { clientCertsDir: path, dryRun } = options;
  if (path === undefined) return [];
  return [
    localFolder(path, {
      isDryRun: dryRun === true,
      plan: ({ path: file, body }) =>
        reporter.emit(planned(host.name, { op: 'local-file', path: file, is: bodyOf(body, file.endsWith('.key')) })),
    }),
  ];
}

/** Where the files are, or are to be, on control-plane hosts (kubeadm's guide for external etcd). */
const clientFiles = {
  ca: '/etc/kubernetes/pki/etcd/ca.crt',
  cert: '/etc/kubernetes/pki/apiserver-etcd-client.crt',
  key: '/etc/kubernetes/pki/apiserver-etcd-client.key',
};

function nextSteps({ members }: EtcdClusterContext, { client = [], clientCertsDir, dryRun }: EtcdInitOptions): string {
  const snippet = externalEtcdSnippet(members, clientFiles);
  const where =
    client.length > 0
      ? `# The files are on ${client.map((target) => parseTarget(target).address).join(', ')}.\n`
      : clientCertsDir === undefined
        ? '# Run the same command with --client HOST (each control plane) or --client-certs-dir DIR to get these files.\n'
        : `# Copy the files of ${clientCertsDir} to these paths on every control plane.\n`;
  return dryRun === true ? '' : `# For the ClusterConfiguration of kbinit init --config:\n${where}${snippet}`;
}
