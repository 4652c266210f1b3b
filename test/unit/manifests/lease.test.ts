import { expect, test } from 'vitest';
import { leaseObject, readLease } from '../../../src/manifests/lease.ts';

const name = { namespace: 'kube-system', name: 'turn' };
const state = {
  holder: 'ann@laptop pid 1 for master2',
  seconds: 15,
  acquiredAt: new Date('2026-11-21T12:00:00.123Z'),
  renewedAt: new Date('2026-11-21T12:00:04.000Z'),
  transitions: 3,
};

test('a Lease has the fields and the six decimals that the API wants', () => {
  expect(leaseObject(name, state, '41')).toEqual({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { ...name, resourceVersion: '41' },
    spec: {
      holderIdentity: 'ann@laptop pid 1 for master2',
      leaseDurationSeconds: 15,
      acquireTime: '2026-11-21T12:00:00.123000Z',
      renewTime: '2026-11-21T12:00:04.000000Z',
      leaseTransitions: 3,
    },
  });
});

test('what is written is read back', () => {
  expect(readLease(leaseObject(name, state))).toEqual(state);
});

test('a Lease that says nothing is nobody`s', () => {
  expect(readLease({ apiVersion: 'v1', kind: 'Lease', metadata: name })).toMatchObject({ holder: '', seconds: 0 });
});
