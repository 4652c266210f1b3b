import { describe, expect, test } from 'vitest';
import type { EtcdMember } from '../../../../src/cluster/types.ts';
import {
  countVoters,
  unhealthyReason,
  memberStates,
  removalRefusal,
  type MemberState,
} from '../../../../src/phases/etcd/quorum.ts';
import { FakeEtcd, three, type FakeMember } from '../../../fakes/etcd.ts';

async function states(members: readonly FakeMember[]): Promise<readonly MemberState[]> {
  const etcd = new FakeEtcd(members).open({ endpoints: members.map(({ address }) => `https://${address}:2379`) });
  const listed = members.map(({ id, name, address, isLearner }): EtcdMember => ({
    id,
    name,
    peerUrls: [`https://${address}:2380`],
    clientUrls: name === '' ? [] : [`https://${address}:2379`],
    isLearner: isLearner === true,
  }));
  return memberStates(etcd, listed);
}

/** `3` = three members that are well; `3-1` = one of them is down, the last. */
function cluster(voters: number, down = 0): readonly FakeMember[] {
  return Array.from({ length: voters }, (_, index) => ({
    id: String(index + 1),
    name: `master${index + 1}`,
    address: `10.0.0.${index + 1}`,
    ...(index >= voters - down ? { isDown: true } : {}),
  }));
}

const learner: FakeMember = { id: '9', name: 'master9', address: '10.0.0.9', isLearner: true };

describe('a healthy member can be removed', () => {
  test.each([2, 3, 4, 5, 7])('from a cluster of %i that is well', async (size) => {
    expect(removalRefusal(await states(cluster(size)), '1')).toBeUndefined();
  });

  test.each([
    [4, 1],
    [5, 1],
    [6, 2],
    [7, 2],
  ])('from a cluster of %i of which %i are down', async (size, down) => {
    expect(removalRefusal(await states(cluster(size, down)), '1')).toBeUndefined();
  });
});

describe('a healthy member stays', () => {
  test.each([
    [1, 0],
    [3, 1],
    [5, 2],
  ])('in a cluster of %i of which %i are down: the rest would have no quorum', async (size, down) => {
    expect(removalRefusal(await states(cluster(size, down)), '1')).toBeDefined();
  });

  test('with the numbers before and after, and what is wrong with the others', async () => {
    const found = await states(three.map((one) => (one.name === 'master3' ? { ...one, isDown: true } : one)));
    expect(removalRefusal(found, '2')).toBe(
      '3 voting members, 2 of them healthy, 2 needed; without master2 2 voting members, 1 of them healthy, 2 needed; ' +
        'master3: https://192.168.3.31:2379: connect ECONNREFUSED',
    );
  });

  test('when it is the only one that votes, whatever learns beside it', async () => {
    expect(removalRefusal(await states([...cluster(1), learner]), '1')).toBeDefined();
  });
});

describe('a member that is down', () => {
  test.each([
    [3, 1],
    [5, 1],
    [5, 2],
  ])('can be removed from a cluster of %i of which %i are down', async (size, down) => {
    expect(removalRefusal(await states(cluster(size, down)), String(size))).toBeUndefined();
  });

  test.each([
    [2, 1],
    [3, 2],
    [5, 3],
  ])('stays in a cluster of %i of which %i are down: nothing can be written there', async (size, down) => {
    expect(removalRefusal(await states(cluster(size, down)), String(size))).toContain('it has no quorum');
  });
});

describe('a learner', () => {
  test('can be removed also where no voter could be spared', async () => {
    expect(removalRefusal(await states([...cluster(3, 1), learner]), '9')).toBeUndefined();
  });

  test('stays where there is no quorum to decide it', async () => {
    expect(removalRefusal(await states([...cluster(3, 2), learner]), '9')).toContain('no quorum');
  });

  test('has no vote', async () => {
    expect(countVoters(await states([...cluster(3), learner]))).toEqual({ voters: 3, healthy: 3, needed: 2 });
  });
});

describe('not healthy is', () => {
  test('a member that has not started', async () => {
    const found = await states([...cluster(1), { id: '5', name: '', address: '10.0.0.5' }]);
    expect(found.map(unhealthyReason)).toEqual([expect.stringContaining('knows no leader'), 'it has not started']);
  });

  test('a member that answers but knows no leader', async () => {
    expect(unhealthyReason((await states(cluster(3, 2)))[0] ?? never())).toBe(
      'https://10.0.0.1:2379: it knows no leader',
    );
  });

  test('a member with corrupt data; one that is only full still votes', async () => {
    const [corrupt, full] = ['alarm:CORRUPT', 'alarm:NOSPACE'];
    const found = await states(
      cluster(3).map((one, index) => ({ ...one, errors: [[corrupt], [full], []][index] ?? [] })),
    );
    expect(found.map((state) => unhealthyReason(state) === undefined)).toEqual([false, true, true]);
  });
});

function never(): never {
  throw new Error('no such member');
}
