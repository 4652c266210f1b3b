import { expect, test } from 'vitest';
import { keepalivedConfig } from '../../../src/manifests/keepalived.ts';
import { ownershipOf } from '../../../src/manifests/own-file.ts';

const text = keepalivedConfig({
  address: '192.168.3.40',
  interface: 'eth0',
  peers: ['192.168.3.34', '192.168.3.35'],
  routerId: 51,
  priority: 101,
});

test('the whole file, reviewed as it stands', () => {
  expect(text.split('\n').slice(2).join('\n')).toBe(`global_defs {
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
    interface eth0
    virtual_router_id 51
    priority 101
    advert_int 1
    unicast_peer {
        192.168.3.34
        192.168.3.35
    }
    virtual_ipaddress {
        192.168.3.40 dev eth0
    }
    track_script {
        haproxy
    }
}
`);
});

test('is recognised as our own', () => {
  expect(ownershipOf(text)).toBe('ours');
});
