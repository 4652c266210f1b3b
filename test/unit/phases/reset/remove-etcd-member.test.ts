import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../../src/cluster/types.ts';
import { loadReset } from '../../../../src/config/load.ts';
import type { ResetContext } from '../../../../src/phases/reset/context.ts';
import { cleanupNode } from '../../../../src/phases/reset/cleanup-node.ts';
import { removeEtcdMember } from '../../../../src/phases/reset/remove-etcd-member.ts';
import { FakeApi } from '../../../fakes/api.ts';
import { FakeEtcd, three, type FakeMember } from '../../../fakes/etcd.ts';
import { FakeHost, recordingReporter } from '../../../fakes/host.ts';
import { fixedRandomSource } from '../../../fakes/keys.ts';
import { failureOf } from '../../../fakes/failure.ts';
import { runContext } from '../../../fakes/run.ts';

const address = '192.168.3.29';
const etcdManifest = readFileSync(
  new URL('../../../golden/v1.36.3/default/files/etcd.yaml', import.meta.url),
  'utf8',
).replaceAll('192.168.3.129', address);
const adminConf = `apiVersion: v1
kind: Config
current-context: admin
contexts: [{name: admin, context: {cluster: k, user: admin}}]
clusters: [{name: k, cluster: {server: 'https://lb:6443', certificate-authority-data: Q0E=}}]
users: [{name: admin, user: {token: t}}]
`;
const [data, pki] = ['/var/lib/etcd/member/snap/db', '/etc/kubernetes/pki/etcd'];
const controlPlane: Readonly<Record<string, string>> = {
  '/etc/kubernetes/manifests/etcd.yaml': etcdManifest,
  '/etc/kubernetes/admin.conf': adminConf,
  [`${pki}/ca.crt`]: 'CA',
  [`${pki}/healthcheck-client.crt`]: 'CERT',
  [`${pki}/healthcheck-client.key`]: 'KEY',
  [data]: 'precious',
};

interface Case {
  readonly etcd?: FakeEtcd;
  readonly api?: FakeApi;
  readonly files?: Readonly<Record<string, string>>;
  readonly force?: string;
  /** What the search for keys of an API server in etcd's data ends with. */
  readonly holds?: { readonly code: number };
}

interface Done {
  readonly host: FakeHost;
  readonly ctx: ResetContext;
  readonly reporter: ReturnType<typeof recordingReporter>;
}

function prepare({
  etcd = new FakeEtcd(three, address),
  api = new FakeApi([], { isReady: false }),
  files,
  force,
  holds = { code: 0 },
}: Case): Done {
  const host: FakeHost = new FakeHost({
    files: files ?? controlPlane,
    replies: [
      [/\[ -e '?\/var\/lib\/etcd\/member'? \]/, () => (host.files.has(data) ? 'data\n' : '')],
      [/grep -rqaF -e \/registry -- '?\/var\/lib\/etcd'?\/member/, holds],
      ['systemctl stop kubelet', ''],
      ['readlink -f', '/var/lib/kubelet\n'],
      ['', ''],
    ],
  });
  const reporter = recordingReporter();
  const { draft } = loadReset(undefined, 'the test', {});
  const ctx: ResetContext = {
    ...runContext(host, 'kbinit reset'),
    reporter,
    apis: api,
    etcds: etcd,
    chance: fixedRandomSource(),
    print: () => undefined,
    spec: draft,
    settings: {
      kubeconfig: '/etc/kubernetes/admin.conf',
      ...(force === undefined ? {} : { forceWipeEtcd: force }),
    },
    ask: async () => false,
  };
  return { host, ctx, reporter };
}

const down = (...names: readonly string[]): readonly FakeMember[] =>
  three.map((member) => (names.includes(member.name) ? { ...member, isDown: true } : member));

/** What the cluster knows of the members that have joined it. */
function etcdPod(name: string, at: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `etcd-${name}`,
      namespace: 'kube-system',
      labels: { component: 'etcd', tier: 'control-plane' },
      annotations: { 'kubeadm.kubernetes.io/etcd.advertise-client-urls': `https://${at}:2379` },
    },
  };
}

describe('one of three healthy members', () => {
  test('leaves its cluster, asked for at the others first', async () => {
    const etcd = new FakeEtcd(three, address);
    const { ctx } = prepare({ etcd });
    await removeEtcdMember.run(ctx, []);
    expect(etcd.removed).toEqual(['10276657743932975437']);
    expect(etcd.opened.at(-1)).toEqual([
      'https://192.168.3.30:2379',
      'https://192.168.3.31:2379',
      'https://127.0.0.1:2379',
    ]);
    expect(ctx.etcdDataDir).toBe('/var/lib/etcd');
  });

  test('has left when the reset is run again, also where nothing answers any more', async () => {
    const { host, ctx } = prepare({});
    await removeEtcdMember.run(ctx, []);
    const again = prepare({
      files: Object.fromEntries(host.files),
      etcd: new FakeEtcd(down('master1', 'master2', 'master3')),
    });
    expect(await removeEtcdMember.run(again.ctx, [])).toBe('unchanged');
    expect(again.ctx.etcdDataDir).toBe('/var/lib/etcd');
  });
});

