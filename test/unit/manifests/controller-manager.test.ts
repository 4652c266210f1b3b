import { expect, test } from 'vitest';
import type { Arg } from '../../../src/config/spec.ts';
import { controllerManagerPod } from '../../../src/manifests/controller-manager.ts';
import type { KubeObject } from '../../../src/manifests/object.ts';
import { schedulerPod } from '../../../src/manifests/scheduler.ts';
import { at, cluster, component, containerOf, flag, podContext, v, volumesOf } from './fixture.ts';

function podWith(extraArgs: readonly Arg[], version = v(36, 3)): KubeObject {
  return controllerManagerPod(
    podContext({ cluster: cluster({ version, controllerManager: { ...component, extraArgs } }) }),
  );
}

test('with an external CA the signing files are empty, so that the signers do not start', () => {
  const pod = controllerManagerPod(podContext({ isExternalCA: true }));
  expect(flag(pod, 'cluster-signing-cert-file')).toBe('');
  expect(flag(pod, 'cluster-signing-key-file')).toBe('');
});

test('node CIDRs are allocated only with a Pod network', () => {
  const networking = { serviceSubnet: '10.96.0.0/12', podSubnet: '10.244.0.0/16', dnsDomain: 'cluster.local' };
  const pod = controllerManagerPod(podContext({ cluster: cluster({ networking }) }));
  expect(flag(pod, 'allocate-node-cidrs')).toBe('true');
  expect(flag(pod, 'service-cluster-ip-range')).toBe('10.96.0.0/12');
  expect(flag(podWith([]), 'allocate-node-cidrs')).toBeUndefined();
  expect(flag(podWith([]), 'service-cluster-ip-range')).toBeUndefined();
});

test('the probes follow the bind address, a wildcard excepted', () => {
  const host = (value: string): unknown =>
    at(containerOf(podWith([{ name: 'bind-address', value }])), 'livenessProbe', 'httpGet', 'host');
  expect(host('10.0.0.1')).toBe('10.0.0.1');
  expect(host('::')).toBeUndefined();
});

test('the flexvolume folder is mounted until 1.35, where the user has it', () => {
  const extraArgs = [{ name: 'flex-volume-plugin-dir', value: '/opt/flex' }];
  expect(volumesOf(podWith(extraArgs, v(35, 4)))).toHaveProperty('flexvolume-dir', '/opt/flex');
  expect(volumesOf(podWith(extraArgs))).not.toHaveProperty('flexvolume-dir');
});

test('the scheduler is probed at /healthz and has no readiness probe until 1.31', () => {
  const container = containerOf(schedulerPod(podContext({ cluster: cluster({ version: v(31, 14) }) })));
  expect(at(container, 'livenessProbe', 'httpGet', 'path')).toBe('/healthz');
  expect(at(container, 'readinessProbe')).toBeUndefined();
});
