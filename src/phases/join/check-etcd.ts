// Join, phase check-etcd: most members of the etcd cluster are well, so it can take one more.
import { KbError } from '../../errors.ts';
import type { Phase } from '../../workflow/phase.ts';
import { step, type ControlPlaneContext } from '../context.ts';
import type { JoinContext } from './context.ts';
import { countVoters, unhealthyReason, inWords, nameOf } from '../etcd/quorum.ts';
import { isControlPlane, onControlPlane } from './control-plane.ts';
import { findEtcd } from './etcd-cluster.ts';

export const checkEtcd: Phase<JoinContext> = {
  name: 'check-etcd',
  summary: 'Check that the etcd cluster can take one more member',
  flags: ['config', 'control-plane', 'node-name', 'dry-run'],
  isPart: isControlPlane,
  run: onControlPlane('check-etcd', check),
};

async function check(_: JoinContext, node: ControlPlaneContext): Promise<void> {
  if (node.spec.cluster.etcd.kind === 'external') {
    step(node, 'check-etcd', 'etcd is external: its members are not counted');
    return;
  }
  // This host's own member is not counted: an earlier run may have added it, and this one brings it up.
  const { others } = await findEtcd(node);
  const count = countVoters(others);
  const ill = others.flatMap((state) => {
    const reason = unhealthyReason(state);
    return reason === undefined ? [] : [`${nameOf(state.member)}: ${reason}`];
  });
  const found = [inWords(count), ...ill].join('; ');
  // One dead member of three must not keep its own successor out; kubeadm came to think so in 1.36.
  if (count.healthy >= count.needed || count.voters === 0) {
    step(node, 'check-etcd', found);
    return;
  }
  throw new KbError({
    code: 'KB_ETCD_JOIN',
    summary: 'the etcd cluster is not healthy',
    host: node.host.name,
    detail: found,
    fix: `fix the etcd cluster first (\`kbinit etcd status --host root@CONTROL_PLANE\`), and let ${node.host.name} reach port 2379 of its members; then continue with: ${node.resumeCommand}`,
  });
}
