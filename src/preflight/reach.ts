// Who must reach whom on which port, and asking for it: a connection that is refused shows a way that is open.
import type { HostView } from '../host/host.ts';
import { openPorts } from '../util/firewall.ts';
import { error, warning, type Finding } from './check.ts';
import type { FleetFinding, Role } from './fleet.ts';

/** A host that can be asked to open a connection. */
export interface ReachHost {
  readonly host: string;
  readonly role: Role;
  readonly address: string;
  readonly view: Pick<HostView, 'dial'>;
}

export interface Way {
  readonly from: string;
  readonly to: string;
  readonly address: string;
  readonly port: number;
}

/** What came of trying a way. `unknown`: the host opens no connections for us. */
export type Tried = 'open' | 'closed' | 'unknown';

const kubeletPort = 10250;
const etcdPorts = [2379, 2380];

/** What nodes of a cluster must reach: the API servers from everywhere, kubelets and etcd from control planes. */
export function wantedWays(
  hosts: readonly Omit<ReachHost, 'view'>[],
  { apiPort, hasLocalEtcd }: { readonly apiPort: number; readonly hasLocalEtcd: boolean },
): readonly Way[] {
  return hosts.flatMap((from) =>
    hosts
      .filter((to) => to.host !== from.host)
      .flatMap((to) => {
        const isBetween = from.role === 'control-plane' && to.role === 'control-plane';
        const ports = [
          ...(to.role === 'control-plane' ? [apiPort] : []),
          ...(isBetween && hasLocalEtcd ? etcdPorts : []),
          ...(from.role === 'control-plane' ? [kubeletPort] : []),
        ];
        return ports.map((port) => ({ from: from.host, to: to.host, address: to.address, port }));
      }),
  );
}

/**
 * Try a way. Nobody has to listen yet: a host that refuses was reached; a firewall rejects (no route to host) or is silent.
 */
export async function tryWay(view: Pick<HostView, 'dial'>, { address, port }: Way, seconds = 5): Promise<Tried> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'closed'>((resolve) => {
    timer = setTimeout(() => resolve('closed'), seconds * 1000);
  });
  const dialled = view.dial(address, port).then(
    (stream): Tried => {
      stream.on('error', () => undefined);
      stream.destroy();
      return 'open';
    },
    (cause: unknown) => judgeFailure(cause),
  );
  try {
    return await Promise.race([dialled, late]);
  } finally {
    clearTimeout(timer);
  }
}

function judgeFailure(cause: unknown): Tried {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ECONNREFUSED') return 'open';
  return code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || code === 'ETIMEDOUT' ? 'closed' : 'unknown';
}

/** One finding a port and host that cannot be reached, with those who cannot. */
export function reachFindings(
  tried: readonly { readonly way: Way; readonly result: Tried }[],
): readonly FleetFinding[] {
  const groups = new Map<string, Way[]>();
  for (const { way, result } of tried) {
    if (result !== 'closed') continue;
    const key = `${way.to} ${way.port}`;
    groups.set(key, [...(groups.get(key) ?? []), way]);
  }
  const silent = [...new Set(tried.flatMap(({ way, result }) => (result === 'unknown' ? [way.from] : [])))];
  return [...[...groups.values()].flatMap(closedWay), ...silent.map((host) => ({ host, finding: notAsked }))];
}

/** The name of the check of a port between hosts. */
export function reachName(port: number): string {
  return `Reachable-${port}`;
}

function closedWay(ways: readonly Way[]): readonly FleetFinding[] {
  const [first] = ways;
  if (first === undefined) return [];
  const { to, address, port } = first;
  const names = ways.map(({ from }) => from);
  const who = names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
  const text = `port ${port} at ${address} cannot be reached from ${who}`;
  const fix = `open it on ${to} and on the way there (firewalld: \`${openPorts([port])}\`)`;
  return [{ host: to, finding: error(reachName(port), text, fix) }];
}

const notAsked: Finding = warning(
  'Reachable',
  'sshd opens no connections for kbinit here: the ports of the other hosts were not tried',
  'allow it in sshd_config: AllowTcpForwarding yes (or local)',
);
