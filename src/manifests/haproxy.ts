// haproxy's configuration for the API servers: TLS goes through untouched, each server is asked for its health.
import type { Backend, LoadBalancer } from '../config/load-balancer.ts';
import { joinHostPort, parseIp } from '../util/net.ts';
import { ownFile } from './own-file.ts';

export const haproxyPath = '/etc/haproxy/haproxy.cfg';

/**
 * The file, for haproxy 1.5 (CentOS 7) and later.
 *
 * Watches are quiet for as long as nothing happens: kube-apiserver itself ends them after 30 to 60 minutes, so four
 * hours never cut one. Health is asked over TLS without a check of the certificate (haproxy has no CA of the cluster
 * and passes no secret); /readyz needs no login (ClusterRole system:public-info-viewer) and turns bad as soon as a
 * server is told to stop. Two bad answers, four seconds, take a server out, and its connections with it: clients come
 * back on another one at once instead of waiting for a timeout of their own.
 */
export function haproxyConfig({ bind, port, backends, failover }: LoadBalancer): string {
  const width = Math.max(...backends.map(({ name }) => name.length));
  // The moving address is on one host at a time; haproxy has to listen on the other one too.
  const isElsewhere = failover !== undefined && bind === failover.address;
  const body = `global
    # No chroot: /dev/log would be outside of it.
    log /dev/log local0 notice
    user haproxy
    group haproxy
    maxconn ${maxConnections}

defaults
    mode tcp
    log global
    option dontlognull
    option redispatch
    retries 2
    maxconn ${maxConnections}
    timeout connect 5s
    timeout check 2s
    timeout client 4h
    timeout server 4h

frontend kubernetes-api
    bind ${listen(bind, port)}${isElsewhere ? ' transparent' : ''}
    default_backend kubernetes-api

backend kubernetes-api
    balance leastconn
    option httpchk GET /readyz
    http-check expect status 200
    default-server inter 2s fall 2 rise 2 on-marked-down shutdown-sessions
${backends.map((backend) => server(backend, width)).join('\n')}
`;
  return ownFile('kbinit lb apply', body);
}

/** Two files a connection; what systemd 219's default limit does not allow, haproxy raises as root. */
const maxConnections = 8000;

function listen(bind: string, port: number): string {
  if (bind === '::') return `:::${port} v4v6`;
  return joinHostPort(bind, port);
}

function server({ name, address, port }: Backend, width: number): string {
  const isName = parseIp(address) === undefined;
  // A name that does not resolve yet must not keep haproxy from starting (1.7 and later can do without).
  const later = isName ? ' init-addr last,libc,none' : '';
  return `    server ${name.padEnd(width)} ${joinHostPort(address, port)} check check-ssl verify none${later}`;
}
