import { describe, expect, test } from 'vitest';
import { differences, isCorrection, specDifferences, type Journal } from '../../../src/phases/journal.ts';
import { specOf } from '../../golden/support/case.ts';
import { specIdentity } from '../../../src/phases/journal.ts';

const spec = specOf('v1.36.3/default');
const journal: Journal = {
  format: 1,
  spec: JSON.parse(JSON.stringify(specIdentity({ spec }))),
  startedAt: '2026-11-21T02:54:14Z',
  makes: [],
};
const finished = { ...journal, finishedAt: '2026-11-21T02:55:14Z' };
const withArgument = {
  ...spec,
  cluster: {
    ...spec.cluster,
    apiServer: { ...spec.cluster.apiServer, extraArgs: [{ name: 'v', value: '4' }] },
  },
};
const withSubnet = {
  ...spec,
  cluster: {
    ...spec.cluster,
    networking: { ...spec.cluster.networking, serviceSubnet: '10.112.0.0/16' },
    kubelet: { ...spec.cluster.kubelet, document: { ...spec.cluster.kubelet.document, clusterDNS: ['10.112.0.10'] } },
  },
};

describe('what a run may correct of an earlier one', () => {
  test('an argument of a component, as long as the init has not finished', () => {
    const found = specDifferences(journal, { spec: withArgument });
    expect(found.map(({ path }) => path)).toEqual(['apiServer.extraArgs']);
    expect(isCorrection(journal, found)).toBe(true);
    expect(isCorrection(finished, found)).toBe(false);
  });

  test('the patience of the waits, which is in the startup probes', () => {
    const patient = { ...spec, timeouts: { ...spec.timeouts, controlPlaneComponentHealthCheck: 600 } };
    expect(isCorrection(journal, specDifferences(journal, { spec: patient }))).toBe(true);
  });

  test('nothing that is in certificates, kubeconfigs or etcd', () => {
    const found = specDifferences(journal, { spec: withSubnet });
    expect(found.map(({ path }) => path)).toContain('networking.serviceSubnet');
    expect(isCorrection(journal, found)).toBe(false);
  });

  test('no difference is no correction', () => {
    expect(isCorrection(journal, specDifferences(journal, { spec }))).toBe(false);
  });
});

test('differences of the cluster come before what they lead to in component configs', () => {
  const paths = specDifferences(journal, { spec: withSubnet }).map(({ path }) => path);
  expect(paths.at(0)).toBe('networking.serviceSubnet');
  expect(paths.at(-1)).toMatch(/^kubelet\./);
});

test('differences are told leaf by leaf, by their path', () => {
  expect(differences({ a: { b: 1, c: 2 }, d: [1] }, { a: { b: 1, c: 3 }, d: [2] })).toEqual([
    { path: 'a.c', there: '2', here: '3' },
    { path: 'd[0]', there: '1', here: '2' },
  ]);
});

test('of lists that differ in length only what one of them has is told', () => {
  expect(differences({ command: ['a', '--x=1', 'z'] }, { command: ['a', 'z'] })).toEqual([
    { path: 'command', there: '"--x=1"', here: 'nothing more' },
  ]);
});
