// The etcd cluster that a control plane joins, as its members' Pods tell where it is.
import type { EtcdApi, EtcdMember } from '../../cluster/types.ts';
import { KbError } from '../../errors.ts';
import { joinHostPort } from '../../util/net.ts';
import { TimedOut, until } from '../../util/until.ts';
import { reportedTo, type ControlPlaneContext } from '../context.ts';
import { podEndpoints } from '../etcd/pods.ts';
import { memberStates, type MemberState } from '../etcd/quorum.ts';
import { readExisting } from '../init/existing.ts';
import { openAdmin } from './control-plane.ts';

/** This node's member, by what only it can have. */
export interface OwnMember {
  readonly name: string;
  readonly peerUrl: string;
  readonly clientUrl: string;
}

export interface EtcdCluster {
  readonly own: OwnMember;
  /** A client that asks the other members, those that are well. */
  readonly etcd: EtcdApi;
  /** The other members, and how each of them is. */
  readonly others: readonly MemberState[];
}

/** Find the cluster. @throws KbError KB_ETCD_JOIN, KB_CERTS_MISSING */
export async function findEtcd(node: ControlPlaneContext): Promise<EtcdCluster> {
  const { advertiseAddress } = node.spec.localAPIEndpoint;
  const own: OwnMember = {
    name: node.spec.node.name,
    peerUrl: `https://${joinHostPort(advertiseAddress, 2380)}`,
    clientUrl: `https://${joinHostPort(advertiseAddress, 2379)}`,
  };
  const certificate = await clientCertificate(node);
  const open = (endpoints: readonly string[]): EtcdApi => node.etcds.open({ endpoints, ...certificate });
  // A Pod that the API server remembers may be a member's that has left; the members know better.
  const known = await clientUrls(node);
  const first = open(known.toSorted((a, b) => Number(a === own.clientUrl) - Number(b === own.clientUrl)));
  const members = await listMembers(node, { etcd: first });
  const others = await memberStates(
    first,
    members.filter(({ peerUrls }) => !peerUrls.includes(own.peerUrl)),
  );
  // Each call to one that does not answer would cost seconds.
  const well = others.flatMap(({ health }) => (health.kind === 'up' ? [health.endpoint] : []));
  return { own, others, etcd: well.length === 0 ? first : open(well) };
}

async function clientUrls(node: ControlPlaneContext): Promise<readonly string[]> {
  const api = await openAdmin(node, 'shared');
  const { kubernetesAPICall: timeoutSeconds } = node.spec.timeouts;
  try {
    return await until('the addresses of the etcd Pods', { timeoutSeconds, signal: node.signal }, async () => {
      const urls = await podEndpoints(api);
      return urls.length === 0 ? { notYet: 'no etcd Pod in kube-system has its client URLs' } : { value: urls };
    });
  } catch (error) {
    throw error instanceof TimedOut ? notAnswering(node, error.last) : error;
  } finally {
    api.close();
  }
}

/** The certificate that etcd is probed with; every control plane makes its own. */
async function clientCertificate(
  node: ControlPlaneContext,
): Promise<{ readonly ca: string; readonly cert: string; readonly key: string }> {
  const folder = `${node.spec.cluster.certificatesDir}/etcd`;
  const existing = await readExisting(node);
  const [ca, cert, key] = ['ca.crt', 'healthcheck-client.crt', 'healthcheck-client.key'].map((file) =>
    existing.get(`${folder}/${file}`),
  );
  if (ca !== undefined && cert !== undefined && key !== undefined) return { ca, cert, key };
  throw new KbError({
    code: 'KB_CERTS_MISSING',
    summary: 'no client certificate for etcd',
    host: node.host.name,
    detail: `${folder} has no ca.crt, healthcheck-client.crt and healthcheck-client.key`,
    fix: 'run `kbinit join phase control-plane-prepare all` first',
  });
}

/** The members as they are now. @throws KbError KB_ETCD_JOIN */
export function listMembers(
  node: ControlPlaneContext,
  { etcd }: Pick<EtcdCluster, 'etcd'>,
): Promise<readonly EtcdMember[]> {
  return patiently(node, 'etcd to list its members', () => etcd.members());
}

/** Ask etcd until it does what it is asked. @throws KbError KB_ETCD_JOIN with its last words */
export async function patiently<T>(node: ControlPlaneContext, what: string, ask: () => Promise<T>): Promise<T> {
  const { etcdAPICall: timeoutSeconds } = node.spec.timeouts;
  const options = { timeoutSeconds, intervalMs: 100, ...reportedTo(node, 'etcd-join', what) };
  try {
    return await until(what, options, async () => ({ value: await ask() }));
  } catch (error) {
    throw error instanceof TimedOut
      ? notAnswering(node, `waited ${error.seconds} s for ${what}: ${error.last}`)
      : error;
  }
}

function notAnswering(node: ControlPlaneContext, found: string): KbError {
  return new KbError({
    code: 'KB_ETCD_JOIN',
    summary: 'the etcd cluster does not take this member',
    host: node.host.name,
    detail: found,
    fix: `make sure that a majority of etcd members is healthy and that ${node.host.name} reaches their port 2379 (\`kbinit etcd members --host root@CONTROL_PLANE\`), then continue with: ${node.resumeCommand}`,
  });
}
