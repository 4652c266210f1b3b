// Phase upload-config: what the cluster is made of, kept in the cluster for joins, upgrades and kubeadm.
import { uploadKubeadmConfigObjects, uploadKubeletConfigObjects } from '../../manifests/cluster-config.ts';
import { clusterConfigurationDocument } from '../../config/write.ts';
import { hasNodeLocalCriSocket } from '../../kube/traits.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { adminApi } from './admin.ts';
import { applyAll, together } from '../cluster/apply.ts';
import type { InitContext } from '../context.ts';
import { annotateCriSocket } from '../cluster/node.ts';

const flags = ['config', 'cri-socket', 'kubeconfig', 'dry-run'];

export const uploadConfig: Phase<InitContext> = {
  name: 'upload-config',
  aliases: ['uploadconfig'],
  summary: 'Store the cluster configuration in the cluster',
  flags,
  phases: [
    { name: 'kubeadm', summary: 'Store the ClusterConfiguration in ConfigMap kubeadm-config', flags },
    { name: 'kubelet', summary: 'Store the KubeletConfiguration in ConfigMap kubelet-config', flags },
  ],
  run: upload,
};

async function upload(ctx: InitContext, parts: readonly string[]): Promise<PhaseOutcome> {
  const { cluster, timeouts } = ctx.spec;
  const api = await adminApi(ctx);
  const stored = applyAll(api, [
    ...(parts.includes('kubeadm')
      ? uploadKubeadmConfigObjects(clusterConfigurationDocument(cluster, timeouts.controlPlaneComponentHealthCheck))
      : []),
    ...(parts.includes('kubelet') ? uploadKubeletConfigObjects(cluster.kubelet) : []),
  ]);
  if (!parts.includes('kubelet') || hasNodeLocalCriSocket(cluster.version, cluster.featureGates)) return stored;
  return together(await Promise.all([stored, annotateCriSocket(ctx, api, cluster)]));
}
