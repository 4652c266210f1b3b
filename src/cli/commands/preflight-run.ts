// What `kbinit preflight` does: reach all hosts at once, look at each, compare them, print one table.
import { hostname } from 'node:os';
import { completeInit, completeJoin } from '../../config/complete.ts';
import { advertiseAddress } from '../../config/detect.ts';
import type { InitDraft, JoinDraft } from '../../config/draft.ts';
import { assertNotMixed, type InitFlags } from '../../config/flags.ts';
import { loadInit, loadJoin } from '../../config/load.ts';
import { factsOfNoHost } from '../../config/no-host.ts';
import type { ClusterSpec } from '../../config/spec.ts';
import { KbError, type Problem } from '../../errors.ts';
import type { HostFacts, HostView } from '../../host/host.ts';
import { paths } from '../../kube/paths.ts';
import { parseVersion } from '../../kube/version.ts';
import type { Role } from '../../preflight/fleet.ts';
import { podFiles } from '../../preflight/checks/host-files.ts';
import { initChecks, joinChecks } from '../../preflight/index.ts';
import { inspect, lookAt, type Candidate } from '../../preflight/inspect.ts';
import { preflightAnswer, type HostReport } from '../../preflight/report.ts';
import { columnsFor } from '../../report/columns.ts';
import { systemRandomSource } from '../../util/keygen.ts';
import { formatIp, joinHostPort, parseIp } from '../../util/net.ts';
import { count } from '../../util/text.ts';
import { ownFlags } from '../flags.ts';
import { tellWarnings } from './init-run.ts';
import { assertDifferent, onEach } from '../run/fan-out.ts';
import { printerOf, type OutputOptions } from '../output/printer.ts';
import { readInput } from '../run/prompt.ts';
import type { Reached } from '../run/reach.ts';
import { withSession, type ConnectionOptions, type Session } from '../run/session.ts';
import { completeFixes } from '../run/suggest.ts';
import { parseTarget } from '../run/target.ts';

export interface PreflightOptions extends Omit<InitFlags, 'dryRun'>, Omit<ConnectionOptions, 'host'>, OutputOptions {
  /** Workers to be. */
  readonly host?: readonly string[];
  readonly controlPlaneHost?: readonly string[];
  readonly config?: string;
}

/** Hosts that are looked at at the same time; more would only wait for each other's log-ins. */
const atOnce = 32;

interface Target {
  /** undefined: this machine. */
  readonly text?: string;
  /** What the report calls it. */
  readonly label: string;
  readonly role: Role;
}

/** What the hosts are to become. */
interface Plan {
  readonly draft: InitDraft;
  readonly join: JoinDraft;
  readonly cluster: ClusterSpec;
}

/** Check hosts. @throws KbError for bad input, ReportedError when a check fails or a host cannot be reached */
export async function runPreflight(options: PreflightOptions, changed: readonly string[]): Promise<void> {
  const { host: workers = [], controlPlaneHost: controlPlanes = [], ...rest } = options;
  if (options.config !== undefined) assertNotMixed(changed, [...ownFlags, 'control-plane-host']);
  const print = await printerOf(options);
  const targets = targetsOf(controlPlanes, workers);
  const { draft, warnings } = loadInit(
    options.config === undefined ? undefined : readInput(options.config, 'config'),
    options.config ?? 'the command line',
    rest,
  );
  const plan = planOf(anyHost(draft), targets);
  await withSession('preflight', rest, 'read', async (session) => {
    tellWarnings(warnings, session.reporter, session.host.name);
    const looked = await lookAtAll(session, targets, plan);
    const reports = await inspect(
      looked.flatMap((one) => ('seen' in one ? [one.seen] : [])),
      {
        ignore: draft.node.ignorePreflightErrors,
        apiPort: draft.localAPIEndpoint.bindPort,
        hasLocalEtcd: plan.cluster.etcd.kind === 'local',
      },
    );
    const hosts = looked.map((one) => ('seen' in one ? reportOf(reports, one.seen.candidate.host) : one.report));
    const all = [...hosts, ...reports.filter(({ host }) => targets.every(({ label }) => label !== host))];
    const screen = columnsFor(process.stdout, process.env);
    session.print(print(preflightAnswer(completeFixes(all, session.suggestions), screen)));
    const missing = looked.flatMap((one) => ('problems' in one ? one.problems : []));
    const failed = reports.filter(({ results }) => results.some(({ outcome }) => outcome === 'error'));
    const problems = [...missing, ...notReady(failed)];
    if (problems.length > 0) throw new KbError(problems);
  });
}

/** @throws KbError what no host could make good */
function planOf(draft: InitDraft, targets: readonly Target[]): Plan {
  const facts = factsOfNoHost(draft.cluster.networking.serviceSubnet);
  const { cluster } = completeInit(draft, facts, systemRandomSource()).spec;
  const endpoint = endpointOf(draft, targets);
  const { criSocket, ignorePreflightErrors } = draft.node;
  const join = loadJoin(undefined, 'the command line', {
    ...(criSocket === undefined ? {} : { criSocket }),
    ...(endpoint === undefined ? { discoveryFile: paths.adminConf } : { ...noCluster, apiServerEndpoint: endpoint }),
    ignorePreflightErrors,
  }).draft;
  return { draft, join, cluster };
}

