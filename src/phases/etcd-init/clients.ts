// etcd cluster, phase clients: the CA and a client certificate for whoever runs an API server on top of it.
import { ensureEtcdClients } from '../../certs/etcd-cluster.ts';
import { clientPlace, placeFiles } from '../../certs/etcd-places.ts';
import type { Host } from '../../host/host.ts';
import { paths } from '../../kube/paths.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { warn } from '../context.ts';
import { onAll, type ClientPlace, type EtcdClusterContext } from './context.ts';

export const clients: Phase<EtcdClusterContext> = {
  name: 'clients',
  summary: 'Hand out client certificates for the API servers',
  skip: (ctx) => (ctx.clients.length === 0 ? 'neither --client nor --client-certs-dir' : undefined),
  run: handOut,
};

async function handOut(ctx: EtcdClusterContext): Promise<PhaseOutcome> {
  const { authority } = ctx;
  if (authority === undefined) throw new TypeError('certs come before clients');
  const places = await onAll(ctx.clients, async (client) => {
    const bare = clientPlace(client.name, { ...client, existing: new Map() });
    return { ...bare, existing: await client.read(placeFiles(bare)) };
  });
  const request = { places, chance: ctx.chance, now: ctx.startedAt };
  const { files, warnings } = await ensureEtcdClients(request, authority);
  for (const text of warnings) warn(ctx, 'clients', text);
  const written = await onAll(ctx.clients, (client, index) => client.write(files[index] ?? []));
  return written.includes(true) ? 'done' : 'unchanged';
}

/** A control-plane host: the paths of kubeadm's guide for external etcd. */
export function hostClient(host: Host, address?: string): ClientPlace {
  return {
    name: host.name,
    ...(address !== undefined && { address }),
    folder: paths.pki,
    caBase: 'etcd/ca',
    read: (wanted) => host.readAll(wanted),
    async write(artifacts) {
      if (artifacts.length === 0) return false;
      const folders = [paths.kubernetes, paths.pki, `${paths.pki}/etcd`].map((path) => ({ path, mode: 0o755 }));
      const changes = await host.write(artifacts, folders);
      return changes.some(({ outcome }) => outcome !== 'unchanged');
    },
  };
}
