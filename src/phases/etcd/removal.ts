// Removing a member from etcd, tried again while etcd says that now is not the time.
import type { EtcdApi } from '../../cluster/types.ts';
import { until } from '../../util/until.ts';
import type { RunContext } from '../context.ts';

/** Seconds for which a removal is tried: etcd wants to have heard of its members for five (HealthInterval). */
const removalSeconds = 20;

/** Remove a member; one that is not there is removed. @throws TimedOut with etcd's last words */
export async function removeMember({ signal }: Pick<RunContext, 'signal'>, etcd: EtcdApi, id: string): Promise<void> {
  const options = { timeoutSeconds: removalSeconds, intervalMs: 1000, signal };
  await until('etcd to remove the member', options, async () => {
    await etcd.remove(id);
    return { value: true };
  });
}