/** No cluster is asked: any token will do. */
const noCluster = { token: 'abcdef.0123456789abcdef', discoveryTokenUnsafeSkipCaVerification: true };

/** @throws KbError KB_TARGET */
function targetsOf(controlPlanes: readonly string[], workers: readonly string[]): readonly Target[] {
  const all = [
    ...controlPlanes.map((text) => ({ text, role: 'control-plane' as const })),
    ...workers.map((text) => ({ text, role: 'worker' as const })),
  ].map((target) => ({ ...target, ...parseTarget(target.text) }));
  assertDifferent(
    all.map(({ text }) => text),
    { flags: '--host or --control-plane-host', fix: 'name each host once, as what it is to become' },
  );
  if (all.length === 0) return [{ role: 'control-plane', label: hostname() }];
  // Behind one address there may be several hosts, each with a port of its own.
  return all.map(({ text, role, address }) => {
    const isAlone = all.filter((other) => other.address === address).length === 1;
    return { text, role, label: isAlone ? address : text };
  });
}

/** What is one host's own is not asked for on the others. */
function anyHost(draft: InitDraft): InitDraft {
  return {
    ...draft,
    node: { ...draft.node, name: undefined },
    localAPIEndpoint: { ...draft.localAPIEndpoint, advertiseAddress: undefined },
  };
}

type Looked =
  | { readonly seen: Awaited<ReturnType<typeof lookAt>> }
  | { readonly report: HostReport; readonly problems: readonly Problem[] };

/** A host that cannot be reached does not hold the others. */
async function lookAtAll(
  session: Session<HostView>,
  targets: readonly Target[],
  plan: Plan,
): Promise<readonly Looked[]> {
  const ended = await onEach(atOnce, targets, async (target) => {
    const reached = target.text === undefined ? session : await session.reach(target.text, 'read');
    return lookAt(await candidateOf(reached, target, plan));
  });
  return ended.map((one) => ('value' in one ? { seen: one.value } : unreached(one.item.label, one.problems)));
}

function unreached(host: string, found: readonly Problem[]): Looked {
  const { problems } = new KbError(found).within({ host });
  const results = problems.map(({ code, detail, fix }) => ({
    name: code,
    outcome: 'error' as const,
    text: detail,
    fix,
  }));
  return { report: { host, results }, problems };
}

/** Where the API server will be, for those who join: as configured, else the first control plane that was named. */
function endpointOf({ cluster, localAPIEndpoint }: InitDraft, targets: readonly Target[]): string | undefined {
  if (cluster.controlPlaneEndpoint !== undefined) return cluster.controlPlaneEndpoint;
  const first = targets.find(({ role, text }) => role === 'control-plane' && text !== undefined)?.text;
  return first === undefined ? undefined : joinHostPort(parseTarget(first).address, localAPIEndpoint.bindPort);
}

async function candidateOf(
  { host, reachedAddress }: Reached<HostView>,
  { label, role }: Target,
  plan: Plan,
): Promise<Candidate> {
  const facts = await host.facts();
  const known = { host: label, role, view: host };
  if (role === 'control-plane') {
    const { spec } = completeInit(plan.draft, facts, systemRandomSource(), { reachedAddress });
    const { node, localAPIEndpoint } = spec;
    const address = localAPIEndpoint.advertiseAddress;
    return { ...known, nodeName: node.name, address, batches: initChecks(spec, [podFiles(spec, facts)]) };
  }
  const { spec } = completeJoin(plan.join, facts, { reachedAddress });
  const version = parseVersion(facts.kubeletVersion ?? '') ?? plan.cluster.version;
  const batches = joinChecks(spec, { version, kubelet: plan.cluster.kubelet.document });
  return { ...known, nodeName: spec.node.name, address: ownAddress(facts, reachedAddress), batches };
}

/** The address a worker was reached at where it is the host's own (not behind a translation), else that of its default route. */
function ownAddress(facts: HostFacts, reachedAddress: string | undefined): string {
  const reached = parseIp(reachedAddress ?? '');
  const own = facts.addresses.flatMap(({ address }) => parseIp(address) ?? []).map(formatIp);
  if (reached !== undefined && own.includes(formatIp(reached))) return formatIp(reached);
  const found = advertiseAddress(undefined, '--host', facts, reachedAddress);
  return 'value' in found ? found.value : (reachedAddress ?? '');
}

/** What the report says of a host. */
function reportOf(reports: readonly HostReport[], host: string): HostReport {
  return reports.find((one) => one.host === host) ?? { host, results: [] };
}

/** One failure for all hosts: the table has said the rest. */
function notReady(reports: readonly HostReport[]): readonly Problem[] {
  if (reports.length === 0) return [];
  const names = (results: HostReport['results']): string =>
    [...new Set(results.flatMap(({ name, outcome }) => (outcome === 'error' ? [name] : [])))].join(', ');
  return [
    {
      code: 'KB_PREFLIGHT',
      summary: `${count(reports.length, 'host')} not ready`,
      host: reports.map(({ host }) => host).join(', '),
      detail: reports.map(({ host, results }) => `${host}: ${names(results)}`).join('; '),
      fix: 'fix each error as the table says, or ignore it with --ignore-preflight-errors=NAME',
    },
  ];
}
