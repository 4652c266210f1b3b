// Load balancer, phase keepalived: the address that moves between two or more balancers.
import { script } from '../../host/shell.ts';
import { keepalivedConfig, keepalivedPath } from '../../manifests/keepalived.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { ensureInstalled } from '../packages.ts';
import type { LbContext } from './context.ts';
import { applyService } from './service.ts';

export const keepalived: Phase<LbContext> = {
  name: 'keepalived',
  summary: 'Share an address with the other load balancers',
  skip: ({ spec }) => (spec.balancer.failover === undefined ? 'no --vip' : undefined),
  run: apply,
};

async function apply(ctx: LbContext): Promise<PhaseOutcome> {
  const { failover } = ctx.spec.balancer;
  if (failover === undefined) return 'unchanged';
  const packaged = { program: 'keepalived', deb: 'keepalived', rpm: 'keepalived' };
  const isInstalled = await ensureInstalled(ctx, 'keepalived', packaged);
  const outcome = await applyService(ctx, {
    service: 'keepalived',
    path: keepalivedPath,
    body: keepalivedConfig(failover),
    // Version 1.3 cannot judge a file without becoming a daemon.
    judge: script`
keepalived --help 2>&1 | grep -q -e --config-test || exit 0
keepalived --config-test --use-file "$file"
`,
    works: async () => ({ value: true }),
  });
  return isInstalled ? 'done' : outcome;
}
