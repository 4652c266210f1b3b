// KubeProxyConfiguration as kubeadm puts it into the ConfigMap kube-proxy (kubeadm app/componentconfigs/kubeproxy.go).
import { kubeProxyConfiguration } from '../kube/kube-proxy-fields.ts';
import type { KubeVersion } from '../kube/version.ts';
import { parseIp } from '../util/net.ts';
import { Defaulter } from './component-default.ts';
import { serializeComponent } from './component.ts';
import type { ComponentDocument, ConfigWarning } from './draft.ts';
import type { ComponentConfig } from './spec.ts';

/** What the defaults depend on. */
export interface KubeProxySurroundings {
  readonly version: KubeVersion;
  readonly podSubnet: string;
  readonly advertiseAddress: string;
}

/** The user's document, or none, with kubeadm's defaults. */
export function completeKubeProxy(
  given: ComponentDocument | undefined,
  around: KubeProxySurroundings,
): { readonly config: ComponentConfig; readonly warnings: readonly ConfigWarning[] } {
  const proxy = new Defaulter('KubeProxyConfiguration', given ?? {});
  proxy.set('bindAddress', parseIp(around.advertiseAddress)?.family === 4 ? '0.0.0.0' : '::');
  if (around.podSubnet !== '') proxy.set('clusterCIDR', around.podSubnet);
  proxy.set('clientConnection.kubeconfig', '/var/lib/kube-proxy/kubeconfig.conf');
  const document = serializeComponent(kubeProxyConfiguration, proxy.value, around.version);
  return { config: { isUserSupplied: given !== undefined, document }, warnings: proxy.warnings };
}
