// BridgeNetfilter and ProxyModules: kernel modules that Services need.
import { error, warning, type Check } from '../check.ts';

const bridge = '/proc/sys/net/bridge/bridge-nf-call-iptables';

/** Without it, traffic on a bridge passes kube-proxy's rules by. A warning: not every network plugin has a bridge. */
export const bridgeNetfilter: Check = {
  name: 'BridgeNetfilter',
  asks: { texts: [bridge] },
  run({ survey }) {
    const text = survey.texts.get(bridge);
    if (text?.startsWith('1')) return [];
    const found = text === undefined ? 'the module br_netfilter is not loaded' : `${bridge} is ${text.trim()}, not 1`;
    const fix =
      '`modprobe br_netfilter && sysctl -w net.bridge.bridge-nf-call-iptables=1`, and for the next boot as well';
    return [warning('BridgeNetfilter', `${found}: with a bridge plugin, Pods of one host may not reach Services`, fix)];
  },
};

/** kube-proxy's ipvs mode does not start without the module. */
export function proxyModules(kubeProxy: Readonly<Record<string, unknown>>): readonly Check[] {
  if (kubeProxy['mode'] !== 'ipvs') return [];
  const name = 'ProxyModules';
  const [loaded, option] = ['/proc/net/ip_vs', 'IP_VS'];
  return [
    {
      name,
      asks: { paths: [loaded], kernelOptions: [option] },
      run: ({ survey }) =>
        survey.paths.get(loaded) !== 'missing' || survey.kernel.options.has(option)
          ? []
          : [
              error(
                name,
                'kube-proxy is to use ipvs, but the kernel has no ip_vs module',
                'set mode: nftables in the KubeProxyConfiguration, or install ip_vs, ip_vs_rr, ip_vs_wrr, ip_vs_sh',
              ),
            ],
    },
  ];
}
