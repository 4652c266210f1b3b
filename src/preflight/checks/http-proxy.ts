// HTTPProxy and HTTPProxyCIDR: what the cluster talks to must not go through a proxy.
import type { HostFacts } from '../../host/host.ts';
import { asksProxyForOddPort } from '../../kube/traits.ts';
import type { KubeVersion } from '../../kube/version.ts';
import { nthAddress, parseCidr } from '../../util/net.ts';
import { error, warning, type Check, type Finding } from '../check.ts';
import { proxyFor } from '../proxy.ts';

/** kubeadm asks for a port that no rule names, so that only whole-address rules count. */
const anyPort = 1234;
const httpsPort = 443;

function judge(name: string, host: string, port: number, what: string, facts: HostFacts): readonly Finding[] {
  try {
    const proxy = proxyFor(host, port, facts.proxyEnvironment);
    if (proxy === undefined) return [];
    return [warning(name, `connections to ${what} would use the proxy ${proxy}`, `add ${what} to NO_PROXY`)];
  } catch {
    return [error(name, 'HTTPS_PROXY is not a URL', 'correct or unset HTTPS_PROXY and https_proxy')];
  }
}

/** The API server's address is reached directly (spec 03 §2 #12, §3). */
export function httpProxy(host: string): Check {
  const port = host.includes(':') ? anyPort : httpsPort;
  return { name: 'HTTPProxy', run: ({ facts }) => judge('HTTPProxy', host, port, host, facts) };
}

/** The addresses of a Service or Pod range are reached directly (spec 03 §2 #13). */
export function httpProxyCidr(cidr: string, version: KubeVersion): Check {
  const name = 'HTTPProxyCIDR';
  const range = parseCidr(cidr);
  const port = range?.family === 4 && !asksProxyForOddPort(version) ? httpsPort : anyPort;
  const first = range === undefined ? undefined : nthAddress(range, 1);
  return {
    name,
    run: ({ facts }) =>
      first === undefined
        ? [error(name, `"${cidr}" is not a range with room for addresses`, 'correct the subnet in networking')]
        : judge(name, first, port, cidr, facts),
  };
}
