// What `kbinit etcd members` and `kbinit etcd status` do: ask etcd through a control-plane host, print its tables.
import type { HostView } from '../../host/host.ts';
import { KbError } from '../../errors.ts';
import { hostEtcd, type HostEtcd } from '../../phases/etcd/access.ts';
import { EtcdUnreachable, findEtcdCluster, type EtcdCluster } from '../../phases/etcd/cluster.ts';
import { memberStates } from '../../phases/etcd/quorum.ts';
import { memberTable, statusProblem, statusTable, type EtcdTable } from '../../phases/etcd/report.ts';
import { terminalColumns } from '../../report/columns.ts';
import { boxed } from '../../report/box.ts';
import { printerOf, type Answer, type OutputOptions } from '../output/printer.ts';
import { withSession, type ConnectionOptions, type Session } from '../run/session.ts';

export interface EtcdOptions extends ConnectionOptions, OutputOptions {
  readonly kubeconfig?: string;
}

/** Print who the members are. @throws KbError KB_OUTPUT, ReportedError */
export async function runEtcdMembers(options: EtcdOptions): Promise<void> {
  const print = await printerOf(asText(options));
  await withSession('etcd members', options, 'read', async (session) => {
    const { members } = await clusterOf(session, options);
    session.print(print(answer(memberTable(members))));
  });
}

/** Print how the members are; fails when one of them is not well. @throws KbError KB_OUTPUT, ReportedError */
export async function runEtcdStatus(options: EtcdOptions): Promise<void> {
  const print = await printerOf(asText(options));
  await withSession('etcd status', options, 'read', async (session) => {
    const { etcd, members } = await clusterOf(session, options);
    const states = await memberStates(etcd, members);
    session.print(print(answer(statusTable(states))));
    const problem = statusProblem(states);
    if (problem !== undefined) throw new KbError({ host: session.host.name, ...problem });
  });
}

/** etcdctl's name for what is called text elsewhere. */
function asText(options: EtcdOptions): EtcdOptions {
  return options.output === 'table' ? { ...options, output: 'text' } : options;
}

function answer({ header, rows, object }: EtcdTable): Answer {
  return { object, text: boxed(header, rows, terminalColumns(process.stdout, process.env)) };
}

/** @throws KbError KB_ETCD_NOT_HERE, KB_ETCD_UNHEALTHY */
async function clusterOf(session: Session<HostView>, { kubeconfig }: EtcdOptions): Promise<EtcdCluster> {
  const found = await hostEtcd(session.host);
  if (found === undefined) throw notHere(session.host.name);
  return findEtcdCluster(session, found, kubeconfig).catch((error: unknown) => {
    throw error instanceof EtcdUnreachable ? silent(session.host.name, found, error) : error;
  });
}

function notHere(host: string): KbError {
  return new KbError({
    code: 'KB_ETCD_NOT_HERE',
    summary: 'no etcd can be reached from this host',
    host,
    detail: `${host} has neither an etcd nor an API server that kubeadm or kbinit set up (/etc/kubernetes/manifests)`,
    fix: 'work on a control plane: --host [user@]address',
  });
}

function silent(host: string, { local }: HostEtcd, { message, endpoints }: EtcdUnreachable): KbError {
  return new KbError({
    code: 'KB_ETCD_UNHEALTHY',
    summary: `no etcd member answers, of ${endpoints.join(', ')}`,
    host,
    detail: message,
    fix:
      local === undefined
        ? 'check etcd on its own hosts; the certificates are those of the kube-apiserver flags'
        : 'check etcd on this host (crictl ps -a --name etcd; crictl logs CONTAINER), or ask from another control plane; an expired client certificate is renewed by `kbinit certs renew etcd-healthcheck-client`',
  });
}
