// Finding what there is of a node: its Node object and its etcd member, each of which may be gone already.
import type { Api, EtcdMember, KubeObject } from '../../cluster/types.ts';
import { KbError } from '../../errors.ts';
import { quoted } from '../../util/invisible.ts';
import { listed } from '../../util/text.ts';
import { warn } from '../context.ts';
import { controlPlaneLabel, isReady, statusList } from '../cluster/node.ts';
import { hostEtcd } from '../etcd/access.ts';
import { EtcdUnreachable, findEtcdCluster, type EtcdCluster } from '../etcd/cluster.ts';
import { readyApi } from '../cluster/ready-api.ts';
import type { FoundNode, NodeRemoveContext } from './context.ts';

/** What there is of the node; asked for once a run. @throws KbError KB_NODE_UNKNOWN when the cluster has nothing of this name */
export function findNode(ctx: NodeRemoveContext): Promise<FoundNode> {
  ctx.found ??= find(ctx);
  return ctx.found;
}

async function find(ctx: NodeRemoveContext): Promise<FoundNode> {
  const { name, kubeconfig } = ctx.spec;
  const api = await readyApi(ctx, kubeconfig);
  const node = await api.get({ apiVersion: 'v1', kind: 'Node', name });
  const addresses = addressesOf(node);
  const isWorker = node !== undefined && node.metadata.labels?.[controlPlaneLabel] === undefined;
  const cluster = await clusterOf(ctx, isWorker);
  const member = cluster?.members.find((one) => isMemberOf(one, name, addresses));
  if (node === undefined && member === undefined) throw await unknownNode(ctx, api, cluster);
  return {
    api,
    node,
    isReady: isReady(node),
    addresses,
    ...(cluster === undefined || member === undefined ? {} : { etcd: { ...cluster, memberId: member.id } }),
  };
}

/** A name with a slip in it must not look like a node that has left. */
async function unknownNode(ctx: NodeRemoveContext, api: Api, cluster: EtcdCluster | undefined): Promise<KbError> {
  const nodes = (await api.list({ apiVersion: 'v1', kind: 'Node' })).map(({ metadata }) => metadata.name);
  const left = (cluster?.members ?? []).flatMap((one) => (one.name === '' || nodes.includes(one.name) ? [] : one.name));
  const members = left.length === 0 ? '' : `; etcd members without a node: ${listed(left)}`;
  return new KbError({
    code: 'KB_NODE_UNKNOWN',
    summary: `the cluster has no node ${quoted(ctx.spec.name)}`,
    host: ctx.host.name,
    detail: `nodes: ${listed(nodes)}${members}; nothing was changed`,
    fix: 'name one of these; a node that was removed before is gone, nothing is left to do for it',
  });
}

/** By its name; one that has never started has none, and is known by its address, which may be what was typed. */
function isMemberOf(member: EtcdMember, name: string, addresses: readonly string[]): boolean {
  if (member.name !== '') return member.name === name;
  return member.peerUrls.some((url) =>
    [...addresses, name].includes(new URL(url).hostname.replace(/^\[(.*)\]$/u, '$1')),
  );
}

/** The stacked etcd of the cluster; an external one has no member that belongs to a node. */
async function clusterOf(ctx: NodeRemoveContext, isWorker: boolean): Promise<EtcdCluster | undefined> {
  const found = await hostEtcd(ctx.host);
  if (found?.local === undefined) return undefined;
  try {
    return await findEtcdCluster(ctx, found, ctx.spec.kubeconfig);
  } catch (error) {
    if (!(error instanceof EtcdUnreachable)) throw error;
    if (isWorker) {
      warn(ctx, 'preflight', `etcd does not answer (${error.message}); a worker has no member there`);
      return undefined;
    }
    throw new KbError({
      code: 'KB_ETCD_UNREACHABLE',
      summary: 'etcd is unreachable, so its members are unknown',
      host: ctx.host.name,
      detail: `${error.message}; nothing was changed`,
      fix: 'work through a control plane whose etcd runs (--host); an expired client certificate is renewed by `kbinit certs renew etcd-healthcheck-client`',
    });
  }
}

function addressesOf(node: KubeObject | undefined): readonly string[] {
  return statusList(node, 'addresses').flatMap(({ type, address }) =>
    type === 'InternalIP' && typeof address === 'string' ? [address] : [],
  );
}
