import { describe, expect, test } from 'vitest';
import { joinEtcd } from '../../../../src/phases/join/etcd-join.ts';
import type { FakeMember } from '../../../fakes/etcd.ts';
import { joining, told, type Joining, type JoiningOptions } from './control-plane-fixture.ts';

const manifest = '/etc/kubernetes/manifests/etcd.yaml';
const journal = '/var/lib/kbinit/journal/join.json';
const mine: FakeMember = { id: '77', name: 'master2', address: '192.168.3.30' };

/** A kubelet that starts etcd as soon as there is a manifest. */
async function withKubelet(options: JoiningOptions = {}): Promise<Joining> {
  const join = await joining(options);
  const write = join.host.write.bind(join.host);
  join.host.write = async (artifacts, directories) => {
    for (const { path } of artifacts) if (path === manifest) join.etcd.changes.push('write the manifest');
    const changes = await write(artifacts, directories);
    if (artifacts.some(({ path }) => path === manifest)) {
      join.etcd.members = join.etcd.members.map((member) =>
        member.address === mine.address ? { ...member, name: 'master2' } : member,
      );
    }
    return changes;
  };
  return join;
}

describe('a new member', () => {
  test('is a learner before it has a manifest, and votes only when it has started', async () => {
    const { ctx, node, etcd, host } = await withKubelet();
    expect(await joinEtcd(ctx, node)).toBe('done');
    expect(etcd.changes).toEqual(['add learner 192.168.3.30', 'write the manifest', 'promote 192.168.3.30']);
    const text = host.files.get(manifest) ?? '';
    expect(text).toContain('--initial-cluster=master1=https://192.168.3.29:2380,master2=https://192.168.3.30:2380');
    expect(text).toContain('--initial-cluster-state=existing');
  });

  test('is in the journal before its data can be', async () => {
    const { ctx, node, host } = await withKubelet();
    await joinEtcd(ctx, node);
    expect(JSON.parse(host.files.get(journal) ?? '')).toMatchObject({ role: 'control-plane', etcdMember: '77' });
  });

  test('asks the members that are there, not itself', async () => {
    const { ctx, node, etcd } = await withKubelet();
    await joinEtcd(ctx, node);
    expect(etcd.opened.at(-1)).toEqual(['https://192.168.3.29:2379']);
  });

  test('is added while this join has its turn, which is free again afterwards', async () => {
    const { ctx, node, api } = await withKubelet();
    await joinEtcd(ctx, node);
    const lease = api.objects.find(({ kind }) => kind === 'Lease');
    expect(lease).toMatchObject({ spec: { holderIdentity: '', leaseTransitions: 0 } });
    expect(api.changes[0]).toBe('create Lease kube-system/kbinit-control-plane-join');
  });
});

describe('a learner that an earlier run added', () => {
  test('and that has not started is used, and no second one added', async () => {
    const { ctx, node, etcd } = await withKubelet({
      members: [
        { id: '1', name: 'master1', address: '192.168.3.29' },
        { ...mine, name: '', isLearner: true },
      ],
    });
    expect(await joinEtcd(ctx, node)).toBe('done');
    expect(etcd.changes).toEqual(['write the manifest', 'promote 192.168.3.30']);
  });

  test('and that has lost its data is replaced', async () => {
    const { ctx, node, etcd } = await withKubelet({
      members: [
        { id: '1', name: 'master1', address: '192.168.3.29' },
        { ...mine, isLearner: true },
      ],
    });
    expect(await joinEtcd(ctx, node)).toBe('done');
    expect(etcd.changes.slice(0, 2)).toEqual(['remove 192.168.3.30', 'add learner 192.168.3.30']);
  });
});

test('a learner of another host that stays one is named, with the way to be rid of it', async () => {
  const { ctx, node, etcd } = await withKubelet({
    members: [
      { id: '1', name: 'master1', address: '192.168.3.29' },
      { id: '255', name: '', address: '192.168.3.31', isLearner: true },
    ],
  });
  await expect(joinEtcd(ctx, node)).rejects.toMatchObject({
    problems: [{ code: 'KB_ETCD_JOIN', fix: expect.stringContaining('etcdctl member remove ff') }],
  });
  expect(etcd.changes).toEqual([]);
});

