import { describe, expect, test } from 'vitest';
import type { Eviction } from '../../../../src/cluster/types.ts';
import { nodeRemovePhases } from '../../../../src/phases/node-remove/index.ts';
import { FakeApi } from '../../../fakes/api.ts';
import { FakeEtcd, three } from '../../../fakes/etcd.ts';
import { failureOf } from '../../../fakes/failure.ts';
import { master1Files, node, nodes, pod, prepare } from './fixture.ts';

const down = (...names: readonly string[]): FakeEtcd =>
  new FakeEtcd(
    three.map((member) => (names.includes(member.name) ? { ...member, isDown: true } : member)),
    '192.168.3.29',
  );
const without = (name: string): FakeApi => new FakeApi(nodes.filter(({ metadata }) => metadata.name !== name));
/** master3's kubelet does not report any more. */
const gone = (...pods: Parameters<typeof pod>[]): FakeApi =>
  new FakeApi([
    ...nodes.filter(({ metadata }) => metadata.name !== 'master3'),
    node('master3', '192.168.3.31', 'Unknown'),
    ...pods.map((args) => pod(...args)),
  ]);

describe('a worker', () => {
  test('is cordoned, drained and deleted, and etcd is left alone', async () => {
    const run = prepare('node1', { api: new FakeApi([...nodes, pod('web-1'), pod('web-2', { on: 'master2' })]) });
    expect(await run.run()).toEqual(['done', 'done', 'unchanged', 'done']);
    expect(run.api.changes).toEqual([
      'patch Node node1 {"spec":{"unschedulable":true}}',
      'evict default/web-1',
      'remove Node node1',
    ]);
    expect(run.etcd.removed).toEqual([]);
    expect(run.printed.join('')).toContain('kbinit reset --host root@192.168.3.27');
    expect(run.printed.join('')).not.toContain('load balancer');
  });

  test('goes although etcd does not answer here', async () => {
    const run = prepare('node1', { etcd: down('master1', 'master2', 'master3') });
    expect(await run.run()).toEqual(['done', 'done', 'unchanged', 'done']);
    expect(run.warnings().join()).toContain('etcd does not answer');
  });
});

describe('a control plane', () => {
  test('leaves etcd after its Pods and before its Node object, asked for at the members that stay', async () => {
    const run = prepare('master3');
    expect(await run.run()).toEqual(['done', 'done', 'done', 'done']);
    expect(run.etcd.removed).toEqual(['3']);
    expect(run.etcd.opened.at(-1)).toEqual(['https://127.0.0.1:2379', 'https://192.168.3.30:2379']);
    expect(run.api.changes.at(-1)).toBe('remove Node master3');
    expect(run.printed.join('')).toContain('remove 192.168.3.31 from the load balancer');
  });

  test('whose host is gone leaves the same way', async () => {
    const run = prepare('master3', { etcd: down('master3'), api: gone(['web-1', { on: 'master3' }]) });
    expect(await run.run()).toEqual(['done', 'done', 'done', 'done']);
    expect(run.etcd.removed).toEqual(['3']);
    expect(run.api.changes).toContain('remove Pod default/web-1 at once');
    expect(run.warnings().join()).toContain('master3 is not Ready');
  });

  test('whose Node object is gone still leaves etcd', async () => {
    const run = prepare('master3', { etcd: down('master3'), api: without('master3') });
    expect(await run.run()).toEqual(['done', 'unchanged', 'done', 'unchanged']);
    expect(run.etcd.removed).toEqual(['3']);
    expect(run.printed.join('')).toContain('Node master3 has left the cluster');
  });

  test('whose member is gone loses its Node object', async () => {
    const etcd = new FakeEtcd(
      three.filter(({ name }) => name !== 'master3'),
      '192.168.3.29',
    );
    const run = prepare('master3', { etcd });
    expect(await run.run()).toEqual(['done', 'done', 'unchanged', 'done']);
    expect(etcd.removed).toEqual([]);
    expect(run.api.changes.at(-1)).toBe('remove Node master3');
    expect(run.printed.join('')).toContain('remove 192.168.3.31 from the load balancer');
  });

  test('whose member never started, so that it has no name, is known by its address', async () => {
    const etcd = new FakeEtcd(
      [...three, { id: '4', name: '', address: '192.168.3.40', isLearner: true }],
      '192.168.3.29',
    );
    const run = prepare('master4', { etcd, api: new FakeApi([...nodes, node('master4', '192.168.3.40')]) });
    await run.run();
    expect(etcd.removed).toEqual(['4']);
  });

  test('does not take a member that another node has at its old address', async () => {
    const run = prepare('old', { api: new FakeApi([...nodes, node('old', '192.168.3.30')]) });
    await run.run();
    expect(run.etcd.removed).toEqual([]);
  });
});

