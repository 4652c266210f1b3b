// How a member leaves etcd: find its cluster, count the quorum, ask the others to remove it; or say why not and what to do.
import type { EtcdMember } from '../../cluster/types.ts';
import { KbError } from '../../errors.ts';
import type { PhaseOutcome } from '../../workflow/phase.ts';
import { TimedOut } from '../../util/until.ts';
import { step } from '../context.ts';
import { etcdctl, hexId, type LocalMember } from '../etcd/access.ts';
import { EtcdUnreachable, etcdWithout, findEtcdCluster, type EtcdCluster } from '../etcd/cluster.ts';
import { removeMember } from '../etcd/removal.ts';
import { memberStates, nameOf, removalRefusal } from '../etcd/quorum.ts';
import type { ResetContext } from './context.ts';

/**
 * Take the member of this host out of its cluster, unless it is alone there.
 * @throws KbError KB_ETCD_UNREACHABLE, KB_ETCD_QUORUM, KB_ETCD_MEMBER: nothing was changed
 */
export async function leaveCluster(ctx: ResetContext, local: LocalMember): Promise<PhaseOutcome> {
  const cluster = await findCluster(ctx, local);
  const { etcd, members, ownId } = cluster;
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
  step(ctx, 'remove-etcd-member', `taking etcd member ${nameOf(own)} (${hexId(own.id)}) out of the etcd cluster`);
  try {
    await removeMember(ctx, await etcdWithout(ctx, cluster, own.id), own.id);
  } catch (error) {
    if (!(error instanceof TimedOut)) throw error;
    throw notRemoved(ctx, local, { own, members, found: error.last });
  }
  return 'done';
}

/** @throws KbError KB_ETCD_UNREACHABLE */
async function findCluster(ctx: ResetContext, local: LocalMember): Promise<EtcdCluster> {
  const { endpoint, files } = local;
  return findEtcdCluster(ctx, { local, endpoints: [endpoint], files }, ctx.settings.kubeconfig).catch(
    (error: unknown) => {
      throw error instanceof EtcdUnreachable ? unreachable(ctx, local, error.message) : error;
    },
  );
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
    fix: `start etcd (systemctl start kubelet), and renew its client certificate if that has expired (\`kbinit certs renew etcd-healthcheck-client\`), then reset again; ${byHand(list, `its peer URL is ${local.peerUrl}`)}; ${whenLost(local)}`,
  });
}

function quorumLost(ctx: ResetContext, local: LocalMember, refused: Refused): KbError {
  return new KbError({
    code: 'KB_ETCD_QUORUM',
    summary: 'etcd would be left without a quorum, so the member of this host stays',
    host: ctx.host.name,
    detail: `member ${hexId(refused.own.id)} (${nameOf(refused.own)}): ${refused.found}; ${local.dataDir} was not touched`,
    fix: `start the members that are down, or remove those that will not come back (\`kbinit node remove NAME --host root@CONTROL_PLANE\`), then reset again; ${removalByHand(local, refused)}; ${whenLost(local)}`,
  });
}

function notRemoved(ctx: ResetContext, local: LocalMember, refused: Refused): KbError {
  return new KbError({
    code: 'KB_ETCD_MEMBER',
    summary: 'the etcd member could not be removed',
    host: ctx.host.name,
    detail: `member ${hexId(refused.own.id)} (${nameOf(refused.own)}): ${refused.found}; ${local.dataDir} was not touched`,
    fix: `fix the etcd cluster (\`kbinit etcd status --host root@CONTROL_PLANE\`) and reset again; ${removalByHand(local, refused)}; ${whenLost(local)}`,
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
