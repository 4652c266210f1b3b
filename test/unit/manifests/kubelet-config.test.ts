import { describe, expect, test } from 'vitest';
import { type KubeletContext, kubeletArtifacts } from '../../../src/manifests/kubelet-config.ts';
import { readYaml } from '../../../src/util/yaml.ts';
import { cluster, v } from './fixture.ts';

const base: KubeletContext = {
  cluster: cluster(),
  node: { name: 'node1', criSocket: 'unix:///run/containerd/containerd.sock', taints: undefined, kubeletExtraArgs: [] },
  host: { hostname: 'node1', isResolvedActive: false },
  role: 'worker',
};

function files(changes: Partial<KubeletContext> = {}): Record<string, string> {
  return Object.fromEntries(kubeletArtifacts({ ...base, ...changes }).map(({ path, body }) => [path, body]));
}

const flagsOf = (changes: Partial<KubeletContext>): string | undefined =>
  files(changes)['/var/lib/kubelet/kubeadm-flags.env'];
const configOf = (changes: Partial<KubeletContext>): unknown =>
  readYaml(files(changes)['/var/lib/kubelet/config.yaml'] ?? '');

describe('config.yaml', () => {
  test("names systemd-resolved's real resolv.conf where that service runs", () => {
    expect(configOf({ host: { hostname: 'node1', isResolvedActive: true } })).toMatchObject({
      resolvConf: '/run/systemd/resolve/resolv.conf',
    });
  });

  test("keeps a resolvConf of the user's", () => {
    const kubelet = { isUserSupplied: true, document: { kind: 'KubeletConfiguration', resolvConf: '/etc/mine' } };
    expect(
      configOf({ cluster: cluster({ kubelet }), host: { hostname: 'node1', isResolvedActive: true } }),
    ).toMatchObject({ resolvConf: '/etc/mine' });
  });

  test("has the node's socket even where a patch says otherwise, until 1.33 what the patch says", () => {
    const patches = [
      { path: 'kubeletconfiguration.yaml', text: 'containerRuntimeEndpoint: unix:///patched\nmaxPods: 7' },
    ];
    expect(configOf({ patches })).toMatchObject({ containerRuntimeEndpoint: base.node.criSocket, maxPods: 7 });
    expect(configOf({ patches, cluster: cluster({ version: v(33) }) })).toMatchObject({
      containerRuntimeEndpoint: 'unix:///patched',
    });
  });
});

describe('instance-config.yaml', () => {
  const has = (minor: number, featureGates: Readonly<Record<string, boolean>> = {}): boolean =>
    '/var/lib/kubelet/instance-config.yaml' in files({ cluster: cluster({ version: v(minor), featureGates }) });

  test('is written from 1.34 on, earlier or not at all by the gate NodeLocalCRISocket', () => {
    expect([has(33), has(34), has(36)]).toEqual([false, true, true]);
    expect([has(31, { NodeLocalCRISocket: true }), has(32, { NodeLocalCRISocket: true })]).toEqual([false, true]);
    expect([has(35, { NodeLocalCRISocket: false }), has(36, { NodeLocalCRISocket: false })]).toEqual([false, true]);
  });

  test('is one line', () => {
    expect(files()['/var/lib/kubelet/instance-config.yaml']).toBe(
      'containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock"\n',
    );
  });
});

describe('kubeadm-flags.env', () => {
  test('a worker registers with its taints, a control plane does not', () => {
    const taints = [
      { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' },
      { key: 'slow', effect: 'PreferNoSchedule' },
    ];
    const node = { ...base.node, taints };
    expect(flagsOf({ node })).toBe(
      'KUBELET_KUBEADM_ARGS="--register-with-taints=dedicated=gpu:NoSchedule,slow:PreferNoSchedule"\n',
    );
    expect(flagsOf({ node, role: 'control-plane' })).toBe('KUBELET_KUBEADM_ARGS=""\n');
  });

  test('a node name other than the host name is an override; case is no difference', () => {
    expect(flagsOf({ node: { ...base.node, name: 'other' } })).toBe(
      'KUBELET_KUBEADM_ARGS="--hostname-override=other"\n',
    );
    expect(flagsOf({ host: { hostname: 'NODE1', isResolvedActive: false } })).toBe('KUBELET_KUBEADM_ARGS=""\n');
  });

  test('1.25 names runtime, socket and pause image', () => {
    expect(
      flagsOf({ cluster: cluster({ version: v(25, 7), imageRepository: 'registry.aliyuncs.com/google_containers' }) }),
    ).toBe(
      'KUBELET_KUBEADM_ARGS="--container-runtime=remote --container-runtime-endpoint=unix:///run/containerd/containerd.sock --pod-infra-container-image=registry.aliyuncs.com/google_containers/pause:3.8"\n',
    );
  });

  // The file's own escapes inside the quotes that systemd takes off when it splits the variable.
  test.each([
    ['a="b\\c"', String.raw`"'--node-labels=a=\"b\\\\c\"'"`],
    ['a b', `"'--node-labels=a b'"`],
    ["it's", String.raw`"'--node-labels=it\\'s'"`],
    ['$(x);`y`|*', '"--node-labels=$(x);`y`|*"'],
  ])('%s reaches the kubelet as one argument', (value, text) => {
    const kubeletExtraArgs = [{ name: 'node-labels', value }];
    expect(flagsOf({ node: { ...base.node, kubeletExtraArgs } })).toBe(`KUBELET_KUBEADM_ARGS=${text}\n`);
  });
});
