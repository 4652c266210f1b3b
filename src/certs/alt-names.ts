// Which names and addresses the serving certificates are valid for (spec 04 §1.2).
import type { InitSpec } from '../config/spec.ts';
import { formatIp, nthAddress, parseCidr, parseIp } from '../util/net.ts';
import type { AltNames } from './x509.ts';

export type AltNameSpec = Pick<InitSpec, 'cluster' | 'node' | 'localAPIEndpoint'>;

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = new RegExp(`^(\\*\\.)?${label}(\\.${label})*$`);

/** The names every client may use for the API server. */
export function apiserverAltNames({ cluster, node, localAPIEndpoint }: AltNameSpec): AltNames {
  const { serviceSubnet, dnsDomain } = cluster.networking;
  const firstSubnet = parseCidr(serviceSubnet.split(',')[0] ?? '');
  const kubernetesService = firstSubnet && nthAddress(firstSubnet, 1);
  const names = [
    node.name,
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    ...(dnsDomain === '' ? [] : [`kubernetes.default.svc.${dnsDomain}`]),
  ];
  const addresses = [
    ...(kubernetesService === undefined ? [] : [kubernetesService]),
    localAPIEndpoint.advertiseAddress,
  ];
  const endpoint = cluster.controlPlaneEndpoint === undefined ? [] : [hostOf(cluster.controlPlaneEndpoint)];
  return collect(names, addresses, [...endpoint, ...cluster.apiServer.certSANs]);
}

/** etcd is reached by its own node over loopback and by the others at the advertise address. */
export function etcdAltNames({ node, localAPIEndpoint }: AltNameSpec, extra: readonly string[]): AltNames {
  return collect([node.name, 'localhost'], [localAPIEndpoint.advertiseAddress, '127.0.0.1', '::1'], extra);
}

/** DNS names sorted, addresses in their order, nothing twice; what is neither a name nor an address is left out. */
function collect(names: readonly string[], addresses: readonly string[], extra: readonly string[]): AltNames {
  const extraNames = extra.filter((text) => parseIp(text) === undefined && subdomain.test(text));
  const ips = [...addresses, ...extra].flatMap((text) => parseIp(text) ?? []);
  return {
    dnsNames: [...new Set([...names, ...extraNames])].filter((name) => name !== '').toSorted(),
    ipAddresses: [...new Set(ips.map(formatIp))],
  };
}

/** `k8s-vip.lab:6443` → `k8s-vip.lab`, `[fd00::1]:6443` → `fd00::1`; a port may be missing. */
function hostOf(endpoint: string): string {
  if (parseIp(endpoint) !== undefined) return endpoint;
  return endpoint.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
}
