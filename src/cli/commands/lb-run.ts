// What `kbinit lb apply` does: judge the flags, then haproxy (and keepalived) on the host.
import { readLoadBalancer, type LoadBalancer, type LoadBalancerFlags } from '../../config/load-balancer.ts';
import type { LbContext } from '../../phases/lb/context.ts';
import { lbPhases } from '../../phases/lb/index.ts';
import { joinHostPort } from '../../util/net.ts';
import { systemRandomSource, systemClock } from '../../util/keygen.ts';
import { withSession, type ConnectionOptions, type Session } from '../run/session.ts';
import { runWorkflow } from '../run/workflow.ts';

export interface LbOptions extends LoadBalancerFlags, ConnectionOptions {
  readonly force?: boolean;
  readonly ignorePreflightErrors?: readonly string[];
}

/** Set up the load balancer. @throws KbError for bad input, ReportedError for a failed run */
export async function runLbApply(options: LbOptions): Promise<void> {
  const balancer = readLoadBalancer(options);
  const isDryRun = options.dryRun === true;
  const work = async (session: Session): Promise<void> => {
    const ctx: LbContext = {
      ...session,
      chance: systemRandomSource(),
      clock: systemClock,
      ignorePreflightErrors: new Set((options.ignorePreflightErrors ?? []).map((name) => name.toLowerCase())),
      spec: { balancer, isDryRun, isForced: options.force === true, skipPhases: [] },
    };
    await runWorkflow(lbPhases, ctx, undefined);
    if (!isDryRun) session.print(nextStep(balancer, session.reachedAddress));
  };
  await withSession('lb apply', options, 'write', work, 'name');
}

/** What to give the cluster: the moving address, the one that is listened on, or the one the host was reached at. */
function nextStep({ bind, port, failover }: LoadBalancer, reachedAddress: string | undefined): string {
  const own = bind === '*' || bind === '::' ? (reachedAddress ?? 'ADDRESS') : bind;
  return `control-plane endpoint: ${joinHostPort(failover?.address ?? own, port)}\n`;
}
