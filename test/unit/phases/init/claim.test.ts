// What runs of init leave in the journal, and what a later run on the same host makes of it.
import { describe, expect, test } from 'vitest';
import { KbError } from '../../../../src/errors.ts';
import type { InitSpec } from '../../../../src/config/spec.ts';
import type { ApiOpener } from '../../../../src/cluster/types.ts';
import { adminApi } from '../../../../src/phases/init/admin.ts';
import { certs } from '../../../../src/phases/init/certs.ts';
import { finishJournal } from '../../../../src/phases/init/claim.ts';
import type { InitContext } from '../../../../src/phases/context.ts';
import { judgeEarlier, type EarlierInit } from '../../../../src/phases/init/previous-run.ts';
import { readExisting } from '../../../../src/phases/init/existing.ts';
import { journalPath, parseJournal, specIdentity } from '../../../../src/phases/journal.ts';
import { kubeconfig } from '../../../../src/phases/init/kubeconfig.ts';
import { readJournal } from '../../../../src/phases/init/serving.ts';
import { specOf } from '../../../golden/support/case.ts';
import { FakeHost } from '../../../fakes/host.ts';
import { fixedRandomSource } from '../../../fakes/keys.ts';
import { runContext, unused } from '../../../fakes/run.ts';

const pki = '/etc/kubernetes/pki';
const spec = specOf('v1.36.3/default');
const { cluster } = spec;
const all = ['ca', 'apiserver', 'apiserver-kubelet-client', 'front-proxy-ca', 'front-proxy-client', 'etcd-ca', 'sa'];
const otherArguments: InitSpec = {
  ...spec,
  cluster: { ...cluster, apiServer: { ...cluster.apiServer, extraArgs: [{ name: 'v', value: '4' }] } },
};
const otherSubnet: InitSpec = {
  ...spec,
  timeouts: { ...spec.timeouts, kubeletHealthCheck: 999 },
  cluster: { ...cluster, networking: { ...cluster.networking, podSubnet: '10.99.0.0/16' } },
};

interface Case {
  readonly spec?: InitSpec;
  readonly alone?: boolean;
  readonly apis?: ApiOpener;
  readonly startedAt?: Date;
}

function run(host: FakeHost, { spec: wanted = spec, alone, apis, startedAt }: Case = {}): InitContext {
  const base = runContext(host, 'kbinit init');
  return {
    ...base,
    chance: fixedRandomSource(),
    spec: wanted,
    startedAt: startedAt ?? base.startedAt,
    apis: apis ?? { open: unused },
    settings: {
      ...(alone === true && { isPhaseAlone: true as const }),
      uploadCerts: false,
      skipTokenPrint: false,
      skipCertificateKeyPrint: false,
      printManifest: false,
      kubeconfig: '/etc/kubernetes/admin.conf',
      kubeconfigDir: '/etc/kubernetes',
      patches: [],
      flannelBackend: 'vxlan',
    },
    tokens: [],
  };
}

async function judge(ctx: InitContext): Promise<EarlierInit> {
  return judgeEarlier(ctx, await readExisting(ctx), [], await readJournal(ctx));
}

/** An API whose health endpoints give these answers, by the port that is asked; nothing listens on the others. */
function answering(statuses: Readonly<Record<string, number>>): ApiOpener {
  return {
    open: ({ server }) => {
      const status = statuses[new URL(server).port];
      const raw = async (): Promise<{ status: number; body: string }> => {
        if (status === undefined) throw new Error('connect ECONNREFUSED');
        return { status, body: '' };
      };
      return Object.assign(Object.create(null), { server, raw, close: () => undefined });
    },
  };
}

const later = new Date('2026-11-22T02:12:19.345Z');
const journal = (more: object): string =>
  JSON.stringify({
    format: 1,
    spec: specIdentity({ spec }),
    startedAt: '2026-11-21T02:12:19.345Z',
    makes: [],
    ...more,
  });
const adminConf = `apiVersion: v1
kind: Config
current-context: admin
contexts: [{name: admin, context: {cluster: k, user: admin}}]
clusters: [{name: k, cluster: {server: 'https://lb:6443', certificate-authority-data: Q0E=}}]
users: [{name: admin, user: {token: t}}]
`;
const hostWith = (text: string): FakeHost =>
  new FakeHost({ files: { [journalPath]: text, '/etc/kubernetes/admin.conf': adminConf } });

