import { expect, test } from 'vitest';
import { nextStep } from '../../../../src/cli/commands/host-next.ts';
import { specOf } from '../../prepare/states.ts';

test('a control plane: init with what the preparation was told', () => {
  expect(nextStep(specOf({ role: ['control-plane'] }), { hosts: ['root@192.168.3.29'] })).toContain(
    '\n  kbinit init --host root@192.168.3.29 --pod-network-cidr 10.244.0.0/16 --cni flannel\n',
  );
  const spec = specOf({
    role: ['control-plane', 'worker'],
    kubernetesVersion: '1.31',
    podNetworkCidr: '10.50.0.0/16,fd00::/56',
    backend: 'host-gw',
    imageRepository: 'registry.aliyuncs.com/google_containers',
    apiserverBindPort: 7443,
  });
  expect(nextStep(spec, { hosts: [], identityFile: ['a key'] })).toContain(
    "\n  kbinit init --identity-file 'a key' --kubernetes-version v1.31.14 --image-repository " +
      'registry.aliyuncs.com/google_containers --apiserver-bind-port 7443 --pod-network-cidr 10.50.0.0/16,fd00::/56 ' +
      '--cni flannel --backend host-gw\n',
  );
});

test('several control planes: init on the first, at an address that can move, with keys for the others', () => {
  const text = nextStep(specOf({ role: ['control-plane'] }), { hosts: ['a', 'b', 'c'] });
  expect(text).toContain('kbinit init --host a --control-plane-endpoint NAME:6443 --upload-certs ');
  expect(text).toContain('--control-plane on every other control plane, using the command printed by init.');
});

test('workers: one join for all of them', () => {
  expect(nextStep(specOf(), { hosts: ['a', 'b'], knownHosts: '/k' })).toBe(
    '\nNext, workers of v1.36.3, with what init printed:\n  kbinit join ENDPOINT --host a --host b --known-hosts /k ' +
      '--token-file FILE --discovery-token-ca-cert-hash sha256:HASH\n',
  );
});

test.each([
  ['etcd', 'kbinit etcd init --host a FLAGS'],
  ['lb', 'kbinit lb apply --host a FLAGS'],
])('%s: its own command', (role, command) => {
  expect(nextStep(specOf({ role: [role] }), { hosts: ['a'] })).toContain(`  ${command}\n`);
});
