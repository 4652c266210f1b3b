// Finding the etcd cluster behind a control-plane host: through its own member or, when that is down, through the others.
import type { HostView } from '../../host/host.ts';
import type { EtcdApi, EtcdMember } from '../../cluster/types.ts';
import { KbError } from '../../errors.ts';
import type { RunContext } from '../context.ts';
import { openHostEtcd, type HostEtcd } from './access.ts';
import { podEndpoints } from './pods.ts';
import { readyApi } from '../cluster/ready-api.ts';

/** A cluster that answers. */
export interface EtcdCluster {
  readonly access: HostEtcd;
  readonly etcd: EtcdApi;
  readonly members: readonly EtcdMember[];
  /** The id that the etcd of this host gives itself; undefined when it is down, or external. */
  readonly ownId?: string;
}

/** No member could be asked; the message has each endpoint and what was wrong there. */
export class EtcdUnreachable extends Error {
  /** The endpoints that were tried. */
  readonly endpoints: readonly string[];
  constructor(message: string, endpoints: readonly string[]) {
    super(message);
    this.endpoints = endpoints;
  }
}

type Context = Pick<RunContext, 'apis' | 'etcds'> & { readonly host: HostView };

/** The members of the cluster that a host's manifests name. @throws EtcdUnreachable */
export async function findEtcdCluster(ctx: Context, found: HostEtcd, kubeconfig?: string): Promise<EtcdCluster> {
  const { local, endpoints } = found;
  const { etcd } = await opened(ctx, found, endpoints);
  try {
    const cluster = { access: found, etcd, members: await etcd.members() };
    return local === undefined ? cluster : { ...cluster, ownId: (await etcd.status(local.endpoint)).memberId };
  } catch (error) {
    const others = local === undefined ? [] : await otherEndpoints(ctx, local.otherEndpoints, kubeconfig);
    if (others.length === 0) throw new EtcdUnreachable(`${wordsOf(error)}; no other member is known`, endpoints);
    const elsewhere = await opened(ctx, found, others);
    try {
      return { access: found, ...elsewhere, members: await elsewhere.etcd.members() };
    } catch (second) {
      throw new EtcdUnreachable(`${wordsOf(error)}; ${wordsOf(second)}`, [...endpoints, ...others]);
    }
  }
}

/**
 * A client for removing a member: it asks the members that stay. The member's own etcd ends with its membership, maybe
 * before it has answered, and on a host that is gone nobody answers at all. @throws EtcdUnreachable
 */
export async function etcdWithout(ctx: Context, cluster: EtcdCluster, id: string): Promise<EtcdApi> {
  const { access, members, ownId } = cluster;
  const own = access.local === undefined || ownId === undefined ? [] : [access.local.endpoint];
  const others = members.filter((one) => one.id !== id && one.id !== ownId).flatMap(({ clientUrls }) => clientUrls);
  const { etcd } = await opened(ctx, access, ownId === id ? [...others, ...own] : [...own, ...others]);
  return etcd;
}

async function opened(ctx: Context, { files }: HostEtcd, endpoints: readonly string[]): Promise<{ etcd: EtcdApi }> {
  const result = await openHostEtcd(ctx, { endpoints, files });
  if ('missing' in result) throw new EtcdUnreachable(`${result.missing} does not exist`, endpoints);
  return result;
}

/** What the cluster knows of its members, where an API server answers, and what the manifest knew of them. */
async function otherEndpoints(
  ctx: Context,
  inManifest: readonly string[],
  kubeconfig: string | undefined,
): Promise<readonly string[]> {
  const inPods = await endpointsInPods(ctx, kubeconfig).catch((error: unknown) => {
    if (error instanceof KbError && !error.has('KB_INTERRUPTED')) return [];
    throw error;
  });
  return [...new Set([...inPods, ...inManifest])];
}

async function endpointsInPods(ctx: Context, kubeconfig: string | undefined): Promise<readonly string[]> {
  const api = await readyApi(ctx, kubeconfig);
  try {
    return await podEndpoints(api);
  } finally {
    api.close();
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