describe('a phase alone', () => {
  test('claims no host, whatever folder it works in: a whole init of another spec goes on', async () => {
    const host = new FakeHost();
    const elsewhere = { ...spec, cluster: { ...cluster, certificatesDir: '/x' } };
    await certs.run(run(host, { alone: true, spec: elsewhere }), ['etcd-ca']);
    await certs.run(run(host, { alone: true }), all);
    await kubeconfig.run(run(host, { alone: true }), ['admin']);
    expect(parseJournal(host.files.get(journalPath))).toBeUndefined();
    const whole = run(host, { spec: otherSubnet });
    expect((await judge(whole)).kind).toBe('none');
    const before = host.files.get(`${pki}/ca.key`);
    await certs.run(whole, all);
    expect(host.files.get(`${pki}/ca.key`)).toBe(before);
    await kubeconfig.run(whole, ['kubelet']);
    expect(parseJournal(host.files.get(journalPath))?.spec).toMatchObject({
      networking: { podSubnet: '10.99.0.0/16' },
    });
  });

  test('that was cut in the middle of a pair is known by the next run, alone or whole', async () => {
    for (const alone of [true, false]) {
      const host = new FakeHost();
      await certs.run(run(host, { alone: true }), ['ca']);
      host.files.delete(`${pki}/ca.crt`);
      await certs.run(run(host, { alone }), ['ca']);
      expect(host.files.has(`${pki}/ca.crt`)).toBe(true);
    }
  });

  test('leaves no right to a file that somebody put in the place of its own', async () => {
    const host = new FakeHost();
    await certs.run(run(host, { alone: true }), ['ca']);
    const [mine, theirs] = [new FakeHost(), 'theirs'];
    await certs.run(run(mine, { alone: true }), ['ca']);
    host.files.delete(`${pki}/ca.crt`);
    host.files.set(`${pki}/ca.key`, theirs);
    await expect(certs.run(run(host), ['ca'])).rejects.toThrow(KbError);
    expect(host.files.get(`${pki}/ca.key`)).toBe(theirs);
  });
});

describe('a whole init', () => {
  test('claims the host for its spec, also where the phase certs is skipped', async () => {
    const host = new FakeHost();
    await certs.run(run(host, { alone: true }), all);
    await kubeconfig.run(run(host), ['admin']);
    expect(parseJournal(host.files.get(journalPath))?.finishedAt).toBeUndefined();
    await expect(judge(run(host, { spec: otherSubnet, apis: answering({}) }))).rejects.toThrow('KB_OTHER_SPEC');
  });

  test('that failed may be corrected, as long as its cluster does not serve', async () => {
    const host = hostWith(journal({ finishes: 'serving' }));
    for (const apis of [answering({}), answering({ 6443: 500 }), answering({ 6443: 200, 10257: 200 })]) {
      const found = await judge(run(host, { spec: otherArguments, startedAt: later, apis }));
      expect(found.corrections).toHaveLength(1);
    }
  });

  test('is finished when its cluster serves, without another phase behind that', async () => {
    const host = new FakeHost();
    const ctx = run(host);
    await certs.run(ctx, all);
    await finishJournal(ctx);
    expect(parseJournal(host.files.get(journalPath))?.finishedAt).toBeDefined();
    await expect(judge(run(host, { spec: otherArguments, startedAt: later }))).rejects.toThrow('KB_OTHER_SPEC');
  });
});

describe('the first phase that talks to the cluster as its admin', () => {
  const open = async (apis: ApiOpener, wanted: InitSpec = spec): Promise<string | undefined> => {
    const host = hostWith(journal({ finishes: 'serving' }));
    await adminApi(run(host, { apis, spec: wanted }));
    return parseJournal(await host.read(journalPath))?.finishedAt;
  };

  test('finishes the journal where the cluster serves, and only there', async () => {
    expect(await open(answering({ 6443: 200 }))).toBeDefined();
    expect(await open(answering({ 6443: 500 }))).toBeUndefined();
    expect(await open(answering({}))).toBeUndefined();
  });

  test('asks nothing in a dry run: there may be no server yet', async () => {
    expect(await open(answering({}), { ...spec, isDryRun: true })).toBeUndefined();
  });
});

describe('a cluster that serves, of an init without an end, takes no correction', () => {
  test.each([
    ['of an older kbinit, whose API server answers', {}, { 6443: 200 }],
    ['of an older kbinit, whose etcd is down', {}, { 6443: 500 }],
    ['of an init that was killed while it waited', { finishes: 'serving' }, { 6443: 200, 10257: 200, 10259: 200 }],
  ])('%s', async (_what, more, statuses) => {
    const host = hostWith(journal(more));
    const ctx = run(host, { spec: otherArguments, startedAt: later, apis: answering(statuses) });
    await expect(judge(ctx)).rejects.toThrow('KB_OTHER_SPEC');
    // The same configuration goes on, and writes down what was found.
    const same = run(host, { startedAt: later, apis: answering(statuses) });
    expect(await judge(same)).toMatchObject({ kind: 'same', isFinished: true });
    await finishJournal(same);
    expect(parseJournal(host.files.get(journalPath))?.finishedAt).toBeDefined();
  });
});
