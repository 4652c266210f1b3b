// Documents from specs: what kubeadm of the cluster's version would write.
import { writesV1beta4 } from '../kube/config-versions.ts';
import { defaultTimeouts } from './defaults.ts';
import type { ClusterSpec } from './spec.ts';
import { clusterConfigurationV1beta3 } from './versions/kubeadm-v1beta3-write.ts';
import { clusterConfigurationDocument as clusterConfigurationV1beta4 } from './versions/kubeadm-v1beta4-write.ts';

export { clusterConfigurationV1beta3, clusterConfigurationV1beta4 };
export {
  initConfigurationDocument,
  joinConfigurationDocument,
  resetConfigurationDocument,
  upgradeConfigurationDocument,
} from './versions/kubeadm-v1beta4-write.ts';
export { initConfigurationV1beta3, joinConfigurationV1beta3 } from './versions/kubeadm-v1beta3-write.ts';

/** What ConfigMap kubeadm-config holds; up to 1.30 with the time init waits for its control plane. */
export function clusterConfigurationDocument(
  cluster: ClusterSpec,
  controlPlaneTimeoutSeconds: number = defaultTimeouts.controlPlaneComponentHealthCheck,
): Record<string, unknown> {
  if (writesV1beta4(cluster.version)) return clusterConfigurationV1beta4(cluster);
  return clusterConfigurationV1beta3(cluster, controlPlaneTimeoutSeconds);
}