test('a member whose peer URL was changed since is known by the id that it gives itself', async () => {
  const etcd = new FakeEtcd(three, address);
  const manifest = etcdManifest.replace(
    /--initial-advertise-peer-urls=.*/,
    '--initial-advertise-peer-urls=https://old:2380',
  );
  const files = { ...controlPlane, '/etc/kubernetes/manifests/etcd.yaml': manifest };
  await removeEtcdMember.run(prepare({ etcd, files }).ctx, []);
  expect(etcd.removed).toEqual(['10276657743932975437']);
});

describe('a member whose own etcd is down', () => {
  test('leaves through the others, which the cluster names', async () => {
    const etcd = new FakeEtcd(down('master1'), address);
    const api = new FakeApi([etcdPod('master2', '192.168.3.30'), etcdPod('master3', '192.168.3.31')]);
    const { ctx } = prepare({ etcd, api });
    await removeEtcdMember.run(ctx, []);
    expect(etcd.removed).toEqual(['10276657743932975437']);
  });

  test('leaves through those that it was set up with when no API server answers', async () => {
    const etcd = new FakeEtcd(down('master1'), address);
    const manifest = etcdManifest.replace(
      /--initial-cluster=.*/,
      '--initial-cluster=master2=https://192.168.3.30:2380,master1=https://192.168.3.29:2380',
    );
    const files = { ...controlPlane, '/etc/kubernetes/manifests/etcd.yaml': manifest };
    await removeEtcdMember.run(prepare({ etcd, files }).ctx, []);
    expect(etcd.removed).toEqual(['10276657743932975437']);
  });

  test('that was removed before by `node remove` has nothing left to do', async () => {
    const etcd = new FakeEtcd(three.slice(1), address);
    const api = new FakeApi([etcdPod('master2', '192.168.3.30')]);
    expect(await removeEtcdMember.run(prepare({ etcd, api }).ctx, [])).toBe('unchanged');
    expect(etcd.removed).toEqual([]);
  });
});

describe('a reset stops with the data untouched', () => {
  test('when the rest would have no quorum; it says the id, the numbers and the line for etcdctl', async () => {
    const etcd = new FakeEtcd(down('master3'), address);
    const { host, ctx } = prepare({ etcd });
    const error = await failureOf(removeEtcdMember.run(ctx, []));
    expect(error.exitCode).toBe(1);
    expect(error.problems).toMatchObject([{ code: 'KB_ETCD_QUORUM' }]);
    expect(error.problems[0]?.detail).toContain('8e9e05c52164694d');
    expect(error.problems[0]?.detail).toContain('3 voting members, 2 of them healthy, 2 needed');
    expect(error.problems[0]?.fix).toContain(
      `etcdctl --endpoints=https://192.168.3.30:2379 --cacert=${pki}/ca.crt --cert=${pki}/healthcheck-client.crt --key=${pki}/healthcheck-client.key member remove 8e9e05c52164694d`,
    );
    expect(etcd.removed).toEqual([]);
    expect(Object.fromEntries(host.files)).toEqual(controlPlane);
  });

  test('with the name of another host stops a host without etcd too', async () => {
    const { '/etc/kubernetes/manifests/etcd.yaml': _, ...files } = controlPlane;
    const { ctx } = prepare({ files, force: 'master2' });
    expect((await failureOf(removeEtcdMember.run(ctx, []))).problems).toMatchObject([{ code: 'KB_NOT_CONFIRMED' }]);
  });

  test('when two of three are down', async () => {
    const { ctx } = prepare({ etcd: new FakeEtcd(down('master2', 'master3'), address) });
    const error = await failureOf(removeEtcdMember.run(ctx, []));
    expect(error.exitCode).toBe(1);
    expect(error.problems[0]?.detail).toContain('it has no quorum');
  });

  test('when nobody answers', async () => {
    const { host, ctx } = prepare({ etcd: new FakeEtcd(down('master1', 'master2', 'master3'), address) });
    const error = await failureOf(removeEtcdMember.run(ctx, []));
    expect(error.problems).toMatchObject([{ code: 'KB_ETCD_UNREACHABLE' }]);
    expect(error.exitCode).toBe(1);
    expect(Object.fromEntries(host.files)).toEqual(controlPlane);
  });

  test('when the certificate to ask with is not there', async () => {
    const { [`${pki}/healthcheck-client.key`]: _, ...files } = controlPlane;
    const error = await failureOf(removeEtcdMember.run(prepare({ files }).ctx, []));
    expect(error.problems[0]?.detail).toContain(`${pki}/healthcheck-client.key does not exist`);
    expect(error.exitCode).toBe(1);
  });
});

