// What `kbinit join` does: read the configuration, complete it with what the host tells, run the phases.
import { certificatePhaseNames } from '../../certs/plan.ts';
import { assertNotMixed, type JoinFlags } from '../../config/flags.ts';
import { completeJoin } from '../../config/complete.ts';
import { nodeName } from '../../config/detect.ts';
import { factsOfNoHost } from '../../config/no-host.ts';
import { loadJoin } from '../../config/load.ts';
import type { ConfigWarning, JoinDraft } from '../../config/draft.ts';
import type { JoinSpec } from '../../config/spec.ts';
import { parseHostPort } from '../../config/syntax.ts';
import { KbError } from '../../errors.ts';
import { paths } from '../../kube/paths.ts';
import type { Operator } from '../../phases/context.ts';
import type { AdminOpener, JoinContext } from '../../phases/join/context.ts';
import { kubeconfigHint } from '../../phases/init/show-join.ts';
import { joinPhases } from '../../phases/index.ts';
import { hostClient } from '../../phases/cluster/host-client.ts';
import { controlPlaneOf } from '../../phases/join/control-plane.ts';
import { ClaimedNames, nameProblems } from '../../util/host-names.ts';
import { KeyPool, systemRandomSource, systemClock } from '../../util/keygen.ts';
import { selectPhases } from '../../workflow/select.ts';
import { ownFlags } from '../flags.ts';
import { checkedPrinter } from '../run/checked.ts';
import { readPatches, tellWarnings } from './init-run.ts';
import { assertDifferent, failuresOf, withHosts } from '../run/fan-out.ts';
import type { OutputOptions } from '../output/printer.ts';
import { readInput, readSecretFile } from '../run/prompt.ts';
import { runnerFor } from '../run/runner-identity.ts';
import { noticeOf, withSession, type ConnectionOptions, type Session } from '../run/session.ts';
import { parseTarget } from '../run/target.ts';
import { runWorkflow } from '../run/workflow.ts';

/** What commander parses for join and its phases. */
export interface JoinOptions extends JoinFlags, Omit<ConnectionOptions, 'host'>, OutputOptions {
  /** One where a phase was asked for by its name. */
  readonly host?: string | readonly string[];
  readonly dryRun?: boolean;
  readonly config?: string;
  readonly tokenFile?: string;
  readonly certificateKeyFile?: string;
  /** `[user@]address[:port]` of a control plane. */
  readonly copyCertsFrom?: string;
  readonly replace?: boolean;
  /** `[user@]address[:port]` of a control plane. */
  readonly adminHost?: string;
}

/** Run join, or one phase of it. @throws KbError for bad input, ReportedError for a failed run */
export async function runJoin(
  options: JoinOptions,
  endpoint: string | undefined,
  changed: readonly string[],
  only?: string,
): Promise<void> {
  const { host = [], ...rest } = options;
  const hosts = typeof host === 'string' ? [host] : host;
  if (options.config !== undefined) assertNotMixed(changed, ownFlags);
  const { draft, warnings } = loadJoin(
    options.config === undefined ? undefined : readInput(options.config, 'config'),
    options.config ?? 'the command line',
    {
      ...rest,
      ...impliedByPhase(options, endpoint, only),
      ...(endpoint === undefined ? {} : { apiServerEndpoint: endpoint }),
      ...(options.tokenFile === undefined ? {} : { token: readSecretFile(options.tokenFile, 'token-file') }),
      ...(options.certificateKeyFile === undefined
        ? {}
        : { certificateKey: readSecretFile(options.certificateKeyFile, 'certificate-key-file') }),
    },
  );
  assertOneSource(draft, options);
  assertReplacing(options);
  assertJoinTogether(hosts, draft, only);
  // What no host could make good is refused before one is asked.
  completeJoin(draft, factsOfNoHost('', [draft.controlPlane?.localAPIEndpoint.advertiseAddress]));
  const selected = selectPhases(joinPhases, { ...(only === undefined ? {} : { only }), skip: draft.skipPhases });
  const isDryRun = options.dryRun ?? draft.isDryRun;
  const command = only === undefined ? 'join' : `join phase ${only.replace('/', ' ')}`;
  const checked = only === 'preflight' ? await checkedPrinter(options) : undefined;
  const pool = new KeyPool();
  // Keys are made while the cluster is looked for. Which kind it wants is not known yet: this is what most have.
  if (draft.controlPlane !== undefined && (only ?? 'control-plane-prepare').startsWith('control-plane-prepare')) {
    pool.warm('RSA-2048', ownKeys);
  }
  const given: Given = {
    draft: { ...draft, isDryRun },
    pool,
    ...(options.copyCertsFrom === undefined ? {} : { copyCertsFrom: options.copyCertsFrom }),
    ...(options.adminHost === undefined ? {} : { adminHost: options.adminHost }),
    isReplacing: options.replace === true,
    ...(only === undefined ? {} : { only }),
  };
  const phases = selected.map(({ phase }) => phase.name);
  const run = { ...rest, phases, dryRun: isDryRun, hasPlan: (options.output ?? 'text') === 'text' };
  if (hosts.length > 1) return joinMany(command, { options: run, hosts }, { ...given, warnings });
  const [target] = hosts;
  const one = { ...run, ...(target === undefined ? {} : { host: target }) };
  const work = async (session: Session): Promise<void> => {
    tellWarnings(warnings, session.reporter, session.host.name);
    session.print(await joinHost(session, given, checked));
  };
  await withSession(command, one, 'write', work, noticeOf(only)).finally(() => pool.close());
}

