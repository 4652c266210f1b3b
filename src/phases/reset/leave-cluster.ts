// How a member leaves etcd: find its cluster, count the quorum, ask the others to remove it; or say why not and what to do.
import type { EtcdApi, EtcdMember } from '../../cluster/types.ts';
import { KbError } from '../../errors.ts';
import type { PhaseOutcome } from '../../workflow/phase.ts';
import { GaveUp, until } from '../../util/until.ts';
import { step } from '../context.ts';
import { etcdctl, hexId, openHostEtcd, type LocalMember } from '../etcd-access.ts';
import { podEndpoints } from '../etcd-pods.ts';
import { memberStates, nameOf, removalRefusal } from '../etcd-quorum.ts';
import { readyApi } from '../ready-api.ts';
import type { ResetContext } from './context.ts';

/** Seconds for which a removal is tried: etcd wants to have heard of its members for five (HealthInterval). */
const removalSeconds = 20;

interface Cluster {
  readonly etcd: EtcdApi;
  readonly members: readonly EtcdMember[];
  /** The id that the etcd of this host gives itself; undefined when it does not answer. */
  readonly ownId?: string;
}

/**
 * Take the member of this host out of its cluster, unless it is alone there.
 * @throws KbError KB_ETCD_UNREACHABLE, KB_ETCD_QUORUM, KB_ETCD_MEMBER: nothing was changed
 */
export async function leaveCluster(ctx: ResetContext, local: LocalMember): Promise<PhaseOutcome> {
  const { etcd, members, ownId } = await findCluster(ctx, local);
  const own = members.find(({ id, peerUrls }) => id === ownId || peerUrls.includes(local.peerUrl));
  if (own === undefined) {
    step(ctx, 'remove-etcd-member', 'its etcd member has left the cluster already');
    return 'unchanged';
  }
  if (members.length === 1) {
    step(ctx, 'remove-etcd-member', 'this is the only etcd member');
    return 'unchanged';
  }
  const refusal = removalRefusal(await memberStates(etcd, members), own.id);
  if (refusal !== undefined) throw quorumLost(ctx, local, { own, members, found: refusal });
  try {
    await removeMember(ctx, etcd, own);
  } catch (error) {
    if (!(error instanceof GaveUp)) throw error;
    throw notRemoved(ctx, local, { own, members, found: error.last });
  }
  step(ctx, 'remove-etcd-member', `etcd member ${nameOf(own)} (${hexId(own.id)}) has left the cluster`);
  return 'done';
}

/** Removal, again while etcd says not now. @throws GaveUp */
export async function removeMember(
  { signal }: Pick<ResetContext, 'signal'>,
  etcd: EtcdApi,
  { id }: Pick<EtcdMember, 'id'>,
): Promise<void> {
  const options = { timeoutSeconds: removalSeconds, intervalMs: 1000, signal };
  await until('etcd to remove the member', options, async () => {
    await etcd.remove(id);
    return { value: true };
  });
}

/** The members, told by the etcd of this host or, when that is down, by another one. */
async function findCluster(ctx: ResetContext, local: LocalMember): Promise<Cluster> {
  const opened = await openHostEtcd(ctx, { endpoints: [local.endpoint], files: local.files });
  if ('missing' in opened) throw unreachable(ctx, local, `${opened.missing} is not there`);
  try {
    const members = await opened.etcd.members();
    const { memberId } = await opened.etcd.status(local.endpoint);
    const others = members.filter(({ id }) => id !== memberId).flatMap(({ clientUrls }) => clientUrls);
    // The others first: this host's etcd ends with its membership, and may do so before it has answered.
    return { ...(await reopened(ctx, local, [...others, local.endpoint])), members, ownId: memberId };
  } catch (error) {
    const own = error instanceof Error ? error.message : String(error);
    const others = [...new Set([...(await endpointsInPods(ctx)), ...local.otherEndpoints])];
    if (others.length === 0) throw unreachable(ctx, local, `${own}; no other member is known`);
    const { etcd } = await reopened(ctx, local, others);
    try {
      return { etcd, members: await etcd.members() };
    } catch (second) {
      throw unreachable(ctx, local, `${own}; ${second instanceof Error ? second.message : String(second)}`);
    }
  }
}

async function reopened(
  ctx: ResetContext,
  local: LocalMember,
  endpoints: readonly string[],
): Promise<{ readonly etcd: EtcdApi }> {
  const opened = await openHostEtcd(ctx, { endpoints, files: local.files });
  if ('missing' in opened) throw unreachable(ctx, local, `${opened.missing} is not there`);
  return opened;
}

/** What the cluster knows of its members; nothing when no API server answers. */
async function endpointsInPods(ctx: ResetContext): Promise<readonly string[]> {
  try {
    const api = await readyApi(ctx, ctx.settings.kubeconfig);
    try {
      return await podEndpoints(api);
    } finally {
      api.close();
    }
  } catch (error) {
    if (error instanceof KbError && !error.has('KB_INTERRUPTED')) return [];
    throw error;
  }
}

interface Refused {
  readonly own: EtcdMember;
  readonly members: readonly EtcdMember[];
  readonly found: string;
}

function unreachable(ctx: ResetContext, local: LocalMember, found: string): KbError {
  const list = etcdctl('https://OTHER_MEMBER:2379', local.files, 'member list');
  return new KbError({
    code: 'KB_ETCD_UNREACHABLE',
    summary: 'etcd does not answer, so the member of this host cannot leave its cluster',
    host: ctx.host.name,
    detail: `${found}; ${local.dataDir} was not touched`,
    fix: `start etcd (systemctl start kubelet), and renew its client certificate if that has expired (kbinit certs renew etcd-healthcheck-client), then reset again; ${byHand(list, `its peer URL is ${local.peerUrl}`)}; ${whenLost(local)}`,
  });
}

function quorumLost(ctx: ResetContext, local: LocalMember, refused: Refused): KbError {
  return new KbError({
    code: 'KB_ETCD_QUORUM',
    summary: 'etcd would be left without a quorum, so the member of this host stays',
    host: ctx.host.name,
    detail: `member ${hexId(refused.own.id)} (${nameOf(refused.own)}): ${refused.found}; ${local.dataDir} was not touched`,
    fix: `start the members that are down, or remove those that will not come back (kbinit node remove NAME), then reset again; ${removalByHand(local, refused)}; ${whenLost(local)}`,
  });
}

function notRemoved(ctx: ResetContext, local: LocalMember, refused: Refused): KbError {
  return new KbError({
    code: 'KB_ETCD_MEMBER',
    summary: 'the etcd member could not be removed',
    host: ctx.host.name,
    detail: `member ${hexId(refused.own.id)} (${nameOf(refused.own)}): ${refused.found}; ${local.dataDir} was not touched`,
    fix: `mend the etcd cluster (kbinit etcd status) and reset again; ${removalByHand(local, refused)}; ${whenLost(local)}`,
  });
}

/** The exact line for a person to run on this host. */
function removalByHand(local: LocalMember, { own, members }: Refused): string {
  const [endpoint = local.endpoint] = members.filter((member) => member !== own).flatMap((m) => m.clientUrls);
  return byHand(etcdctl(endpoint, local.files, `member remove ${hexId(own.id)}`));
}

function byHand(line: string, note?: string): string {
  return `by hand: ${line}${note === undefined ? '' : ` (${note})`}`;
}

function whenLost({ name }: LocalMember): string {
  return `when the data of this host is to be lost in any case: --force-wipe-etcd ${name}`;
}
