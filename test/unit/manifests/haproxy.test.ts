import { expect, test } from 'vitest';
import { haproxyConfig } from '../../../src/manifests/haproxy.ts';
import { ownershipOf } from '../../../src/manifests/own-file.ts';

const balancer = {
  bind: '*',
  port: 6443,
  backends: [
    { name: 'master1', address: '192.168.3.29', port: 6443 },
    { name: 'm2', address: 'fd00::30', port: 7443 },
    { name: 'm3', address: 'master3.lab', port: 6443 },
  ],
};

/** Without the two lines that say whose it is. */
const body = (text: string): string => text.split('\n').slice(2).join('\n');

test('the whole file, reviewed as it stands', () => {
  expect(body(haproxyConfig(balancer))).toBe(`global
    # No chroot: /dev/log would be outside of it.
    log /dev/log local0 notice
    user haproxy
    group haproxy
    maxconn 8000

defaults
    mode tcp
    log global
    option dontlognull
    option redispatch
    retries 2
    maxconn 8000
    timeout connect 5s
    timeout check 2s
    timeout client 4h
    timeout server 4h

frontend kubernetes-api
    bind *:6443
    default_backend kubernetes-api

backend kubernetes-api
    balance leastconn
    option httpchk GET /readyz
    http-check expect status 200
    default-server inter 2s fall 2 rise 2 on-marked-down shutdown-sessions
    server master1 192.168.3.29:6443 check check-ssl verify none
    server m2      [fd00::30]:7443 check check-ssl verify none
    server m3      master3.lab:6443 check check-ssl verify none init-addr last,libc,none
`);
});

test('is recognised as our own', () => {
  expect(ownershipOf(haproxyConfig(balancer))).toBe('ours');
});

test.each([
  ['10.0.0.5', 'bind 10.0.0.5:6443\n'],
  ['fd00::5', 'bind [fd00::5]:6443\n'],
  ['::', 'bind :::6443 v4v6\n'],
])('listens on %s', (bind, line) => {
  expect(haproxyConfig({ ...balancer, bind })).toContain(line);
});

test('listens on the shared address also where it is not', () => {
  const failover = { address: '10.0.0.5', interface: 'eth0', peers: ['10.0.0.6'], routerId: 51, priority: 100 };
  expect(haproxyConfig({ ...balancer, bind: '10.0.0.5', failover })).toContain('bind 10.0.0.5:6443 transparent\n');
  expect(haproxyConfig({ ...balancer, failover })).toContain('bind *:6443\n');
});
