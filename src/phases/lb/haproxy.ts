// Load balancer, phase haproxy: installed, configured, listening.
import { script } from '../../host/shell.ts';
import { haproxyConfig, haproxyPath } from '../../manifests/haproxy.ts';
import { survey } from '../../preflight/survey.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { ensureInstalled } from '../packages.ts';
import type { LbContext } from './context.ts';
import { applyService } from './service.ts';

export const haproxy: Phase<LbContext> = {
  name: 'haproxy',
  summary: 'Install and configure haproxy',
  run: apply,
};

async function apply(ctx: LbContext): Promise<PhaseOutcome> {
  const { balancer } = ctx.spec;
  const isInstalled = await ensureInstalled(ctx, 'haproxy', { program: 'haproxy', deb: 'haproxy', rpm: 'haproxy' });
  const outcome = await applyService(ctx, {
    service: 'haproxy',
    path: haproxyPath,
    body: haproxyConfig(balancer),
    judge: script`haproxy -c -f "$file"`,
    works: async () => {
      const { listeners } = await survey(ctx.host, { ports: [balancer.port] });
      const isListening = listeners.get(balancer.port)?.command === 'haproxy';
      return isListening ? { value: true } : { notYet: `haproxy does not listen on port ${balancer.port}` };
    },
  });
  return isInstalled ? 'done' : outcome;
}
