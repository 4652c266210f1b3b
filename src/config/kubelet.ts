// KubeletConfiguration as kubeadm puts it into the ConfigMap kubelet-config (kubeadm app/componentconfigs/kubelet.go).
import { kubeletConfiguration } from '../kube/kubelet-fields.ts';
import { paths } from '../kube/paths.ts';
import { resolvConfIsLocal } from '../kube/traits.ts';
import type { KubeVersion } from '../kube/version.ts';
import { nthAddress, parseCidr } from '../util/net.ts';
import { Defaulter } from './component-default.ts';
import { serializeComponent } from './component.ts';
import type { ComponentDocument, ConfigWarning } from './draft.ts';
import type { ClusterSpec, ComponentConfig } from './spec.ts';

/** What the defaults depend on. */
export interface KubeletSurroundings {
  readonly version: KubeVersion;
  readonly networking: ClusterSpec['networking'];
  readonly certificatesDir: string;
  /** The first host's; up to 1.30 its resolv.conf goes into the ConfigMap. */
  readonly isResolvedActive: boolean;
}

const resolvedConf = '/run/systemd/resolve/resolv.conf';

/** The tenth address of the first service range; 10.96.0.10 when there is none. */
function clusterDnsAddress(serviceSubnet: string): string {
  const cidr = parseCidr(serviceSubnet.split(',')[0] ?? '');
  return (cidr && nthAddress(cidr, 10)) ?? '10.96.0.10';
}

/** The user's document, or none, with kubeadm's defaults. */
export function completeKubelet(
  given: ComponentDocument | undefined,
  around: KubeletSurroundings,
): { readonly config: ComponentConfig; readonly warnings: readonly ConfigWarning[] } {
  const kubelet = new Defaulter('KubeletConfiguration', given ?? {});
  kubelet.set('staticPodPath', paths.manifests);
  kubelet.set('clusterDNS', [clusterDnsAddress(around.networking.serviceSubnet)]);
  kubelet.set('clusterDomain', around.networking.dnsDomain);
  kubelet.set('authentication.x509.clientCAFile', `${around.certificatesDir.replace(/\/+$/, '')}/ca.crt`);
  kubelet.set('authentication.anonymous.enabled', false);
  kubelet.set('authentication.webhook.enabled', true);
  kubelet.set('authorization.mode', 'Webhook');
  kubelet.set('healthzBindAddress', '127.0.0.1');
  kubelet.set('healthzPort', 10248);
  kubelet.expect('readOnlyPort', 0);
  if (given?.['rotateCertificates'] === false) {
    kubelet.warn('rotateCertificates', 'is set to true: the certificates that kubelets join with must be rotated');
  }
  kubelet.force('rotateCertificates', true);
  kubelet.fill('cgroupDriver', 'systemd');
  if (around.isResolvedActive && !resolvConfIsLocal(around.version)) kubelet.set('resolvConf', resolvedConf);
  const document = serializeComponent(kubeletConfiguration, kubelet.value, around.version);
  return { config: { isUserSupplied: given !== undefined, document }, warnings: kubelet.warnings };
}