/** What is the same for every host that joins. */
interface Given {
  readonly draft: JoinDraft;
  readonly copyCertsFrom?: string;
  readonly adminHost?: string;
  readonly isReplacing: boolean;
  readonly only?: string;
  readonly pool: KeyPool;
}

/** Workers beside each other. */
async function joinMany(
  command: string,
  where: { readonly options: ConnectionOptions; readonly hosts: readonly string[] },
  given: Given & { readonly warnings: readonly ConfigWarning[] },
): Promise<void> {
  await withHosts(command, where, async ({ session, each }) => {
    tellWarnings(given.warnings, session.reporter, session.host.name);
    const names = new ClaimedNames(where.hosts.map((target) => parseTarget(target).address));
    const ended = await each(async (reached) => {
      const { host, reachedAddress } = reached;
      names.claim({ host: host.name, name: nodeName(undefined, await host.facts()), address: reachedAddress });
      await joinHost({ ...session, ...reached }, given);
      if (!given.draft.isDryRun) session.print(`${host.name} has joined the cluster\n`);
    });
    return failuresOf(ended);
  }).finally(() => given.pool.close());
}

/** Join one host; the answer is what to print. */
async function joinHost(
  session: Session,
  { draft, copyCertsFrom, adminHost, isReplacing, only, pool }: Given,
  checked?: Awaited<ReturnType<typeof checkedPrinter>>,
): Promise<string> {
  const copyFrom = draft.controlPlane === undefined ? undefined : openSource(session, copyCertsFrom);
  const [facts, patches] = await Promise.all([session.host.facts(), readPatches(session.host, draft.patchesDirectory)]);
  const { spec, warnings } = completeJoin(draft, facts, { reachedAddress: session.reachedAddress });
  tellWarnings(warnings, session.reporter, session.host.name);
  if (draft.node.name === undefined) assertNotEndpoint(session, spec);
  const ctx: JoinContext = {
    ...session,
    ...checked,
    chance: systemRandomSource(pool),
    clock: systemClock,
    ignorePreflightErrors: new Set(spec.node.ignorePreflightErrors.map((name) => name.toLowerCase())),
    spec,
    settings: {
      patches,
      ...(copyFrom === undefined ? {} : { copyFrom }),
      ...(isReplacing ? { replace: { ...(adminHost !== undefined && { admin: adminOf(session, adminHost) }) } } : {}),
      runner: runnerFor(spec.node.name),
    },
  };
  await runWorkflow(joinPhases, ctx, only).finally(() => checked?.show(session));
  return only === undefined && !draft.isDryRun ? result(ctx) : '';
}

/** Whoever is called as the API server is would be taken for it. @throws KbError KB_HOST_NAME */
function assertNotEndpoint({ host, reachedAddress }: Session, { node, discovery }: JoinSpec): void {
  const endpoint = 'apiServerEndpoint' in discovery ? parseHostPort(discovery.apiServerEndpoint)?.host : undefined;
  if (endpoint === undefined) return;
  const one = { host: host.name, name: node.name, address: reachedAddress };
  const problems = nameProblems([one], [{ name: endpoint, by: 'the endpoint of the cluster' }]);
  if (problems.length > 0) throw new KbError(problems);
}

/** Several at once are workers, with nothing that is one host's own. @throws KbError KB_CONFIG, KB_TARGET */
function assertJoinTogether(hosts: readonly string[], draft: JoinDraft, only: string | undefined): void {
  for (const target of hosts) parseTarget(target);
  assertDifferent(hosts);
  if (hosts.length < 2) return;
  const own = [
    only !== undefined && 'a phase is run alone',
    draft.controlPlane !== undefined && 'a control plane joins',
    draft.node.name !== undefined && 'a node name is given',
  ].find((reason) => reason !== false);
  if (own === undefined) return;
  throw new KbError({
    code: 'KB_CONFIG',
    summary: 'this option accepts a single host only',
    detail: `${own}, and more than one --host is named`,
    fix: 'run the command once for each host',
  });
}

