// What an earlier run left on the host, read once, in one round trip.
import { certificatePlan, pkiPaths as planPaths } from '../../certs/plan.ts';
import type { ClusterSpec } from '../../config/spec.ts';
import { kubeconfigFileNames } from '../../kubeconfig/files.ts';
import { manifestPath, paths, staticPods } from '../../kube/paths.ts';
import type { ControlPlaneContext } from '../context.ts';
import { journalPath, resetJournalPath } from '../journal.ts';

/** Every PKI path of this spec: certificates, keys, and the service-account pair. */
export function pkiPaths(ctx: Pick<ControlPlaneContext, 'spec'>): readonly string[] {
  const folder = ctx.spec.cluster.certificatesDir;
  return [...planPaths(certificatePlan(ctx.spec), folder), ...externalEtcdPaths(ctx.spec.cluster)];
}

function externalEtcdPaths({ etcd }: ClusterSpec): readonly string[] {
  if (etcd.kind !== 'external') return [];
  return [etcd.caFile, etcd.certFile, etcd.keyFile].filter((path) => path !== '');
}

/** The kubeconfigs that init writes. */
export function kubeconfigPaths(ctx: Pick<ControlPlaneContext, 'spec' | 'settings'>): readonly string[] {
  return kubeconfigFileNames(ctx.spec.cluster.version).map((name) => `${ctx.settings.kubeconfigDir}/${name}`);
}

/** The files of an earlier init, by path; what does not exist is not in the map. */
export function readExisting(ctx: ControlPlaneContext): Promise<ReadonlyMap<string, string>> {
  ctx.existing ??= ctx.host.readAll([
    journalPath,
    resetJournalPath,
    ...pkiPaths(ctx),
    ...kubeconfigPaths(ctx),
    ...staticPods.map(manifestPath),
    paths.kubeletConfig,
    paths.kubeletInstanceConfig,
    paths.kubeletFlags,
  ]);
  return ctx.existing;
}

/** Take new files into what later phases see. */
export async function remember(
  ctx: ControlPlaneContext,
  files: readonly { readonly path: string; readonly body: string }[],
): Promise<void> {
  const known = new Map(await readExisting(ctx));
  for (const { path, body } of files) known.set(path, body);
  ctx.existing = Promise.resolve(known);
}
