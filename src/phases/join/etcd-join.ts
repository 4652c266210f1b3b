// Join, phase etcd-join: this host's etcd becomes a member: added as a learner that has no vote, started, then promoted.
// A vote is given to nothing but a member that runs, so the cluster stays writable whenever a join is cut (kubeadm#1793).
import type { EtcdMember } from '../../cluster/types.ts';
import { KbError } from '../../errors.ts';
import { sh } from '../../host/shell.ts';
import { manifestPath } from '../../kube/paths.ts';
import { kubeletUsesLocalApiServer } from '../../kube/traits.ts';
import { until, type Attempt, type UntilOptions } from '../../util/until.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { step, reportedTo, type ControlPlaneContext } from '../context.ts';
import type { JoinContext } from './context.ts';
import { outcomeOf } from '../init/control-plane.ts';
import { explained, type WatchedPod } from '../diagnose/diagnose.ts';
import { watched, watchPods } from '../diagnose/watch.ts';
import { etcdArtifacts, etcdFolders } from '../init/etcd.ts';
import { readExisting, remember } from '../init/existing.ts';
import { endPodsOf } from '../init/replaced-pods.ts';
import { isControlPlane, onControlPlane } from './control-plane.ts';
import { journalArtifact, journalOf } from './previous-run.ts';
import { moveAwayEtcdManifest } from './move-away-etcd.ts';
import { findEtcd, listMembers, patiently, type EtcdCluster } from './etcd-cluster.ts';
import { initialCluster, planMember, type EtcdPlan } from './etcd-plan.ts';
import { rollbackLearner, lostMember, otherLearner } from './rollback-learner.ts';
import { inTurn } from './turn.ts';

const name = 'etcd-join';

export const etcdJoin: Phase<JoinContext> = {
  name,
  summary: 'Start a local etcd and make it a voting member of the cluster',
  flags: ['config', 'control-plane', 'node-name', 'patches', 'apiserver-advertise-address', 'dry-run'],
  isPart: isControlPlane,
  run: onControlPlane(name, async (ctx, node) => {
    const { version, featureGates } = node.spec.cluster;
    if (kubeletUsesLocalApiServer(version, featureGates)) return joinEtcd(ctx, node);
    step(node, name, 'the kubelet joins first in this version: control-plane-join does this');
    return 'unchanged';
  }),
};

/** Make this host's etcd a voting member. `unchanged` when it is one. */
export async function joinEtcd(ctx: JoinContext, node: ControlPlaneContext): Promise<PhaseOutcome> {
  const { etcd: wanted } = node.spec.cluster;
  if (wanted.kind === 'external') {
    step(node, name, 'etcd is external: no member is added');
    return 'unchanged';
  }
  const cluster = await findEtcd(node);
  const plan = await look(ctx, node, cluster, wanted.dataDir);
  if (plan.kind === 'keep') return keep(ctx, node, cluster, plan.member);
  if (node.spec.isDryRun) return rehearse(ctx, node, cluster);
  return inTurn(ctx, node, () => takePart(ctx, node, cluster, wanted.dataDir));
}

async function look(
  ctx: JoinContext,
  node: ControlPlaneContext,
  cluster: EtcdCluster,
  dataDir: string,
): Promise<EtcdPlan> {
  const [members, { code }, { etcdMember }] = await Promise.all([
    listMembers(node, cluster),
    node.host.probe(sh`[ -e ${`${dataDir}/member`} ]`),
    journalOf(ctx),
  ]);
  return planMember({ own: cluster.own, members, hasData: code === 0, journalled: etcdMember });
}

/** From whatever an earlier run left to a member that votes. */
async function takePart(
  ctx: JoinContext,
  node: ControlPlaneContext,
  cluster: EtcdCluster,
  dataDir: string,
): Promise<PhaseOutcome> {
  // Another join had its turn meanwhile.
  const plan = await look(ctx, node, cluster, dataDir);
  if (plan.kind === 'keep') return keep(ctx, node, cluster, plan.member);
  if (plan.kind === 'lost') throw lostMember(node, plan.member, dataDir);
  if (plan.kind === 'replace') {
    step(node, name, 'an earlier join left a learner without its data: it is replaced');
    await patiently(node, 'etcd to remove the learner of an earlier join', () => cluster.etcd.remove(plan.member.id));
  }
  const hasManifest = (await readExisting(node)).has(manifestPath('etcd'));
  if (plan.isDataStale || (hasManifest && plan.kind !== 'resume')) {
    const aside = await moveAwayEtcdManifest(node, dataDir);
    if (aside !== undefined) step(node, name, `what an earlier etcd left is in ${aside}`);
  }
  const member = plan.kind === 'resume' ? plan.member : await add(node, cluster);
  step(node, name, `${cluster.own.peerUrl} is a learner of the etcd cluster`);
  try {
    await start(ctx, node, cluster, member);
    step(node, name, 'etcd is being started');
    await watchingEtcd(node, (etcd) => promote(node, cluster, member, etcd));
  } catch (error) {
    if (!(error instanceof KbError) || !error.has('KB_COMPONENT_NOT_HEALTHY')) throw error;
    throw await rollbackLearner(node, { cluster, member, dataDir, explained: error });
  }
  step(node, name, 'etcd votes');
  await untilWell(node, cluster);
  step(node, name, 'etcd is healthy');
  return 'done';
}