/** Certificates that no control planes share, and the kubeconfigs of its admin, controller manager and scheduler. */
const ownKeys = certificatePhaseNames.filter(({ name }) => !/(?:^sa|(?:^|-)ca)$/.test(name)).length + 3;

/** What a phase alone goes by: those without discovery flags by admin.conf, those of control planes by their name (spec 01 §4.1). */
function impliedByPhase(options: JoinOptions, endpoint: string | undefined, only: string | undefined): JoinFlags {
  if (only === undefined || options.config !== undefined) return {};
  const [name = '', part] = only.split('/', 2);
  const phase = joinPhases.find((one) => one.name === name);
  const flags = (phase?.phases?.find((one) => one.name === part) ?? phase)?.flags ?? [];
  const isLost = endpoint === undefined && options.discoveryFile === undefined && !flags.includes('discovery-file');
  return {
    ...(phase?.isPart === undefined ? {} : { controlPlane: true }),
    ...(isLost ? { discoveryFile: paths.adminConf } : {}),
  };
}

/** The keys that control planes share come from one place. @throws KbError KB_CONFIG, KB_TARGET */
function assertOneSource({ controlPlane }: JoinDraft, { copyCertsFrom }: JoinOptions): void {
  if (copyCertsFrom === undefined) return;
  parseTarget(copyCertsFrom);
  if (controlPlane === undefined) {
    throw wrongSource('--copy-certs-from is given, but no control plane joins', 'add --control-plane, or leave it out');
  }
  if (controlPlane.certificateKey === undefined) return;
  throw wrongSource('a certificate key and --copy-certs-from are given', 'give one of the two');
}

function wrongSource(detail: string, fix: string): KbError {
  return new KbError({
    code: 'KB_CONFIG',
    summary: '--certificate-key and --copy-certs-from are mutually exclusive',
    detail,
    fix,
  });
}

/** Connected to at once, so that it is there when it is wanted. */
function openSource(session: Session, target: string | undefined): JoinContext['settings']['copyFrom'] {
  if (target === undefined) return undefined;
  const source = session.reach(target, 'read').then(({ host }) => host);
  // Whoever wants it sees the failure; a run that fails before must not end by it.
  source.catch(() => undefined);
  return () => source;
}

/** @throws KbError KB_CONFIG, KB_TARGET */
function assertReplacing({ replace, adminHost }: JoinOptions): void {
  if (adminHost === undefined) return;
  parseTarget(adminHost);
  if (replace === true) return;
  throw new KbError({
    code: 'KB_CONFIG',
    summary: '--admin-host requires --replace',
    detail: '--admin-host is given, but not --replace',
    fix: 'give --replace too, or leave it out',
  });
}

/** The administrator of the cluster, through one of its control planes; reached only when it is wanted. */
function adminOf(session: Session, target: string): AdminOpener {
  return async () => {
    const { host, apis } = await session.reach(target, 'read');
    return apis.open(await hostClient(host, paths.adminConf));
  };
}

async function result(ctx: JoinContext): Promise<string> {
  const { name } = ctx.spec.node;
  if (ctx.spec.controlPlane === undefined) return joined(name);
  const { cluster } = (await controlPlaneOf(ctx)).spec;
  return controlPlaneJoined(name, cluster.etcd.kind === 'local', ctx.operator);
}

function controlPlaneJoined(node: string, hasMember: boolean, operator: Operator | undefined): string {
  const member = hasMember ? '* A new etcd member was added to the local/stacked etcd cluster.\n' : '';
  return `
This node has joined the cluster and a new control plane instance was created:
* Certificate signing request was sent to apiserver and approval was received.
* The Kubelet was informed of the new secure connection details.
* Control plane label and taint were applied to node ${node}.
* The Kubernetes control plane instances scaled up.
${member}
${operator === undefined ? useHere : kubeconfigHint(operator)}
Run 'kubectl get nodes' to see this node join the cluster.

`;
}

const useHere = `To start administering your cluster from this node, you need to run the following as a regular user:

  mkdir -p $HOME/.kube
  sudo cp -i ${paths.adminConf} $HOME/.kube/config
  sudo chown $(id -u):$(id -g) $HOME/.kube/config
`;

function joined(node: string): string {
  return `
This node has joined the cluster:
* Certificate signing request was sent to apiserver and a response was received.
* The Kubelet was informed of the new secure connection details.
* Node ${node} is registered.

Run 'kubectl get nodes' on the control-plane to see this node join the cluster.

`;
}