test.each([
  ['of a slip', 'nosuch', without('master9'), 'nodes: master1, master2, master3, node1; nothing was changed'],
  [
    'of a node whose neighbour is only a member of etcd',
    'master33',
    without('master3'),
    'nodes: master1, master2, node1; etcd members without a node: master3; nothing was changed',
  ],
])('the name %s fails with the names there are, in each phase alone too', async (_, name, api, detail) => {
  const run = prepare(name, { api });
  const error = await failureOf(run.run());
  expect(error.exitCode).toBe(1);
  expect(error.problems).toMatchObject([{ code: 'KB_NODE_UNKNOWN', detail }]);
  const [, drain] = nodeRemovePhases;
  expect((await failureOf(Promise.resolve(drain?.run(run.ctx, [])))).problems).toMatchObject(error.problems);
  expect([...run.api.changes, ...run.etcd.removed, ...run.printed]).toEqual([]);
});

describe('nothing is changed', () => {
  test.each([
    [
      'the rest would have no quorum',
      'master2',
      down('master3'),
      'without master2 2 voting members, 1 of them healthy',
    ],
    ['there is no quorum now', 'master3', down('master2', 'master3'), 'it has no quorum'],
    ['no etcd answers', 'master3', down('master1', 'master2', 'master3'), 'nothing was changed'],
  ])('when %s, and the exit code is 5', async (_, name, etcd, words) => {
    const run = prepare(name, { etcd });
    const error = await failureOf(run.run());
    expect(error.exitCode).toBe(1);
    expect(error.problems[0]?.detail).toContain(words);
    expect([...run.api.changes, ...etcd.removed]).toEqual([]);
  });

  test('when the node is the host that is worked through', async () => {
    const run = prepare('master1');
    expect((await failureOf(run.run())).problems).toMatchObject([{ code: 'KB_NODE_OWN' }]);
    expect([...run.api.changes, ...run.etcd.removed]).toEqual([]);
  });

  test('when it is the last control plane beside an external etcd', async () => {
    const { '/etc/kubernetes/manifests/etcd.yaml': _, ...files } = master1Files;
    const api = new FakeApi([node('master7', '192.168.3.77'), node('node1', '192.168.3.27')]);
    const run = prepare('master7', { files, api });
    expect((await failureOf(run.run())).problems).toMatchObject([{ code: 'KB_NODE_LAST' }]);
    expect(api.changes).toEqual([]);
  });

  test('when the question gets no yes; it says what would be done', async () => {
    const run = prepare('master3', { spec: { isConfirmed: false } });
    expect((await failureOf(run.run())).problems).toMatchObject([{ code: 'KB_NOT_CONFIRMED' }]);
    expect(run.questions[0]).toContain('evicts its Pods, removes etcd member 3, deletes the Node object');
    expect([...run.api.changes, ...run.etcd.removed]).toEqual([]);
  });

  test('when Pods would lose data or not come back: both are told before the question', async () => {
    const pods = [pod('cache', { volumes: [{ emptyDir: {} }] }), pod('bare', { owner: '' })];
    const run = prepare('node1', { api: new FakeApi([...nodes, ...pods]), spec: { isConfirmed: false } });
    const { problems } = await failureOf(run.run());
    expect(problems).toMatchObject([
      { code: 'KB_DRAIN_DATA', detail: 'emptyDir volumes: default/cache' },
      { code: 'KB_DRAIN_UNMANAGED', detail: 'without a controller: default/bare' },
    ]);
    expect([...run.api.changes, ...run.questions]).toEqual([]);
  });
});

test('the quorum is counted again after the drain, which takes its time', async () => {
  const etcd = new FakeEtcd(three, '192.168.3.29');
  const api = new FakeApi([...nodes, pod('web', { on: 'master3' })], {
    evict: () => {
      etcd.members = down('master2').members;
      return { kind: 'accepted' };
    },
  });
  const run = prepare('master3', { etcd, api, spec: { drainSeconds: 5 } });
  expect((await failureOf(run.run())).problems).toMatchObject([{ code: 'KB_ETCD_QUORUM' }]);
  expect(etcd.removed).toEqual([]);
  expect(api.changes.at(-1)).toBe('evict default/web');
});

