// The Node of this host: what init and join write to it.
import { describe, expect, test } from 'vitest';
import type { Api, KubeObject } from '../../../../src/cluster/types.ts';
import type { InitContext } from '../../../../src/phases/context.ts';
import type { JoinContext } from '../../../../src/phases/join/context.ts';
import { kubeletWaitBootstrap } from '../../../../src/phases/join/kubelet-wait-bootstrap.ts';
import { markControlPlane } from '../../../../src/phases/init/mark-control-plane.ts';
import { uploadConfig } from '../../../../src/phases/init/upload-config.ts';
import { FakeApi } from '../../../fakes/api.ts';
import { recordingReporter } from '../../../fakes/host.ts';
import { specOf } from '../../../golden/support/case.ts';
import type { CaseName } from '../../../golden/support/case.ts';
import { endpoint, joinFrom, token } from '../join/fixture.ts';

const socket = 'unix:///run/containerd/containerd.sock';
const discovery = { apiServerEndpoint: endpoint, token, discoveryTokenCaCertHash: [`sha256:${'7'.repeat(64)}`] };

function node(name: string, annotations: Readonly<Record<string, string>> = {}): KubeObject {
  const labels = { 'kubernetes.io/hostname': name };
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels, annotations } };
}

/** A client of the fake, for which every object is already as it should be. */
function settled(fake: FakeApi): Api {
  return {
    ...fake.open({ server: 'https://192.168.3.129:6443' }),
    apply: async (object) => ({ outcome: 'unchanged', object }),
  };
}

function initFrom(golden: CaseName, api: Api): InitContext {
  const { ctx } = joinFrom(discovery, {});
  return {
    ...ctx,
    reporter: recordingReporter(),
    spec: specOf(golden),
    settings: {
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
    admin: Promise.resolve(api),
  };
}

describe('upload-config', () => {
  test('writes the CRI socket on the node of a 1.33, where kubeadm looks for it', async () => {
    const fake = new FakeApi([node('master1')]);
    const { criSocket } = specOf('v1.33.13/default').node;
    expect(await uploadConfig.run(initFrom('v1.33.13/default', settled(fake)), ['kubeadm', 'kubelet'])).toBe('done');
    const annotations = { 'kubeadm.alpha.kubernetes.io/cri-socket': criSocket };
    expect(fake.changes).toEqual([`patch Node master1 ${JSON.stringify({ metadata: { annotations } })}`]);
  });

  test('changes nothing on a node that has it', async () => {
    const { criSocket } = specOf('v1.33.13/default').node;
    const fake = new FakeApi([node('master1', { 'kubeadm.alpha.kubernetes.io/cri-socket': criSocket })]);
    const done = await uploadConfig.run(initFrom('v1.33.13/default', settled(fake)), ['kubeadm', 'kubelet']);
    expect([done, fake.changes]).toEqual(['unchanged', []]);
  });

  test('leaves the node of a 1.34 alone: a file on the host tells the socket', async () => {
    const fake = new FakeApi([node('master1')]);
    const done = await uploadConfig.run(initFrom('v1.34.4/default', settled(fake)), ['kubeadm', 'kubelet']);
    expect([done, fake.changes]).toEqual(['unchanged', []]);
  });

  test('writes it with its part kubelet, not with its part kubeadm', async () => {
    const fake = new FakeApi([node('master1')]);
    await uploadConfig.run(initFrom('v1.33.13/default', settled(fake)), ['kubeadm']);
    expect(fake.changes).toEqual([]);
  });
});

describe('mark-control-plane', () => {
  test('waits for the node that the kubelet registers', async () => {
    const fake = new FakeApi();
    const api = settled(fake);
    let asked = 0;
    const late: Api = { ...api, get: async (ref) => (++asked < 3 ? undefined : api.get(ref)) };
    fake.objects = [node('master1')];
    expect(await markControlPlane.run(initFrom('v1.36.3/default', late), [])).toBe('done');
    expect(fake.changes.join('\n')).toContain('patch Node master1 {"metadata":{"labels":');
  });
});

describe('kubelet-wait-bootstrap', () => {
  const kubeletConf = `apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: k, user: u}}]
clusters: [{name: k, cluster: {server: 'https://lb:6443', certificate-authority-data: Q0E=}}]
users: [{name: u, user: {client-certificate: /pki/current.pem, client-key: /pki/current.pem}}]
`;

  async function joined(minor: number): Promise<FakeApi> {
    const fake = new FakeApi([node('node1')]);
    const files = { '/etc/kubernetes/kubelet.conf': kubeletConf, '/pki/current.pem': 'PEM' };
    const { ctx } = joinFrom({ ...discovery, nodeName: 'node1', criSocket: socket }, {}, { files });
    const { cluster } = specOf('v1.33.13/default');
    const context: JoinContext = {
      ...ctx,
      apis: fake,
      discovered: Promise.resolve({
        credentials: { server: 'https://lb:6443', ca: 'CA' },
        api: fake.open({ server: 'https://bootstrap:6443' }),
        clusterName: 'kubernetes',
        cluster: { ...cluster, version: { major: 1, minor, patch: 4 } },
      }),
    };
    await kubeletWaitBootstrap.run(context, []);
    return fake;
  }

  test('has the node of a 1.33 tell its CRI socket with its own credentials', async () => {
    const fake = await joined(33);
    const annotations = { 'kubeadm.alpha.kubernetes.io/cri-socket': socket };
    expect(fake.changes).toEqual([`patch Node node1 ${JSON.stringify({ metadata: { annotations } })}`]);
    expect(fake.servers).toEqual(['https://bootstrap:6443', 'https://lb:6443']);
  });

  test('writes nothing on the node of a 1.34', async () => {
    const fake = await joined(34);
    expect(fake.changes).toEqual([]);
    expect(fake.servers).toEqual(['https://bootstrap:6443']);
  });
});
