import { afterEach, describe, expect, test } from 'vitest';
import { openEtcd } from '../../../src/cluster/etcd.ts';
import type { EtcdApi } from '../../../src/cluster/types.ts';
import { sleep } from '../../../src/util/retry.ts';
import { credentials, dial, gateway, type Asked, type Gateway, type Reply } from './gateway.ts';

const open: Gateway[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function listen(...[answer, where]: Parameters<typeof gateway>): Promise<Gateway> {
  const made = await gateway(answer, where);
  open.push(made);
  return made;
}

async function client(endpoints: readonly string[], callSeconds?: number): Promise<EtcdApi> {
  const options = callSeconds === undefined ? {} : { callSeconds };
  return openEtcd(dial, { ...(await credentials()), endpoints }, options);
}

const member1 = {
  ID: '10276657743932975437',
  name: 'master1',
  peerURLs: ['https://192.168.3.29:2380'],
  clientURLs: ['https://192.168.3.29:2379'],
};
const learner = { ID: '7', peerURLs: ['https://192.168.3.30:2380'], isLearner: true };

const listed = (...members: readonly Record<string, unknown>[]): Reply => ({ body: { header: {}, members } });
const paths = (asked: readonly Asked[]): readonly string[] => asked.map(({ path }) => path.replace(/^\/v3\//, ''));

/** Nothing listens there: the port of a gateway that has gone. */
async function nobody(): Promise<string> {
  const gone = await gateway(() => 'hang');
  await gone.close();
  return gone.endpoint;
}

describe('members', () => {
  test('are read with their client certificate, 64-bit ids kept as text', async () => {
    const { endpoint } = await listen(() => listed(member1));
    expect(await (await client([endpoint])).members()).toEqual([
      {
        id: '10276657743932975437',
        name: 'master1',
        peerUrls: ['https://192.168.3.29:2380'],
        clientUrls: ['https://192.168.3.29:2379'],
        isLearner: false,
      },
    ]);
  });

  test('that have not started have no name and no client URL', async () => {
    const { endpoint } = await listen(() => listed(learner));
    expect(await (await client([endpoint])).members()).toEqual([
      { id: '7', name: '', peerUrls: ['https://192.168.3.30:2380'], clientUrls: [], isLearner: true },
    ]);
  });

  test('come over IPv6 as well', async () => {
    const { endpoint } = await listen(() => listed(member1), { address: '::1' });
    expect(endpoint).toContain('[::1]');
    expect(await (await client([endpoint])).members()).toHaveLength(1);
  });

  test('come from an etcd of others that speaks plain HTTP', async () => {
    const { endpoint } = await listen(() => listed(member1), { plain: true });
    expect(await openEtcd(dial, { endpoints: [endpoint] }).members()).toHaveLength(1);
  });
});

describe('failover', () => {
  test('an endpoint that cannot be reached is passed over', async () => {
    const { endpoint } = await listen(() => listed(member1));
    expect(await (await client([await nobody(), endpoint])).members()).toHaveLength(1);
  });

  test.each([
    ['has no leader', { status: 503, message: 'etcdserver: no leader' } as const],
    [
      'is a learner, which does not list members',
      { status: 503, message: 'etcdserver: rpc not supported for learner' },
    ],
    ['is cut off before it answers', 'cut' as const],
    ['does not answer', 'hang' as const],
  ])('an endpoint that %s is passed over', async (_, reply) => {
    const bad = await listen(() => reply);
    const good = await listen(() => listed(member1));
    expect(await (await client([bad.endpoint, good.endpoint], 0.3)).members()).toHaveLength(1);
    expect(bad.asked).toHaveLength(1);
  });

  test('a connection that never opens ends with its time', async () => {
    const { endpoint } = await listen(() => listed(member1));
    const never = (address: string, port: number): ReturnType<typeof dial> =>
      port === 1 ? new Promise(() => undefined) : dial(address, port);
    const etcd = openEtcd(
      never,
      { ...(await credentials()), endpoints: ['https://10.0.0.1:1', endpoint] },
      { callSeconds: 1 },
    );
    expect(await etcd.members()).toHaveLength(1);
  });

  test('the time of a call begins when the host can be talked through', async () => {
    const { endpoint } = await listen(() => listed(member1));
    const ready = (): Promise<void> => sleep(0.5);
    const options = { callSeconds: 0.3, ready };
    const etcd = openEtcd(dial, { ...(await credentials()), endpoints: [endpoint] }, options);
    expect(await etcd.members()).toHaveLength(1);
  });

  test('when no endpoint serves, the error names each with what it said', async () => {
    const gone = await nobody();
    const { endpoint } = await listen(() => ({ status: 503, message: 'etcdserver: no leader' }));
    const failed = (await client([gone, endpoint])).members();
    await expect(failed).rejects.toThrow(`${gone}: connect ECONNREFUSED`);
    await expect(failed).rejects.toThrow(`${endpoint}: etcd answered 503: etcdserver: no leader`);
  });

  test('a refusal is not asked for again elsewhere', async () => {
    const words = 'etcdserver: re-configuration failed due to not enough started members';
    const first = await listen(({ path }) =>
      path.endsWith('list') ? listed(member1) : { status: 400, message: words },
    );
    const second = await listen(() => listed(member1));
    const etcd = await client([first.endpoint, second.endpoint]);
    await expect(etcd.remove(member1.ID)).rejects.toThrow(`etcd answered 400: ${words}`);
    expect(second.asked).toEqual([]);
  });

  test('a server whose certificate is of another CA is not trusted', async () => {
    const { endpoint } = await listen(() => listed(member1));
    const { cert, key } = await credentials();
    await expect(openEtcd(dial, { endpoints: [endpoint], cert, key }).members()).rejects.toThrow(/certificate/);
  });
});

describe('adding a learner', () => {
  test('asks for a learner with this peer URL', async () => {
    const { endpoint, asked } = await listen(() => ({ body: { header: {}, member: learner, members: [learner] } }));
    const added = await (await client([endpoint])).addLearner('https://192.168.3.30:2380');
    expect(added).toMatchObject({ id: '7', isLearner: true });
    expect(asked).toEqual([
      { path: '/v3/cluster/member/add', body: { peerURLs: ['https://192.168.3.30:2380'], isLearner: true } },
    ]);
  });

  test('whose answer was lost finds the member that it made', async () => {
    const { endpoint, asked } = await listen(({ path }) => (path.endsWith('add') ? 'cut' : listed(member1, learner)));
    expect(await (await client([endpoint])).addLearner('https://192.168.3.30:2380')).toMatchObject({ id: '7' });
    expect(paths(asked)).toEqual(['cluster/member/add', 'cluster/member/list']);
    expect(asked[1]?.body).toEqual({ linearizable: true });
  });

  test("that failed without a trace fails with etcd's own words", async () => {
    const words = 'etcdserver: too many learner members in cluster';
    const { endpoint } = await listen(({ path }) =>
      path.endsWith('add') ? { status: 400, message: words } : listed(member1),
    );
    await expect((await client([endpoint])).addLearner('https://192.168.3.30:2380')).rejects.toThrow(words);
  });
});

describe('promoting', () => {
  test('a member that votes already is done', async () => {
    const { endpoint } = await listen(({ path }) =>
      path.endsWith('promote')
        ? { status: 400, message: 'etcdserver: can only promote a learner member' }
        : listed(member1),
    );
    await expect((await client([endpoint])).promote(member1.ID)).resolves.toBeUndefined();
  });

  test('a learner that lags behind is refused', async () => {
    const words = 'etcdserver: can only promote a learner member which is in sync with leader';
    const { endpoint } = await listen(({ path }) =>
      path.endsWith('promote') ? { status: 400, message: words } : listed(member1, learner),
    );
    await expect((await client([endpoint])).promote('7')).rejects.toThrow(words);
  });
});

describe('removing', () => {
  test('a member that is not there is done', async () => {
    const { endpoint } = await listen(({ path }) =>
      path.endsWith('remove') ? { status: 404, message: 'etcdserver: member not found' } : listed(member1),
    );
    await expect((await client([endpoint])).remove('7')).resolves.toBeUndefined();
  });

  test('tells the first failure when the members cannot be asked for either', async () => {
    const { endpoint } = await listen(({ path }) => ({ status: 503, message: path.split('/').at(-1) ?? '' }));
    await expect((await client([endpoint])).remove('7')).rejects.toThrow('etcd answered 503: remove');
  });
});

describe('status', () => {
  test('of an endpoint fills in the zeros that the gateway leaves out', async () => {
    const { endpoint } = await listen(() => ({
      body: { header: { member_id: '7' }, version: '3.6.8', dbSize: '20480' },
    }));
    expect(await (await client([])).status(endpoint)).toEqual({
      memberId: '7',
      version: '3.6.8',
      dbSizeBytes: 20480,
      leaderId: '0',
      isLearner: false,
      raftTerm: '0',
      raftIndex: '0',
      raftAppliedIndex: '0',
      errors: [],
    });
  });

  test('asks that endpoint and no other', async () => {
    const { endpoint, asked } = await listen(() => listed(member1));
    await expect((await client([endpoint])).status(await nobody())).rejects.toThrow('ECONNREFUSED');
    expect(asked).toEqual([]);
  });
});