test('an external etcd has no member to remove', async () => {
  const { '/etc/kubernetes/manifests/etcd.yaml': _, ...files } = master1Files;
  const run = prepare('master3', { files });
  expect(await run.run()).toEqual(['done', 'done', 'unchanged', 'done']);
  expect(run.etcd.opened).toEqual([]);
});

describe('draining', () => {
  test('leaves Pods of DaemonSets and static Pods where they are', async () => {
    const pods = [pod('proxy', { owner: 'DaemonSet' }), pod('etcd', { owner: 'Node', mirror: true }), pod('web')];
    const run = prepare('node1', { api: new FakeApi([...nodes, ...pods]) });
    await run.run();
    expect(run.api.changes.filter((one) => one.startsWith('evict'))).toEqual(['evict default/web']);
  });

  test('takes finished Pods without a flag, and with their flags those with data and without a controller', async () => {
    const finished = pod('job', { owner: '', phase: 'Succeeded', volumes: [{ emptyDir: {} }] });
    const run = prepare('node1', { api: new FakeApi([...nodes, finished]) });
    await run.run();
    expect(run.api.changes).toContain('evict default/job');
    const pods = [pod('cache', { volumes: [{ emptyDir: {} }] }), pod('bare', { owner: '' })];
    const flags = { deletesEmptyDirData: true, isForced: true };
    const both = prepare('node1', { api: new FakeApi([...nodes, ...pods]), spec: flags });
    await both.run();
    expect(both.api.changes).toEqual(expect.arrayContaining(['evict default/cache', 'evict default/bare']));
  });

  const refused: Eviction = { kind: 'refused', reason: 'The disruption budget web needs 1 healthy pods' };

  test('waits for a budget that gives way', async () => {
    const api = new FakeApi([...nodes, pod('web')], {
      evict: (_, times) => (times === 0 ? refused : { kind: 'accepted' }),
    });
    await prepare('node1', { api, spec: { drainSeconds: 5 } }).run();
    expect(api.changes.filter((one) => one === 'evict default/web')).toHaveLength(2);
    expect(api.changes.at(-1)).toBe('remove Node node1');
  });

  test('stops with the words of a budget that does not, and the Node stays', async () => {
    const run = prepare('node1', { api: new FakeApi([...nodes, pod('web')], { evict: () => refused }) });
    const [problem] = (await failureOf(run.run())).problems;
    expect(problem).toMatchObject({ code: 'KB_DRAIN' });
    expect(problem?.detail).toContain('default/web: The disruption budget web needs 1 healthy pods');
    expect(run.api.changes.filter((one) => one.startsWith('remove'))).toEqual([]);
  });

  test('with --force deletes at once what a budget keeps when the time is up, and says so', async () => {
    const api = new FakeApi([...nodes, pod('web')], { evict: () => refused });
    const run = prepare('node1', { api, spec: { isForced: true } });
    await run.run();
    expect(api.changes).toContain('remove Pod default/web at once');
    expect(run.warnings().join()).toContain('because of --force');
  });

  test('notices a host that goes away meanwhile', async () => {
    const api = new FakeApi([...nodes, pod('web')], {
      evict: () => {
        api.objects = api.objects.map((one) =>
          one.metadata.name === 'node1' ? node('node1', '192.168.3.27', 'Unknown') : one,
        );
        return refused;
      },
    });
    const run = prepare('node1', { api, spec: { drainSeconds: 5 } });
    await run.run();
    expect(api.changes).toContain('remove Pod default/web at once');
    expect(run.warnings().join()).toContain('node1 is not Ready');
  });

  test('of a node that is cordoned and empty changes nothing', async () => {
    const cordoned = { ...node('node1', '192.168.3.27'), spec: { unschedulable: true } };
    const api = new FakeApi([...nodes.filter(({ metadata }) => metadata.name !== 'node1'), cordoned]);
    expect((await prepare('node1', { api }).run())[1]).toBe('unchanged');
  });
});

describe('the API server that is asked', () => {
  test("is this host's own, which needs no load balancer", async () => {
    const run = prepare('node1');
    await run.run();
    expect(run.api.servers).toEqual(['https://192.168.3.29:6443']);
  });

  test('when none is ready, is told with each that was tried', async () => {
    const run = prepare('node1', { api: new FakeApi(nodes, { isReady: false }) });
    const [problem] = (await failureOf(run.run())).problems;
    expect(problem).toMatchObject({ code: 'KB_API_UNREACHABLE' });
    expect(problem?.detail).toMatch(/https:\/\/192\.168\.3\.29:6443: 500 .*https:\/\/lb:6443: 500/);
  });
});
