// Static Pods of an init that did not come up, whose manifests were corrected: the kubelet cannot replace them alone.
import type { Change } from '../../host/host.ts';
import { runtimeTools } from '../../host/runtime.ts';
import { sh } from '../../host/shell.ts';
import { step, warn, type ControlPlaneContext, type InitContext } from '../context.ts';
import { readJournal } from './serving.ts';

/**
 * End the Pods of changed manifests where no API server has answered yet. A kubelet removes no Pod before it has heard
 * from every source of Pods, the API server among them, and starts no static Pod beside an older one of its name: the
 * Pod that could bring the API server up would wait for the API server.
 */
export async function endReplacedPods(ctx: InitContext, phase: string, changes: readonly Change[]): Promise<void> {
  if (changes.every(({ outcome }) => outcome !== 'updated')) return;
  const journal = await readJournal(ctx);
  if (journal === undefined || journal.finishedAt !== undefined) return;
  await endPodsOf(ctx, phase, changes);
}

/** End the Pods of changed manifests and start the kubelet anew: it then starts them as they are wanted. */
export async function endPodsOf(ctx: ControlPlaneContext, phase: string, changes: readonly Change[]): Promise<void> {
  const names = changes.filter(({ outcome }) => outcome === 'updated').map(({ path }) => componentOf(path));
  if (names.length === 0) return;
  step(ctx, phase, `restarting ${names.join(', ')}`);
  const { code, stderr } = await ctx.host.run(
    sh`${runtimeTools(ctx.spec.node.criSocket)}systemctl stop kubelet
if has_crictl; then
  for name in ${names}; do
    for id in $(cri pods --namespace kube-system --name "^$name-" -q); do
      cri stopp "$id" >/dev/null && cri rmp -f "$id" >/dev/null
    done
  done
fi
systemctl start kubelet
`,
    `end the Pods whose manifests were corrected (${names.join(', ')})`,
    { timeoutSeconds: 120, idempotent: true },
  );
  if (code !== 0) warn(ctx, phase, `the kubelet could not be restarted: ${stderr.trim()}`);
}

/** `/etc/kubernetes/manifests/etcd.yaml` → `etcd` */
function componentOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.yaml$/, '');
}