/** Add a learner. etcd takes one at a time, and kubeadm's joins do not know of our turns: theirs is waited for. */
async function add(node: ControlPlaneContext, { etcd, own }: EtcdCluster): Promise<EtcdMember> {
  try {
    return await patiently(node, 'etcd to add a learner', () => etcd.addLearner(own.peerUrl));
  } catch (error) {
    const members = await etcd.members().catch(() => []);
    const stranger = members.find(({ isLearner, peerUrls }) => isLearner && !peerUrls.includes(own.peerUrl));
    throw stranger === undefined ? error : otherLearner(node, stranger);
  }
}

/** A member that votes. Its manifest names the members there were when it joined, and stays as it is. */
async function keep(
  ctx: JoinContext,
  node: ControlPlaneContext,
  cluster: EtcdCluster,
  member: EtcdMember,
): Promise<PhaseOutcome> {
  const hasManifest = (await readExisting(node)).has(manifestPath('etcd'));
  const outcome = hasManifest ? 'unchanged' : await start(ctx, node, cluster, member);
  if (!node.spec.isDryRun) await untilWell(node, cluster);
  return outcome;
}

/** The manifest; from here on the kubelet runs etcd. The journal goes first and says whose data it will be. */
async function start(
  ctx: JoinContext,
  node: ControlPlaneContext,
  cluster: EtcdCluster,
  member: EtcdMember,
): Promise<PhaseOutcome> {
  const { etcd } = node.spec.cluster;
  if (etcd.kind === 'external') return 'unchanged';
  const members = await listMembers(node, cluster);
  const manifest = await etcdArtifacts(node, initialCluster(members, cluster.own));
  const changes = await node.host.write(
    [await journalArtifact(ctx, { etcdMember: member.id }), ...manifest],
    etcdFolders(etcd),
  );
  await remember(node, manifest);
  await endPodsOf(
    node,
    name,
    changes.filter(({ path }) => manifest.some((artifact) => artifact.path === path)),
  );
  return outcomeOf(changes);
}

/** Seconds for a question to an etcd that may be just opening its port: it is lost, and the next one is answered. */
const startingSeconds = 1;

/** A wait for this host's etcd; when it fails, in the words of etcd. */
async function watchingEtcd(node: ControlPlaneContext, wait: (etcd: WatchedPod) => Promise<void>): Promise<void> {
  const watch = watchPods(node, { phase: name, components: ['etcd'] });
  const etcd = { kind: 'pod', name: 'etcd', watch } as const;
  try {
    await explained(node, etcd, () => wait(etcd));
  } finally {
    watch.stop();
  }
}

/** Started first, then promoted: etcd refuses to promote a member that is not in step. One patience for both (R37). */
async function promote(
  node: ControlPlaneContext,
  { etcd, own }: EtcdCluster,
  member: EtcdMember,
  pod: WatchedPod,
): Promise<void> {
  const deadline = performance.now() + node.spec.timeouts.etcdAPICall * 1000;
  const waiting = (what: string): UntilOptions => ({
    timeoutSeconds: Math.max(0.1, Math.round((deadline - performance.now()) / 100) / 10),
    intervalMs: 100,
    ...reportedTo(node, name, what, () => pod.watch.said('etcd')),
  });
  const starting = `etcd on ${own.name} to start`;
  const hasStarted = async (): Promise<Attempt<true>> => {
    const found = (await etcd.members()).find(({ id }) => id === member.id);
    if (found === undefined) return { notYet: 'it is not among the members' };
    return found.name === '' ? { notYet: 'it has not reported to its cluster' } : { value: true };
  };
  await until(starting, waiting(starting), watched(pod, hasStarted));
  // Its cluster knows of it before it has heard that: promoted now, a second member leaves the first one without a
  // quorum until it has (up to 7 s were seen with etcd 3.6).
  const answering = `etcd on ${own.name} to answer`;
  const answers = async (): Promise<Attempt<true>> => {
    await etcd.status(own.clientUrl, startingSeconds);
    return { value: true };
  };
  await until(answering, waiting(answering), watched(pod, answers));
  step(node, name, 'etcd has started');
  const promoting = `etcd on ${own.name} to be promoted`;
  await until(promoting, waiting(promoting), async () => {
    await etcd.promote(member.id);
    return { value: true };
  });
}

/** It votes; now it must answer, too, before another control plane has its turn. */
async function untilWell(node: ControlPlaneContext, { etcd, own }: EtcdCluster): Promise<void> {
  const what = `etcd on ${own.name} to be healthy`;
  const { etcdAPICall: timeoutSeconds } = node.spec.timeouts;
  const isWell = async (): Promise<Attempt<true>> => {
    const { leaderId, isLearner, errors } = await etcd.status(own.clientUrl, startingSeconds);
    if (leaderId === '0') return { notYet: 'it knows no leader' };
    if (isLearner) return { notYet: 'it does not know that it votes' };
    return errors.length > 0 ? { notYet: errors.join(', ') } : { value: true };
  };
  await watchingEtcd(node, async (pod) => {
    const options = { timeoutSeconds, intervalMs: 100, ...reportedTo(node, name, what, () => pod.watch.said('etcd')) };
    await until(what, options, watched(pod, isWell));
  });
}

/** What a dry run can tell: the member that would be added, and its manifest. */
async function rehearse(ctx: JoinContext, node: ControlPlaneContext, cluster: EtcdCluster): Promise<PhaseOutcome> {
  const member = await cluster.etcd.addLearner(cluster.own.peerUrl);
  await start(ctx, node, cluster, member);
  await cluster.etcd.promote(member.id);
  return 'done';
}
