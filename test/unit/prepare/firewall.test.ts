import { expect, test } from 'vitest';
import { firewallRules, planFirewall } from '../../../src/prepare/firewall.ts';
import { bareState, specOf } from './states.ts';

const closed = {
  zone: 'public',
  running: new Set<string>(),
  permanent: new Set<string>(),
  trusted: new Set<string>(),
  permanentTrusted: new Set<string>(),
};

test.each([
  [['control-plane'], ['port=6443/tcp', 'port=2379-2380/tcp', 'port=10250/tcp', 'port=8472/udp']],
  [['worker'], ['port=10250/tcp', 'port=10256/tcp', 'port=30000-32767/tcp', 'port=30000-32767/udp', 'port=8472/udp']],
  [['etcd'], ['port=2379-2380/tcp']],
  [['lb'], ['port=6443/tcp', 'protocol=vrrp']],
])('%j needs exactly %j', (role, rules) => {
  expect(firewallRules(specOf({ role }))).toEqual(rules);
});

test("each of flannel's backends has its own port, host-gw has none", () => {
  const of = (backend: 'udp' | 'wireguard' | 'host-gw'): readonly string[] =>
    firewallRules(specOf({ role: ['control-plane'], backend })).slice(3);
  expect(of('udp')).toEqual(['port=8285/udp']);
  expect(of('wireguard')).toEqual(['port=51820-51821/udp']);
  expect(of('host-gw')).toEqual([]);
});

test('only what is not open both now and at boot is opened, and nothing else is touched', () => {
  const spec = specOf({ role: ['control-plane'] });
  const open = new Set(firewallRules(spec));
  const right = {
    ...closed,
    running: open,
    permanent: open,
    trusted: new Set(['10.244.0.0/16']),
    permanentTrusted: new Set(['10.244.0.0/16']),
  };
  expect(planFirewall({ ...bareState, firewall: right }, spec).actions).toEqual([]);
  const lost = new Set([...open].filter((rule) => rule !== 'port=6443/tcp'));
  const plan = planFirewall({ ...bareState, firewall: { ...right, running: lost } }, spec);
  expect(plan.actions).toMatchObject([{ before: [{ kind: 'firewall', zone: 'public', rules: ['port=6443/tcp'] }] }]);
});

test("Pods' addresses are trusted", () => {
  const plan = planFirewall({ ...bareState, firewall: closed }, specOf({ podNetworkCidr: '10.1.0.0/16,fd00::/56' }));
  expect(plan.actions[1]).toMatchObject({
    before: [{ zone: 'trusted', rules: ['source=10.1.0.0/16', 'source=fd00::/56'] }],
  });
});

test('without firewalld no port is opened, and it is not started', () => {
  expect(planFirewall(bareState, specOf())).toEqual({
    actions: [],
    notes: ['firewalld does not run: no port is opened'],
  });
});
