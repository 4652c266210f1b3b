// Phase upload-config: what the cluster is made of, kept in the cluster for joins, upgrades and kubeadm.
import { uploadKubeadmConfigObjects, uploadKubeletConfigObjects } from '../manifests/cluster-config.ts';
import { clusterConfigurationDocument } from '../config/write.ts';
import type { Phase, PhaseOutcome } from '../workflow/phase.ts';
import { adminApi } from './admin.ts';
import { applyAll } from './apply.ts';
import type { InitContext } from './context.ts';

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
  const { cluster } = ctx.spec;
  return applyAll(await adminApi(ctx), [
    ...(parts.includes('kubeadm')
      ? uploadKubeadmConfigObjects(
          clusterConfigurationDocument(cluster, ctx.spec.timeouts.controlPlaneComponentHealthCheck),
        )
      : []),
    ...(parts.includes('kubelet') ? uploadKubeletConfigObjects(cluster.kubelet) : []),
  ]);
}
