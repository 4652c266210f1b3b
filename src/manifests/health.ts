// Where the kubelet and the control plane answer health requests on their own host.
import type { Arg, InitSpec } from '../config/spec.ts';
import { schedulerHasReadyz } from '../kube/traits.ts';
import { joinHostPort } from '../util/net.ts';
import { lastArgument } from './arguments.ts';
import { isWildcard } from './pod.ts';

/** URLs to ask on the host itself; undefined where the user turned the port off. */
export interface HealthEndpoints {
  readonly kubelet: URL | undefined;
  readonly controllerManager: URL | undefined;
  readonly scheduler: URL | undefined;
}

/** The health endpoints that a configuration leads to. */
export function healthEndpoints(spec: Pick<InitSpec, 'cluster'>): HealthEndpoints {
  const { cluster } = spec;
  return {
    kubelet: kubelet(cluster.kubelet.document),
    controllerManager: component(cluster.controllerManager.extraArgs, 10257, '/healthz'),
    scheduler: component(
      cluster.scheduler.extraArgs,
      10259,
      schedulerHasReadyz(cluster.version) ? '/livez' : '/healthz',
    ),
  };
}

function kubelet(document: Readonly<Record<string, unknown>>): URL | undefined {
  const address = document['healthzBindAddress'];
  const port = document['healthzPort'] ?? 10248;
  if (typeof port !== 'number' || port === 0) return undefined;
  return url('http', typeof address === 'string' ? address : '', port, '/healthz');
}

function component(extraArgs: readonly Arg[], defaultPort: number, path: string): URL | undefined {
  const port = Number(lastArgument(extraArgs, 'secure-port') ?? defaultPort);
  if (!Number.isInteger(port) || port <= 0) return undefined;
  return url('https', lastArgument(extraArgs, 'bind-address') ?? '', port, path);
}

function url(scheme: 'http' | 'https', address: string, port: number, path: string): URL {
  return new URL(`${scheme}://${joinHostPort(reachable(address), port)}${path}`);
}

/** What listens everywhere listens on the loopback address too. */
function reachable(address: string): string {
  if (address === '') return '127.0.0.1';
  if (!isWildcard(address)) return address;
  return address === '::' ? '::1' : '127.0.0.1';
}
