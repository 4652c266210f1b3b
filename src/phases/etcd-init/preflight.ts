// etcd cluster, phase preflight: every host is another machine, reachable at an address, and nobody else's etcd is there.
import type { EtcdMemberSpec } from '../../config/etcd-cluster.ts';
import { advertiseAddress } from '../../config/detect.ts';
import { memberPlace, placeFiles } from '../../certs/etcd-places.ts';
import { KbError, type Problem } from '../../errors.ts';
import type { HostFacts } from '../../host/host.ts';
import { etcdClientPort, etcdPaths, etcdPeerPort, initialCluster } from '../../manifests/etcd-unit.ts';
import type { Check } from '../../preflight/check.ts';
import { diskSpace } from '../../preflight/checks/disk-space.ts';
import { portAvailable } from '../../preflight/checks/port.ts';
import { isPrivilegedUser } from '../../preflight/checks/privileged-user.ts';
import { runChecks } from '../../preflight/run.ts';
import { nameProblems } from '../../util/host-names.ts';
import { formatIp, parseIp } from '../../util/net.ts';
import { hostNameOf } from '../../util/said.ts';
import type { Phase } from '../../workflow/phase.ts';
import { onAll, type EtcdClusterContext, type EtcdHost, type Member } from './context.ts';
import { notAlone, otherCluster, stranger } from './problems.ts';
import { stateOf, type HostState } from './survey.ts';

export const etcdPreflight: Phase<EtcdClusterContext> = {
  name: 'preflight',
  summary: 'Check the hosts',
  run: check,
};

interface Seen extends EtcdMemberSpec {
  readonly reached: EtcdHost;
  readonly facts: HostFacts;
  readonly state: HostState;
}

async function check(ctx: EtcdClusterContext): Promise<void> {
  const seen = await onAll(ctx.hosts, (reached) => look(ctx, reached));
  const problems = [
    ...notAlone(seen.map(({ reached, facts, name, address }) => ({ host: reached.host.name, facts, name, address }))),
  ];
  problems.push(...namesOfOthers(ctx, seen), ...judge(ctx, seen));
  if (problems.length > 0) throw new KbError(problems);
  await collect(
    seen.map(
      ({ reached, state }) =>
        () =>
          runChecks({
            host: reached.host,
            reporter: ctx.reporter,
            batches: [[isPrivilegedUser], checks(ctx.spec.dataDir, state)],
            ignore: [...ctx.ignorePreflightErrors],
          }),
    ),
  );
  ctx.members = await onAll(seen, read);
}

async function look(ctx: EtcdClusterContext, reached: EtcdHost): Promise<Seen> {
  const [facts, state] = await Promise.all([reached.host.facts(), stateOf(reached.host, ctx.spec)]);
  return { reached, facts, state, name: nameOf(reached.host.name, facts), address: addressOf(reached, facts) };
}

/** It goes into the configuration of every member and into certificates. @throws KbError KB_HOST_NAME */
function nameOf(host: string, { hostname }: HostFacts): string {
  try {
    return hostname === '' ? '' : hostNameOf(hostname);
  } catch (error) {
    throw error instanceof KbError ? error.within({ host }) : error;
  }
}

/** A member's certificate is good for its name: it must not be the name of another host of the run. */
function namesOfOthers(ctx: EtcdClusterContext, seen: readonly Seen[]): readonly Problem[] {
  const named = seen.map(({ reached, name }) => ({ host: reached.host.name, name, address: reached.reachedAddress }));
  const clients = ctx.clients.map(({ name, address }) => ({ name, address, by: '--client' }));
  // Two of one name are told by notAlone, with what else they share.
  return named.flatMap((one) => {
    const others = named
      .filter((other) => other !== one)
      .map(({ host, address }) => ({ name: host, address, by: '--host' }));
    return nameProblems([one], [...others, ...clients]);
  });
}

/** The address it was reached at where it is the host's own (not behind a translation), else that of its default route. */
function addressOf({ host, reachedAddress }: EtcdHost, facts: HostFacts): string {
  const reached = parseIp(reachedAddress ?? '');
  const own = facts.addresses.flatMap(({ address }) => parseIp(address) ?? []).map(formatIp);
  if (reached !== undefined && own.includes(formatIp(reached))) return formatIp(reached);
  const found = advertiseAddress(undefined, '--host', facts, reachedAddress);
  if ('value' in found) return found.value;
  const problem: Problem = {
    ...found.problem,
    summary: 'no address that etcd could be reached at',
    fix: 'give the host an address that the other hosts and the control planes can reach',
    host: host.name,
  };
  throw new KbError(problem);
}

/** Whose etcd is there already. Data decides: files without data may still be corrected. */
function judge(ctx: EtcdClusterContext, seen: readonly Seen[]): readonly Problem[] {
  const wanted = initialCluster(seen);
  const hasData = seen.some(({ state }) => state.data === 'member' && state.config.ownership === 'ours');
  return seen.flatMap(({ reached, name, state }) => {
    const found = stranger(reached.host.name, state, ctx.spec.dataDir);
    if (found !== undefined) return [found];
    const { config } = state;
    if (config.ownership === 'absent' || !hasData) return [];
    const isSame = config.initialCluster === wanted && config.name === name && config.dataDir === ctx.spec.dataDir;
    return isSame ? [] : [otherCluster(reached.host.name, config, { cluster: wanted, dataDir: ctx.spec.dataDir })];
  });
}

function checks(dataDir: string, state: HostState): readonly Check[] {
  // A second run finds its own member on these.
  const isOurs = state.unit === 'ours' && state.isActive;
  const ports = isOurs ? [] : [etcdClientPort, etcdPeerPort].map((port) => portAvailable(port, 'etcd'));
  return [...ports, diskSpace({ configuration: ['/etc'], data: [dataDir] })];
}

/** Run all, and tell the problems of all hosts at once. */
async function collect(runs: readonly (() => Promise<unknown>)[]): Promise<void> {
  const ended = await Promise.allSettled(runs.map((run) => run()));
  const failed = ended.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  const unknown = failed.find((reason) => !(reason instanceof KbError));
  if (unknown !== undefined) throw unknown;
  const problems = failed.flatMap((reason) => (reason instanceof KbError ? reason.problems : []));
  if (problems.length > 0) throw new KbError(problems);
}

/** The files that decide what is made; keys too, which stay in memory. */
async function read({ reached, name, address, state }: Seen): Promise<Member> {
  const place = memberPlace({ name, address }, [], { folder: etcdPaths.pki, existing: new Map() });
  const existing = await reached.host.readAll(placeFiles(place));
  return { ...reached, name, address, existing, hasData: state.data === 'member' };
}
