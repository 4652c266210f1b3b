import { expect, test } from 'vitest';
import { readEtcdCluster, type EtcdClusterFlags } from '../../../src/config/etcd-cluster.ts';
import { KbError } from '../../../src/errors.ts';

const named = (count: number): readonly string[] => Array.from({ length: count }, (_, n) => `root@10.0.0.${n + 1}`);

/** What is said about flags that are refused. */
function refusals(flags: EtcdClusterFlags): string {
  try {
    readEtcdCluster(flags);
  } catch (error) {
    if (error instanceof KbError) return error.problems.map(({ detail }) => detail).join('\n');
    throw error;
  }
  return '';
}

test.each([1, 3, 5, 7])('%i hosts are taken', (count) => {
  expect(refusals({ host: named(count) })).toBe('');
});

test('no host is this machine', () => {
  expect(readEtcdCluster({})).toEqual({ dataDir: '/var/lib/etcd', settings: [] });
});

test.each([
  [2, 'survive the loss of 0, as 1 do'],
  [4, 'survive the loss of 1, as 3 do'],
  [6, 'survive the loss of 2, as 5 do'],
])('%i hosts are refused with the reason', (count, reason) => {
  expect(refusals({ host: named(count) })).toContain(reason);
});

test.each([8, 9])('%i hosts are too many', (count) => {
  expect(refusals({ host: named(count) })).toContain('too many');
});

test('a host or a client given twice is refused', () => {
  expect(refusals({ host: ['a', 'b', 'a'] })).toContain('--host: "a" is given twice');
  expect(refusals({ client: ['m', 'm'] })).toContain('--client: "m" is given twice');
});

test.each(['etcd', '/', '/var', '/var/lib/../etcd', '/var/lib/et cd', '/var/lib/etcd;x', '/srv/$HOME'])(
  'the data folder %s is refused',
  (dataDir) => {
    expect(refusals({ dataDir })).toContain('--data-dir');
  },
);

test('the data folder may be anywhere of its own', () => {
  expect(readEtcdCluster({ dataDir: '/srv/etcd-data/' }).dataDir).toBe('/srv/etcd-data');
});

test('settings are passed on by name', () => {
  const etcdExtraArgs = ['quota-backend-bytes=8589934592', '--auto-compaction-retention=8h'];
  expect(readEtcdCluster({ etcdExtraArgs }).settings).toEqual([
    { name: 'quota-backend-bytes', value: '8589934592' },
    { name: 'auto-compaction-retention', value: '8h' },
  ]);
});

test.each([
  'quota',
  'quota=',
  'Quota=1',
  'a=b c',
  'a="b"',
  'a=b\nETCD_NAME=x',
  'name=etcd9',
  'data-dir=/tmp',
  'initial-cluster-state=existing',
  'listen-client-urls=http://0.0.0.0:2379',
  'client-cert-auth=false',
  'peer-cert-file=/tmp/x',
  'force-new-cluster=true',
])('the setting %j is refused', (text) => {
  expect(refusals({ etcdExtraArgs: [text] })).toContain('--etcd-extra-args');
});

test('a setting given twice is refused', () => {
  expect(refusals({ etcdExtraArgs: ['max-wals=5', 'max-wals=6'] })).toContain('given twice');
});
