import { expect, test } from 'vitest';
import { healthEndpoints } from '../../../src/manifests/health.ts';
import { cluster, component, v } from './fixture.ts';

function urls(changes: Parameters<typeof cluster>[0]): readonly (string | undefined)[] {
  const { kubelet, controllerManager, scheduler } = healthEndpoints({ cluster: cluster(changes) });
  return [kubelet?.href, controllerManager?.href, scheduler?.href];
}

test('everything answers on the loopback address by default', () => {
  expect(urls({})).toEqual([
    'http://127.0.0.1:10248/healthz',
    'https://127.0.0.1:10257/healthz',
    'https://127.0.0.1:10259/livez',
  ]);
  expect(urls({ version: v(31, 14) })[2]).toBe('https://127.0.0.1:10259/healthz');
});

test('addresses and ports follow the configuration, wildcards mean loopback', () => {
  const kubelet = { isUserSupplied: true, document: { healthzBindAddress: '::', healthzPort: 11_248 } };
  const controllerManager = {
    ...component,
    extraArgs: [
      { name: 'bind-address', value: '0.0.0.0' },
      { name: 'secure-port', value: '11257' },
    ],
  };
  const scheduler = { ...component, extraArgs: [{ name: 'bind-address', value: 'fd00::1' }] };
  expect(urls({ kubelet, controllerManager, scheduler })).toEqual([
    'http://[::1]:11248/healthz',
    'https://127.0.0.1:11257/healthz',
    'https://[fd00::1]:10259/livez',
  ]);
});

test('a port that is turned off is not asked', () => {
  const kubelet = { isUserSupplied: true, document: { healthzPort: 0 } };
  const off = { ...component, extraArgs: [{ name: 'secure-port', value: '0' }] };
  expect(urls({ kubelet, controllerManager: off, scheduler: off })).toEqual([undefined, undefined, undefined]);
});
