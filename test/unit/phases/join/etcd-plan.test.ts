import { describe, expect, test } from 'vitest';
import { initialCluster, planMember } from '../../../../src/phases/join/etcd-plan.ts';
import type { EtcdMember } from '../../../../src/cluster/types.ts';

/** Ids are decimal, as etcd's gateway has them. */
function member(name: string, address: string, more: Partial<EtcdMember> = {}): EtcdMember {
  return { id: '1030', name, peerUrls: [`https://${address}:2380`], clientUrls: [], isLearner: false, ...more };
}

const own = {
  name: 'master2',
  peerUrl: 'https://192.168.3.30:2380',
  clientUrl: 'https://192.168.3.30:2379',
};
const first = member('master1', '192.168.3.29');

describe('what a join does about its etcd member', () => {
  const plan = (mine: Parameters<typeof member>[2] | undefined, name = '', hasData = false, journalled?: string) =>
    planMember({
      own,
      members: mine === undefined ? [first] : [first, member(name, '192.168.3.30', mine)],
      hasData,
      journalled,
    });

  test('a new host: it is added', () => {
    expect(plan(undefined)).toEqual({ kind: 'add', isDataStale: false });
  });

  test('data without a member: the data is put aside, whoever the journal says it was', () => {
    expect(plan(undefined, '', true, '1030')).toEqual({ kind: 'add', isDataStale: true });
  });

  test('a learner that has not started is gone on with', () => {
    expect(plan({ isLearner: true })).toMatchObject({ kind: 'resume', isDataStale: false });
  });

  test('a learner that has not started, beside data of another member: only the data goes', () => {
    expect(plan({ isLearner: true }, '', true, '9')).toMatchObject({ kind: 'resume', isDataStale: true });
    expect(plan({ isLearner: true }, '', true)).toMatchObject({ kind: 'resume', isDataStale: true });
  });

  test('a learner that runs on data of its own is gone on with', () => {
    expect(plan({ isLearner: true }, 'master2', true, '1030')).toMatchObject({ kind: 'resume', isDataStale: false });
  });

  test('a learner that has started and has lost its data is replaced', () => {
    expect(plan({ isLearner: true }, 'master2')).toMatchObject({ kind: 'replace', isDataStale: false });
    expect(plan({ isLearner: true }, 'master2', true, '9')).toMatchObject({ kind: 'replace', isDataStale: true });
  });

  test('a voter with its data stays as it is, whoever made it', () => {
    expect(plan({}, 'master2', true)).toMatchObject({ kind: 'keep' });
  });

  test('a voter without its data is not for the join to judge', () => {
    expect(plan({}, 'master2')).toMatchObject({ kind: 'lost' });
  });
});

describe('--initial-cluster', () => {
  test('has every member once: this one by its node, one without a name by its id', () => {
    const nameless = member('', '192.168.3.31', { id: '10276657743932975437', isLearner: true });
    const mine = member('', '192.168.3.30', { isLearner: true });
    expect(initialCluster([mine, first, nameless], own)).toEqual([
      { name: 'master1', peerURL: 'https://192.168.3.29:2380' },
      { name: '8e9e05c52164694d', peerURL: 'https://192.168.3.31:2380' },
      { name: 'master2', peerURL: 'https://192.168.3.30:2380' },
    ]);
  });

  test('has this member before etcd lists it', () => {
    expect(initialCluster([first], own).map(({ name }) => name)).toEqual(['master1', 'master2']);
  });
});
