// Whether the members serve: each is asked on its own host, and all of them must know the same members.
import type { EtcdApi } from '../../cluster/types.ts';
import { etcdClientPort, etcdPaths, memberPeerUrl } from '../../manifests/etcd-unit.ts';
import { joinHostPort } from '../../util/net.ts';
import type { EtcdClusterContext, Member } from './context.ts';

export interface Unhealthy {
  readonly member: Member;
  readonly why: string;
}

/** The members that do not serve, and why. */
export async function unhealthy(ctx: EtcdClusterContext): Promise<readonly Unhealthy[]> {
  const found = await Promise.all(
    ctx.members.map(async (member) => {
      const why = await whyNot(member, ctx.members).catch((error: unknown) =>
        error instanceof Error ? error.message : String(error),
      );
      return why === undefined ? [] : [{ member, why }];
    }),
  );
  return found.flat();
}

async function whyNot(member: Member, members: readonly Member[]): Promise<string | undefined> {
  const loopback = member.address.includes(':') ? '::1' : '127.0.0.1';
  const endpoint = `https://${joinHostPort(loopback, etcdClientPort)}`;
  const etcd = await open(member, endpoint);
  if (etcd === undefined) return `${etcdPaths.pki} has no certificates`;
  const { leaderId, errors } = await etcd.status(endpoint);
  if (errors.length > 0) return errors.join(', ');
  if (leaderId === '0') return 'it knows no leader';
  const known = await etcd.members();
  const absent = members.filter((one) => !known.some(({ peerUrls }) => peerUrls.includes(memberPeerUrl(one))));
  if (absent.length > 0) return `its cluster does not have ${absent.map(({ name }) => name).join(', ')}`;
  const waiting = known.filter(({ name, isLearner }) => name === '' || isLearner);
  return waiting.length === 0
    ? undefined
    : `${waiting.map(({ peerUrls }) => peerUrls[0]).join(', ')} has not started yet`;
}

/** With the member's own pair, which is a client's too; whoever may read it is root there already. */
async function open({ host, etcds }: Member, endpoint: string): Promise<EtcdApi | undefined> {
  const paths = ['ca.crt', 'server.crt', 'server.key'].map((name) => `${etcdPaths.pki}/${name}`);
  const files = await host.readAll(paths);
  const [ca, cert, key] = paths.map((path) => files.get(path));
  if (ca === undefined || cert === undefined || key === undefined) return undefined;
  return etcds.open({ endpoints: [endpoint], ca, cert, key });
}
