import { describe, expect, test } from 'vitest';
import type { EtcdMember } from '../../../../src/cluster/types.ts';
import { memberStates } from '../../../../src/phases/etcd/quorum.ts';
import { memberTable, statusProblem, statusTable } from '../../../../src/phases/etcd/report.ts';
import { boxed } from '../../../../src/report/box.ts';
import { FakeEtcd, three, type FakeMember } from '../../../fakes/etcd.ts';

async function membersOf(members: readonly FakeMember[]): Promise<readonly EtcdMember[]> {
  return new FakeEtcd(members.map((member) => ({ ...member, isDown: false })))
    .open({ endpoints: [`https://${members[0]?.address}:2379`] })
    .members();
}

async function statesOf(members: readonly FakeMember[]): ReturnType<typeof memberStates> {
  return memberStates(new FakeEtcd(members).open({ endpoints: [] }), await membersOf(members));
}

const learner: FakeMember = { id: '255', name: '', address: '192.168.3.99', isLearner: true };
const withDown = three.map((member) => (member.name === 'master3' ? { ...member, isDown: true } : member));

describe('members', () => {
  test("are shown in etcdctl's table, ids in hexadecimal", async () => {
    const { header, rows } = memberTable(await membersOf([...three.slice(0, 1), learner]));
    expect(boxed(header, rows)).toBe(
      `
+------------------+-----------+---------+---------------------------+---------------------------+------------+
|        ID        |  STATUS   |  NAME   |        PEER ADDRS         |       CLIENT ADDRS        | IS LEARNER |
+------------------+-----------+---------+---------------------------+---------------------------+------------+
| 8e9e05c52164694d |   started | master1 | https://192.168.3.29:2380 | https://192.168.3.29:2379 |      false |
|               ff | unstarted |         | https://192.168.3.99:2380 |                           |       true |
+------------------+-----------+---------+---------------------------+---------------------------+------------+
`.trimStart(),
    );
  });

  test('are the same for programs', async () => {
    expect(memberTable(await membersOf([...three.slice(0, 1), learner])).object).toEqual({
      members: [
        {
          id: '8e9e05c52164694d',
          status: 'started',
          name: 'master1',
          peerURLs: ['https://192.168.3.29:2380'],
          clientURLs: ['https://192.168.3.29:2379'],
          isLearner: false,
        },
        {
          id: 'ff',
          status: 'unstarted',
          name: '',
          peerURLs: ['https://192.168.3.99:2380'],
          clientURLs: [],
          isLearner: true,
        },
      ],
    });
  });
});

describe('status', () => {
  test("is etcdctl 3.5's table, with the members that do not answer in it", async () => {
    const { header, rows } = statusTable(await statesOf(withDown));
    expect(header.join('|')).toBe(
      'ENDPOINT|ID|VERSION|DB SIZE|IS LEADER|IS LEARNER|RAFT TERM|RAFT INDEX|RAFT APPLIED INDEX|ERRORS',
    );
    expect(rows).toEqual([
      ['https://192.168.3.29:2379', '8e9e05c52164694d', '3.6.8', '3.1 MB', 'true', 'false', '2', '100', '100', ''],
      ['https://192.168.3.30:2379', '2', '3.6.8', '3.1 MB', 'false', 'false', '2', '100', '100', ''],
      'https://192.168.3.31:2379|3||||false||||https://192.168.3.31:2379: connect ECONNREFUSED'.split('|'),
    ]);
  });

  test.each([
    [9, '9 B'],
    [20_480, '20 kB'],
    [21_500, '22 kB'],
    [999, '999 B'],
    [3_149_824, '3.1 MB'],
    [2_147_483_648, '2.1 GB'],
  ])('of %i bytes is %s, as etcdctl rounds', async (size, text) => {
    const [state] = await statesOf(three);
    if (state?.health.kind !== 'up') throw new Error('it is up');
    const resized = { ...state, health: { ...state.health, status: { ...state.health.status, dbSizeBytes: size } } };
    expect(statusTable([resized]).rows[0]?.[3]).toBe(text);
  });

  test('says for programs which member is well', async () => {
    expect(statusTable(await statesOf(withDown)).object).toMatchObject({
      endpoints: [
        { name: 'master1', isHealthy: true, isLeader: true, raftTerm: 2, errors: [] },
        { name: 'master2', isHealthy: true, isLeader: false },
        { name: 'master3', isHealthy: false, errors: ['https://192.168.3.31:2379: connect ECONNREFUSED'] },
      ],
    });
  });
});

describe('what is wrong', () => {
  test('is nothing where all are well', async () => {
    expect(statusProblem(await statesOf(three))).toBeUndefined();
  });

  test('names who is not well, and that the cluster still works', async () => {
    const problem = statusProblem(await statesOf(withDown));
    expect(problem).toMatchObject({ code: 'KB_ETCD_UNHEALTHY', summary: '1 of 3 etcd members unhealthy' });
    expect(problem?.detail).toContain('master3: https://192.168.3.31:2379: connect ECONNREFUSED');
    expect(problem?.fix).toContain('the cluster works');
  });

  test('is told once, also where etcd says it too', async () => {
    const states = await statesOf(
      three.map((member) => ({ ...member, isDown: member.name !== 'master1', errors: ['etcdserver: no leader'] })),
    );
    expect(statusProblem(states)?.detail).toContain('master1: https://192.168.3.29:2379: it knows no leader; master2');
  });

  test('says that nothing can be written where the quorum is lost', async () => {
    const states = await statesOf(three.map((member) => ({ ...member, isDown: member.name !== 'master1' })));
    expect(statusProblem(states)?.summary).toBe('3 of 3 etcd members unhealthy');
    expect(statusProblem(states)?.fix).toContain('read-only without a quorum');
  });

  test('is an alarm too, although its member votes', async () => {
    const states = await statesOf(
      three.map((member, index) => (index === 1 ? { ...member, errors: ['memberID:2 alarm:NOSPACE'] } : member)),
    );
    expect(statusProblem(states)?.detail).toContain(
      'master2: memberID:2 alarm:NOSPACE (3 voting members, 3 of them healthy',
    );
  });
});
