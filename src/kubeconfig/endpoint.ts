// The two URLs of the API server: this node's own, and the one the whole cluster shares.
import type { ApiEndpoint, ClusterSpec } from '../config/spec.ts';
import { joinHostPort, parseIp } from '../util/net.ts';

/** `https://192.168.3.129:6443`; IPv6 in brackets. */
export function localEndpoint({ advertiseAddress, bindPort }: ApiEndpoint): string {
  return `https://${joinHostPort(advertiseAddress, bindPort)}`;
}

/** The control-plane endpoint with the bind port where it names none; without one, the node's own. */
export function sharedEndpoint(cluster: Pick<ClusterSpec, 'controlPlaneEndpoint'>, local: ApiEndpoint): string {
  const endpoint = cluster.controlPlaneEndpoint;
  if (endpoint === undefined) return localEndpoint(local);
  if (parseIp(endpoint) !== undefined) return `https://${joinHostPort(endpoint, local.bindPort)}`;
  return /:\d+$/.test(endpoint) ? `https://${endpoint}` : `https://${endpoint}:${local.bindPort}`;
}