describe('nothing can be lost', () => {
  const nobody = (): FakeEtcd => new FakeEtcd(down('master1', 'master2', 'master3'), address);

  test('where etcd never ran: the reset goes on although nobody answers', async () => {
    const { [data]: _, ...files } = controlPlane;
    expect(await removeEtcdMember.run(prepare({ etcd: nobody(), files }).ctx, [])).toBe('done');
  });

  const unfinished = JSON.stringify({ format: 1, spec: {}, startedAt: '', makes: [] });
  const failed = { ...controlPlane, '/var/lib/kbinit/journal/init.json': unfinished };

  test('of an init that did not finish, where etcd holds nothing of an API server', async () => {
    const holds = { code: 1 };
    expect(await removeEtcdMember.run(prepare({ etcd: nobody(), files: failed, holds }).ctx, [])).toBe('done');
  });

  test.each([
    ['what an API server wrote', { code: 0 }],
    ['what cannot be read', { code: 2 }],
  ])('is not believed of an init without an end, where etcd holds %s', async (_what, holds) => {
    const { host, ctx } = prepare({ etcd: nobody(), files: failed, holds });
    expect((await failureOf(removeEtcdMember.run(ctx, []))).problems).toMatchObject([{ code: 'KB_ETCD_UNREACHABLE' }]);
    expect(Object.fromEntries(host.files)).toEqual(failed);
  });

  test('is not believed where etcd was set up with other members', async () => {
    const manifest = etcdManifest.replace(/--initial-cluster=.*/, '$&,master2=https://192.168.3.30:2380');
    const files = { ...failed, '/etc/kubernetes/manifests/etcd.yaml': manifest };
    const { ctx } = prepare({ etcd: nobody(), files, holds: { code: 1 } });
    expect((await failureOf(removeEtcdMember.run(ctx, []))).has('KB_ETCD_UNREACHABLE')).toBe(true);
  });

  test('which does not excuse a quorum that would be lost', async () => {
    const journal = JSON.stringify({ format: 1, spec: {}, startedAt: '', makes: [] });
    const files = { ...controlPlane, '/var/lib/kbinit/journal/init.json': journal };
    const etcd = new FakeEtcd(down('master3'), address);
    expect((await failureOf(removeEtcdMember.run(prepare({ etcd, files }).ctx, []))).exitCode).toBe(1);
  });

  test('which is not so for an init that did finish', async () => {
    const journal = JSON.stringify({ format: 1, spec: {}, startedAt: '', makes: [], finishedAt: 'then' });
    const files = { ...controlPlane, '/var/lib/kbinit/journal/init.json': journal };
    expect((await failureOf(removeEtcdMember.run(prepare({ etcd: nobody(), files }).ctx, []))).exitCode).toBe(1);
  });
});

describe('--force-wipe-etcd', () => {
  test('with the name of this host goes on, and says what was wrong', async () => {
    const { ctx, reporter } = prepare({ etcd: new FakeEtcd(down('master2', 'master3'), address), force: 'MASTER1' });
    expect(await removeEtcdMember.run(ctx, [])).toBe('done');
    expect(ctx.etcdDataDir).toBe('/var/lib/etcd');
    const warnings = reporter.events.flatMap((event) => (event.kind === 'warning' ? [event.text] : []));
    expect(warnings.join('\n')).toContain('it has no quorum');
  });

  test('with the name of another host stops before anything', async () => {
    const { host, ctx } = prepare({ force: 'master2' });
    expect((await failureOf(removeEtcdMember.run(ctx, []))).problems).toMatchObject([{ code: 'KB_NOT_CONFIRMED' }]);
    expect(ctx.etcdDataDir).toBeUndefined();
    expect(Object.fromEntries(host.files)).toEqual(controlPlane);
  });

  test('still leaves the cluster properly where that can be done', async () => {
    const etcd = new FakeEtcd(three, address);
    await removeEtcdMember.run(prepare({ etcd, force: 'master1' }).ctx, []);
    expect(etcd.removed).toHaveLength(1);
  });
});

describe('the data folder', () => {
  test('of an etcd that is not ours is not touched', async () => {
    const { '/etc/kubernetes/manifests/etcd.yaml': _, ...files } = controlPlane;
    const { host, ctx } = prepare({ files });
    await removeEtcdMember.run(ctx, []);
    await cleanupNode.run(ctx, []);
    expect(host.files.get(data)).toBe('precious');
  });

  test('is emptied after the member has left, also by cleanup-node as a run of its own', async () => {
    const { host, ctx } = prepare({});
    await removeEtcdMember.run(ctx, []);
    expect(host.files.get(data)).toBe('precious');
    const later = prepare({ files: Object.fromEntries(host.files) });
    await cleanupNode.run(later.ctx, []);
    expect(later.host.files.has(data)).toBe(false);
  });

  test('stays when cleanup-node runs alone and no member has left', async () => {
    const { host, ctx } = prepare({});
    await cleanupNode.run(ctx, []);
    expect(host.files.get(data)).toBe('precious');
  });

  test('goes with the last member', async () => {
    const { host, ctx } = prepare({ etcd: new FakeEtcd(three.slice(0, 1), address) });
    expect(await removeEtcdMember.run(ctx, [])).toBe('unchanged');
    await cleanupNode.run(ctx, []);
    expect(host.files.has(data)).toBe(false);
  });
});
