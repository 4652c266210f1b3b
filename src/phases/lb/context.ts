// What the phases of `lb apply` share.
import type { LoadBalancer } from '../../config/load-balancer.ts';
import type { RunContext } from '../context.ts';

export interface LbContext extends RunContext {
  readonly spec: {
    readonly balancer: LoadBalancer;
    readonly isDryRun: boolean;
    /** Replace configurations that are somebody else's, keeping a copy. */
    readonly isForced: boolean;
    readonly skipPhases: readonly string[];
  };
}
