import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../../../src/cluster/types.ts';
import { KbError } from '../../../../src/errors.ts';
import { caPins } from '../../../../src/certs/pin.ts';
import { renderKubeconfig } from '../../../../src/kubeconfig/kubeconfig.ts';
import { paths } from '../../../../src/kube/paths.ts';
import type { JoinContext } from '../../../../src/phases/join/context.ts';
import { joinJournalPath } from '../../../../src/phases/join/journal.ts';
import { refuseTakenName, replaceNode } from '../../../../src/phases/join/same-name.ts';
import { FakeApi } from '../../../fakes/api.ts';
import { plainFacts } from '../../../fakes/host.ts';
import { endpoint, joinFrom, pki, token } from './fixture.ts';

interface OldNode {
  readonly isReady?: boolean;
  readonly machineId?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** `master1` as the cluster knows it: the name of the host that joins. */
function node({ isReady = false, machineId = 'f'.repeat(32), labels = {} }: OldNode = {}): KubeObject {
  const conditions = [{ type: 'Ready', status: isReady ? 'True' : 'Unknown' }];
  const status = { conditions, nodeInfo: { machineID: machineId } };
  return { apiVersion: 'v1', kind: 'Node', metadata: { name: 'master1', uid: 'old', labels }, status };
}

interface Joining {
  readonly objects: readonly KubeObject[];
  readonly replace?: JoinContext['settings']['replace'];
  readonly files?: Readonly<Record<string, string>>;
  readonly ca?: string;
  readonly login?: { readonly token: string } | { readonly clientCert: string; readonly clientKey: string };
}

/** A host named master1 joins a cluster with these objects; `api` is what it reaches as itself. */
function joining({ objects, replace, files = {}, ca = 'CA', login = { token } }: Joining): {
  readonly ctx: JoinContext;
  readonly api: FakeApi;
} {
  const flags = { apiServerEndpoint: endpoint, token, discoveryTokenUnsafeSkipCaVerification: true };
  const { ctx } = joinFrom(flags, {}, { files });
  const api = new FakeApi(objects);
  const server = `https://${endpoint}`;
  const cluster = { version: { major: 1, minor: 36, patch: 3 }, featureGates: {}, imageRepository: '' };
  const discovered = {
    credentials: { server, ca, ...login },
    api: api.open({ server }),
    clusterName: 'kubernetes',
    cluster: { ...cluster, kubelet: { isUserSupplied: false, document: {} } },
  };
  // Nothing but the machine-id and the CA tells whose node it is.
  return {
    ctx: {
      ...ctx,
      settings: { ...ctx.settings, ...(replace === undefined ? {} : { replace }) },
      discovered: Promise.resolve(discovered),
      ...(ca === 'CA' ? { earlier: Promise.resolve({ isSame: false, isJoined: false }) } : {}),
    },
    api,
  };
}

async function problemOf(run: Promise<unknown>): Promise<{ readonly code: string; readonly text: string }> {
  const error: unknown = await run.then(
    () => 'no failure',
    (cause: unknown) => cause,
  );
  if (!(error instanceof KbError)) throw new Error(`no KbError: ${String(error)}`);
  const [problem] = error.problems;
  return { code: problem?.code ?? '', text: `${problem?.summary}: ${problem?.detail}; ${problem?.fix}` };
}

const admin = (api: FakeApi) => ({ admin: async () => api.open({ server: 'https://admin' }) });

describe('a name that a node has (R15)', () => {
  test('is refused where that node is Ready, with --replace too', async () => {
    const objects = [node({ isReady: true })];
    for (const replace of [undefined, admin(new FakeApi(objects))]) {
      const { ctx } = joining({ objects, ...(replace === undefined ? {} : { replace }) });
      const { code, text } = await problemOf(refuseTakenName(ctx));
      expect(code).toBe('KB_NODE_NAME_TAKEN');
      expect(text).toContain('in the cluster already, and Ready');
      expect(text).not.toContain('--replace');
    }
  });

  test('is refused where that node is not Ready, and --replace is offered', async () => {
    const { code, text } = await problemOf(refuseTakenName(joining({ objects: [node()] }).ctx));
    expect(code).toBe('KB_NODE_NAME_TAKEN');
    expect(text).toContain('in the cluster already, and not Ready');
    expect(text).toContain('--replace');
  });

  test('is refused with --replace where that node is a control plane, and node remove is named', async () => {
    const objects = [node({ labels: { 'node-role.kubernetes.io/control-plane': '' } })];
    const { ctx } = joining({ objects, replace: admin(new FakeApi(objects)) });
    const { code, text } = await problemOf(refuseTakenName(ctx));
    expect(code).toBe('KB_NODE_NAME_TAKEN');
    expect(text).toContain('kbinit node remove master1');
  });

  test('is free where no node has it', async () => {
    await refuseTakenName(joining({ objects: [] }).ctx);
  });

  test("is the host's own where the node is not Ready and has its machine-id: it was reset", async () => {
    await refuseTakenName(joining({ objects: [node({ machineId: plainFacts.machineId })] }).ctx);
  });

  test('is refused where a Ready node has the machine-id too: two hosts are copies of one', async () => {
    const objects = [node({ isReady: true, machineId: plainFacts.machineId })];
    expect((await problemOf(refuseTakenName(joining({ objects }).ctx))).code).toBe('KB_NODE_NAME_TAKEN');
  });

  test("is the host's own where a killed join of it has left its journal and credentials", async () => {
    const { ca } = await pki('ECDSA-P256');
    const identity = { kind: 'token', token } as const;
    const kubelet = renderKubeconfig({ clusterName: '', server: `https://${endpoint}`, ca, user: 'x', identity });
    const files = {
      [joinJournalPath]: JSON.stringify({ format: 1, node: 'master1', pins: caPins(ca) }),
      [paths.kubeletConf]: kubelet,
      '/var/lib/kubelet/pki/kubelet-client-current.pem': 'a certificate',
    };
    for (const isReady of [false, true]) {
      await refuseTakenName(joining({ objects: [node({ isReady })], files, ca }).ctx);
    }
    const { [joinJournalPath]: _, ...others } = files;
    await expect(refuseTakenName(joining({ objects: [node()], files: others, ca }).ctx)).rejects.toThrow('NAME_TAKEN');
  });

  test('is not taken with a bootstrap token, which may delete no node: a control plane is asked for', async () => {
    const { code, text } = await problemOf(refuseTakenName(joining({ objects: [node()], replace: {} }).ctx));
    expect(code).toBe('KB_NODE_REPLACE');
    expect(text).toContain('--admin-host');
  });
});

describe('--replace (R15)', () => {
  test('deletes the dead node through a control plane, and no other object', async () => {
    const theirs = new FakeApi([node()]);
    const { ctx, api } = joining({ objects: [node()], replace: admin(theirs) });
    await refuseTakenName(ctx);
    expect([...theirs.changes, ...api.changes]).toEqual([]);
    await replaceNode(ctx);
    expect(theirs.changes).toEqual(['remove Node master1']);
    expect(api.changes).toEqual([]);
  });

  test('deletes it as who joins, where that is somebody who may', async () => {
    const login = { clientCert: 'C', clientKey: 'K' };
    const { ctx, api } = joining({ objects: [node()], replace: {}, login });
    await refuseTakenName(ctx);
    await replaceNode(ctx);
    expect(api.changes).toEqual(['remove Node master1']);
  });

  test('deletes nothing where an etcd member runs on the node, whatever its labels say', async () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'etcd-master1', namespace: 'kube-system' } };
    const theirs = new FakeApi([node(), pod]);
    const { ctx } = joining({ objects: [node()], replace: admin(theirs) });
    const { text } = await problemOf(replaceNode(ctx));
    expect(text).toContain('kbinit node remove master1');
    expect(theirs.changes).toEqual([]);
  });

  test('deletes nothing where the node has become Ready meanwhile, or nobody asked', async () => {
    const theirs = new FakeApi([node({ isReady: true })]);
    const ready = joining({ objects: [node({ isReady: true })], replace: admin(theirs) });
    await expect(replaceNode(ready.ctx)).rejects.toThrow('KB_NODE_NAME_TAKEN');
    const plain = joining({ objects: [node()] });
    await replaceNode(plain.ctx);
    expect([...theirs.changes, ...plain.api.changes]).toEqual([]);
  });
});
