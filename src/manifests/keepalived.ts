// keepalived's configuration for the address that moves between load balancers.
import type { Failover } from '../config/load-balancer.ts';
import { ownFile } from './own-file.ts';

export const keepalivedPath = '/etc/keepalived/keepalived.conf';

/**
 * The file, for keepalived 1.3 (CentOS 7) and later. VRRP 3 has no authentication (RFC 5798 §9 took it out, because it
 * kept nobody out), so the advertisements go to the named peers only, which also works where a network drops multicast.
 * Without a weight a failed check means FAULT: a host without haproxy gives the address up, whatever its priority.
 */
export function keepalivedConfig({ address, interface: name, peers, routerId, priority }: Failover): string {
  const body = `global_defs {
    vrrp_version 3
    enable_script_security
    script_user root
}

vrrp_script haproxy {
    script "/bin/systemctl is-active --quiet haproxy.service"
    interval 2
    timeout 2
    fall 2
    rise 2
}

vrrp_instance kubernetes_api {
    state BACKUP
    interface ${name}
    virtual_router_id ${routerId}
    priority ${priority}
    advert_int 1
    unicast_peer {
${peers.map((peer) => `        ${peer}`).join('\n')}
    }
    virtual_ipaddress {
        ${address} dev ${name}
    }
    track_script {
        haproxy
    }
}
`;
  return ownFile('kbinit lb apply', body);
}
