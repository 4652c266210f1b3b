// Join, phase check-etcd: most members of the etcd cluster are well, so it can take one more.
import { KbError } from '../../errors.ts';
import type { Phase } from '../../workflow/phase.ts';
import { step, type ControlPlaneContext, type JoinContext } from '../context.ts';
import { isControlPlane, onControlPlane } from './control-plane.ts';
import { findEtcd } from './etcd-cluster.ts';

export const checkEtcd: Phase<JoinContext> = {
  name: 'check-etcd',
  summary: 'Check that the etcd cluster can take one more member',
  isPart: isControlPlane,
  run: onControlPlane('check-etcd', check),
};

async function check(_: JoinContext, node: ControlPlaneContext): Promise<void> {
  if (node.spec.cluster.etcd.kind === 'external') {
    step(node, 'check-etcd', 'etcd is external: its members are not counted');
    return;
  }
  const { etcd, endpoints } = await findEtcd(node);
  const answers = await Promise.allSettled(endpoints.map((endpoint) => etcd.status(endpoint)));
  const ill = answers.flatMap((answer, index) => {
    const reason = illness(answer);
    return reason === undefined ? [] : [`${endpoints[index] ?? ''}: ${reason}`];
  });
  // One dead member of three must not keep its own successor out; kubeadm came to think so in 1.36.
  if (ill.length * 2 < endpoints.length) {
    if (ill.length > 0) step(node, 'check-etcd', `not all members are well: ${ill.join('; ')}`);
    return;
  }
  throw new KbError({
    code: 'KB_ETCD_JOIN',
    summary: 'the etcd cluster is not healthy',
    host: node.host.name,
    detail: `${ill.length} of ${endpoints.length} members are not well: ${ill.join('; ')}`,
    fix: `mend the etcd cluster first (\`kbinit etcd status\` on a control plane), and let ${node.host.name} reach port 2379 of its members; then go on with: ${node.resumeCommand}`,
  });
}

function illness(
  answer: PromiseSettledResult<{ readonly errors: readonly string[]; readonly leaderId: string }>,
): string | undefined {
  if (answer.status === 'rejected') {
    const reason: unknown = answer.reason;
    return reason instanceof Error ? reason.message : String(reason);
  }
  const { errors, leaderId } = answer.value;
  if (leaderId === '0') return 'it knows no leader';
  return errors.length === 0 ? undefined : errors.join(', ');
}