describe('a member that votes', () => {
  const members = [{ id: '1', name: 'master1', address: '192.168.3.29' }, mine];

  test('with its data and manifest is left alone, and no turn is taken', async () => {
    const { ctx, node, etcd, host, api } = await withKubelet({
      members,
      files: { [manifest]: 'as it was' },
      replies: [[/\[ -e \S+member \]/, '']],
    });
    expect(await joinEtcd(ctx, node)).toBe('unchanged');
    expect(etcd.changes).toEqual([]);
    expect(api.changes).toEqual([]);
    expect(host.files.get(manifest)).toBe('as it was');
  });

  test('and whose data is gone is not touched: the user decides', async () => {
    const { ctx, node, etcd } = await withKubelet({ members });
    await expect(joinEtcd(ctx, node)).rejects.toMatchObject({ problems: [{ code: 'KB_ETCD_MEMBER_LOST' }] });
    expect(etcd.changes).toEqual([]);
  });
});

describe('a learner that never starts', () => {
  const replies: JoiningOptions['replies'] = [
    [
      "echo '== kubelet'",
      '== log etcd\n2027-01-01T00:00:00Z stderr F {"level":"fatal","error":"cannot fetch cluster info from peer urls"}\n',
    ],
    ['left-$stamp', '/var/lib/etcd.left-20261121T120000Z\n'],
  ];

  test('leaves the cluster again, its data is put aside, and the cause is named', async () => {
    const { ctx, node, etcd } = await joining({ replies });
    const failure = await joinEtcd(ctx, node).catch((error: unknown) => error);
    expect(failure).toMatchObject({ problems: [{ code: 'KB_ETCD_LEARNER', host: 'master2' }] });
    expect(String(failure)).toContain('learner removed from the etcd cluster');
    expect(String(failure)).toContain('/var/lib/etcd.left-20261121T120000Z');
    expect(String(failure)).toContain('2380');
    expect(etcd.changes).toEqual(['add learner 192.168.3.30', 'remove 192.168.3.30']);
  });

  test('but was promoted in the last moment, stays', async () => {
    const { ctx, node, etcd, host } = await joining({
      replies: [
        [
          "echo '== kubelet'",
          () => {
            etcd.members = etcd.members.map((member) => (member.id === '77' ? mine : member));
            return '';
          },
        ],
      ],
    });
    await expect(joinEtcd(ctx, node)).rejects.toThrow('has already been promoted');
    expect(etcd.removed).toEqual([]);
    expect(host.ran.every(({ command }) => !command.includes('left-$stamp'))).toBe(true);
  });

  test('frees its turn for the next', async () => {
    const { ctx, node, api } = await joining({ replies });
    await joinEtcd(ctx, node).catch(() => undefined);
    expect(api.objects.find(({ kind }) => kind === 'Lease')).toMatchObject({ spec: { holderIdentity: '' } });
  });
});

test('with an external etcd there is no member to add, and nothing is asked', async () => {
  const { ctx, node, etcd } = await joining({
    cluster: 'etcd: {external: {endpoints: ["https://10.0.0.1:2379"], caFile: "", certFile: "", keyFile: ""}}\n',
  });
  expect(await joinEtcd(ctx, node)).toBe('unchanged');
  expect(etcd.opened).toEqual([]);
});

describe('while another control plane has its turn', () => {
  const lease = (holder: string) => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'kbinit-control-plane-join', namespace: 'kube-system', resourceVersion: '9' },
    spec: { holderIdentity: holder, leaseDurationSeconds: 15, leaseTransitions: 4 },
  });

  test('nothing is added, and it is told whom it waits for', async () => {
    const { ctx, node, etcd, events } = await withKubelet({ objects: [lease('ann@laptop pid 7')] });
    await expect(joinEtcd(ctx, node)).rejects.toMatchObject({ problems: [{ code: 'KB_LOCKED' }], exitCode: 6 });
    expect(etcd.changes).toEqual([]);
    expect(told(events)).toContain('another control plane joins: waiting for ann@laptop pid 7');
  });

  test('whose run is dead, it is succeeded at once', async () => {
    const { ctx, node, api } = await withKubelet({ objects: [lease('ann@laptop pid 7')], isDead: () => true });
    expect(await joinEtcd(ctx, node)).toBe('done');
    expect(api.objects.find(({ kind }) => kind === 'Lease')).toMatchObject({ spec: { leaseTransitions: 5 } });
  });
});
