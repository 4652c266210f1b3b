import { describe, expect, test } from 'vitest';
import { completeInit, completeJoin, completeReset } from '../../../src/config/complete.ts';
import type { HostFacts, NetworkAddress } from '../../../src/host/host.ts';
import { loadInit, loadJoin, loadReset } from '../../../src/config/load.ts';
import type { InitFlags } from '../../../src/config/flags.ts';
import type { InitSpec } from '../../../src/config/spec.ts';
import { KbError, type Problem } from '../../../src/errors.ts';
import { releases } from '../../../src/kube/releases.ts';
import { formatVersion } from '../../../src/kube/version.ts';
import { facts, fixedRandomSource } from './facts.ts';

const header = (kind: string): string => `apiVersion: kubeadm.k8s.io/v1beta4\nkind: ${kind}\n`;

interface Outcome {
  readonly spec: InitSpec;
  readonly warnings: readonly string[];
}

function init(
  text: string | undefined,
  host: Partial<HostFacts> = {},
  flags: InitFlags = {},
  reached?: string,
): Outcome {
  const { draft } = loadInit(text, 'f', flags);
  const { spec, warnings } = completeInit(draft, facts(host), fixedRandomSource, { reachedAddress: reached });
  return { spec, warnings: warnings.map((warning) => `${warning.path ?? ''} ${warning.message}`.trim()) };
}

function problems(run: () => unknown): readonly Problem[] {
  try {
    run();
  } catch (error) {
    if (error instanceof KbError) return error.problems;
    throw error;
  }
  return [];
}

const address = (name: string, text: string, isUp = true): NetworkAddress => ({
  interface: name,
  family: text.includes(':') ? 6 : 4,
  address: text,
  prefixLength: 24,
  isUp,
});

describe('the node', () => {
  test("has the host's name, trimmed and in lower case", () => {
    expect(init(undefined, { hostname: ' Master1\n' }).spec.node.name).toBe('master1');
    expect(init(undefined, {}, { nodeName: 'other' }).spec.node.name).toBe('other');
  });

  test('a host without a name, or with a bad one, is refused', () => {
    expect(problems(() => init(undefined, { hostname: '' }))).toMatchObject([{ code: 'KB_CONFIG' }]);
    expect(problems(() => init(undefined, { hostname: 'a_b' }))[0]?.detail).toContain('"a_b" is not a node name');
    expect(problems(() => init(undefined, {}, { nodeName: 'Upper' }))[0]?.detail).toContain(
      '"Upper" is not a node name',
    );
  });

  test('a control plane is tainted unless told otherwise', () => {
    const taint = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' };
    expect(init(undefined).spec.node.taints).toEqual([taint]);
    expect(init(`${header('InitConfiguration')}nodeRegistration: {taints: []}\n`).spec.node.taints).toEqual([]);
  });

  test('takes the only container runtime, or containerd where none is there', () => {
    expect(init(undefined, { criSockets: ['unix:///var/run/crio/crio.sock'] }).spec.node.criSocket).toBe(
      'unix:///var/run/crio/crio.sock',
    );
    expect(init(undefined, { criSockets: [] }).spec.node.criSocket).toBe('unix:///var/run/containerd/containerd.sock');
  });

  test('two container runtimes are refused, unless one is named', () => {
    const criSockets = ['unix:///a.sock', 'unix:///b.sock'];
    const found = problems(() => init(undefined, { criSockets }));
    expect(found).toMatchObject([{ code: 'KB_CRI_SOCKET', detail: 'found unix:///a.sock, unix:///b.sock' }]);
    expect(init(undefined, { criSockets }, { criSocket: 'unix:///b.sock' }).spec.node.criSocket).toBe('unix:///b.sock');
  });

  test('a socket without a scheme gets one, with a warning', () => {
    const refused = problems(() => init(undefined, {}, { criSocket: 'tcp://127.0.0.1:1' }));
    expect(refused.map(({ detail }) => detail)).toEqual([
      'nodeRegistration.criSocket: "tcp://127.0.0.1:1" is not a unix:// URL',
    ]);
    const { spec, warnings } = init(undefined, {}, { criSocket: '/run/x.sock' });
    expect(spec.node.criSocket).toBe('unix:///run/x.sock');
    expect(warnings).toEqual(['criSocket /run/x.sock has no scheme; using unix:///run/x.sock']);
  });
});

describe('the advertise address', () => {
  const of = (host: Partial<HostFacts>, given?: string, reached?: string): string =>
    init(undefined, host, { apiserverAdvertiseAddress: given }, reached).spec.localAPIEndpoint.advertiseAddress;

  test("is the default route's, IPv4 first", () => {
    const addresses = [
      address('eth0', 'fe80::1'),
      address('eth0', 'fd00::5'),
      address('eth1', '169.254.1.1'),
      address('eth1', '10.0.0.5'),
    ];
    const defaultRoutes = [
      { interface: 'eth0', family: 6 },
      { interface: 'eth1', family: 4 },
    ] as const;
    expect(of({ addresses, defaultRoutes })).toBe('10.0.0.5');
    expect(problems(() => of({ addresses, defaultRoutes }, '::'))[0]?.detail).toContain('fd00::5 is IPv6');
  });

  test('is not one of an interface that is down', () => {
    const addresses = [address('eth0', '10.0.0.5', false), address('eth0', '10.0.0.6')];
    expect(of({ addresses })).toBe('10.0.0.6');
  });

  test('is on the loopback interface where the routed one has none', () => {
    expect(of({ addresses: [address('lo', '127.0.0.1'), address('lo', '10.9.9.9'), address('eth0', 'fe80::1')] })).toBe(
      '10.9.9.9',
    );
  });

  test('is a loopback one only in asking for one on lo', () => {
    const addresses = [address('lo', '127.0.0.1'), address('lo', '10.9.9.9'), address('eth0', '10.0.0.5')];
    expect(of({ addresses }, '127.0.0.1')).toBe('10.9.9.9');
    expect(problems(() => of({}, '127.0.0.1'))).toMatchObject([{ code: 'KB_NO_ADDRESS' }]);
  });

  test('is the reached one without a default route, and never 0.0.0.0', () => {
    expect(of({ defaultRoutes: [] }, undefined, '192.168.3.29')).toBe('192.168.3.29');
    expect(of({ defaultRoutes: [] }, '0.0.0.0', '192.168.3.29')).toBe('192.168.3.29');
    for (const reached of [undefined, '127.0.0.1', '0.0.0.0', 'host.example']) {
      expect(problems(() => of({ defaultRoutes: [] }, undefined, reached))).toMatchObject([{ code: 'KB_NO_ADDRESS' }]);
    }
  });

  test('is the given one, with a warning when the host does not have it', () => {
    const { spec, warnings } = init(undefined, {}, { apiserverAdvertiseAddress: '10.1.1.1' });
    expect(spec.localAPIEndpoint.advertiseAddress).toBe('10.1.1.1');
    expect(warnings).toEqual(['advertiseAddress 10.1.1.1 is not an address of the host']);
    expect(init(undefined, {}, { apiserverAdvertiseAddress: '192.168.3.129' }).warnings).toEqual([]);
  });

  test('is told once when it is no address', () => {
    expect(problems(() => of({}, 'master1')).map((problem) => problem.detail)).toEqual([
      'localAPIEndpoint.advertiseAddress: "master1" is not an IP address',
    ]);
  });

  test.each(['169.254.0.5', 'fe80::1', '224.0.0.1'])('%s is refused', (given) => {
    expect(problems(() => of({}, given)).map((problem) => problem.detail)).toContainEqual(
      expect.stringContaining('is not an address other hosts can reach'),
    );
  });
});

describe('the cluster', () => {
  test('gets the newest version, a token, the port of the endpoint and names in lower case', () => {
    const text = `${header('ClusterConfiguration')}controlPlaneEndpoint: VIP.example\napiServer: {certSANs: [ELB.Example]}\n`;
    expect(problems(() => init(text))[0]?.detail).toContain('controlPlaneEndpoint: "VIP.example"');
    const { spec } = init(text.replace('VIP', 'vip'), {}, { apiserverBindPort: 7443 });
    expect(spec.cluster).toMatchObject({
      version: { major: 1, minor: 36, patch: 3 },
      controlPlaneEndpoint: 'vip.example:7443',
      apiServer: { certSANs: ['elb.example'] },
    });
    expect(spec.bootstrapTokens[0]?.token).toBe('aaaaaa.aaaaaaaaaaaaaaaa');
  });

  test.each([
    ['fd00::1', '[fd00::1]:6443'],
    ['[fd00::1]', '[fd00::1]:6443'],
    ['10.0.0.1:443', '10.0.0.1:443'],
  ])('endpoint %s is %s', (given, complete) => {
    expect(init(undefined, {}, { controlPlaneEndpoint: given }).spec.cluster.controlPlaneEndpoint).toBe(complete);
  });

  test.each(releases.map(({ reference }) => reference))(
    'may be of 1.$minor, of any patch',
    ({ major, minor, patch }) => {
      for (const version of [
        { major, minor, patch },
        { major, minor, patch: 0 },
        { major, minor, patch: 99 },
      ]) {
        const text = `${header('ClusterConfiguration')}kubernetesVersion: ${formatVersion(version)}\n`;
        const { spec, warnings } = init(text);
        expect([spec.cluster.version, warnings]).toEqual([version, []]);
      }
    },
  );

  test('the gate PublicKeysECDSA is kept beside the algorithm, with a warning', () => {
    const { spec, warnings } = init(`${header('ClusterConfiguration')}featureGates: {PublicKeysECDSA: true}\n`);
    // What kubeadm 1.36.3 writes into kubeadm-config: the gate decides the keys (certs/keys.ts), not this field.
    expect(spec.cluster).toMatchObject({ encryptionAlgorithm: 'RSA-2048', featureGates: { PublicKeysECDSA: true } });
    expect(warnings).toEqual(['featureGates.PublicKeysECDSA the gate is deprecated']);
  });

  test('the drafts of two hosts do not share anything that is detected', () => {
    const { draft } = loadInit(undefined, '', {});
    const first = completeInit(draft, facts(), fixedRandomSource).spec;
    const second = completeInit(draft, facts({ hostname: 'other' }), fixedRandomSource).spec;
    expect([first.node.name, second.node.name]).toEqual(['master1', 'other']);
  });
});

describe('component configs', () => {
  const withKubelet = (fields: string): string =>
    `${header('ClusterConfiguration')}---\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n${fields}`;

  test("a user's values are kept, with a warning where they fight kubeadm's", () => {
    const { spec, warnings } = init(
      withKubelet('healthzPort: 1\nreadOnlyPort: 2\nauthentication: {anonymous: {enabled: true}}\n'),
    );
    expect(spec.cluster.kubelet.document).toMatchObject({
      healthzPort: 1,
      readOnlyPort: 2,
      authentication: { anonymous: { enabled: true }, webhook: { enabled: true, cacheTTL: '0s' } },
    });
    expect(warnings).toEqual([
      'KubeletConfiguration.authentication.anonymous.enabled the recommended value is false, the given one is true',
      'KubeletConfiguration.healthzPort the recommended value is 10248, the given one is 1',
      'KubeletConfiguration.readOnlyPort the recommended value is 0, the given one is 2',
    ]);
  });

  test('rotateCertificates is always on', () => {
    const { spec, warnings } = init(withKubelet('rotateCertificates: false\n'));
    expect(spec.cluster.kubelet.document['rotateCertificates']).toBe(true);
    expect(warnings).toEqual([expect.stringContaining('KubeletConfiguration.rotateCertificates is set to true')]);
  });

  test('values are written as Go writes them', () => {
    const fields = `syncFrequency: 4m
cgroupDriver: cgroupfs
failCgroupV1: false
port: 0
evictionHard: {}
cpuCFSQuota: false
tracing: {}
registerWithTaints: [{key: a, effect: NoSchedule}]
shutdownGracePeriodByPodPriority: [{priority: 1}]
logging: {flushFrequency: 90s, options: {json: {infoBufferSize: 2048Mi}, text: {infoBufferSize: 0.5}}}
reservedMemory: [{numaNode: 0, limits: {memory: 1024Ki}}]
crashLoopBackOff: {maxContainerRestartPeriod: 300s}
`;
    const { document } = init(withKubelet(fields)).spec.cluster.kubelet;
    expect(document).toMatchObject({
      syncFrequency: '4m0s',
      cgroupDriver: 'cgroupfs',
      failCgroupV1: false,
      cpuCFSQuota: false,
      tracing: {},
      registerWithTaints: [{ key: 'a', effect: 'NoSchedule' }],
      shutdownGracePeriodByPodPriority: [{ priority: 1, shutdownGracePeriodSeconds: 0 }],
      logging: {
        flushFrequency: '1m30s',
        verbosity: 0,
        options: { json: { infoBufferSize: '2Gi' }, text: { infoBufferSize: '500m' } },
      },
      reservedMemory: [{ numaNode: 0, limits: { memory: '1Mi' } }],
      crashLoopBackOff: { maxContainerRestartPeriod: '5m0s' },
    });
    expect(document).not.toHaveProperty('port');
    expect(document).not.toHaveProperty('evictionHard');
    expect(document).not.toHaveProperty('featureGates');
  });

  test('the DNS address follows the first service range', () => {
    const { spec } = init(undefined, {}, { serviceCidr: '172.20.0.0/16,fd00:10:96::/112' });
    expect(spec.cluster.kubelet.document['clusterDNS']).toEqual(['172.20.0.10']);
  });

  test("resolved's resolv.conf is in the shared document only up to 1.30", () => {
    const at = (version: string): unknown =>
      init(undefined, { isResolvedActive: true }, { kubernetesVersion: version }).spec.cluster.kubelet.document[
        'resolvConf'
      ];
    expect(at('v1.30.14')).toBe('/run/systemd/resolve/resolv.conf');
    expect(at('v1.31.14')).toBeUndefined();
  });

  test.each([
    ['v1.25.7', 'containerRuntimeEndpoint', 'imageMaximumGCAge'],
    ['v1.28.15', 'imageMaximumGCAge', 'crashLoopBackOff'],
  ])('%s has neither %s nor %s', (version, ...missing) => {
    const { document } = init(undefined, {}, { kubernetesVersion: version }).spec.cluster.kubelet;
    for (const name of missing) expect(document).not.toHaveProperty(name);
  });

  test('kube-proxy of 1.25 has what its kube-proxy reads, of 1.36 not', () => {
    const proxy = (version: string): Readonly<Record<string, unknown>> =>
      init(undefined, {}, { kubernetesVersion: version }).spec.cluster.kubeProxy.document;
    expect(proxy('v1.25.7')).toHaveProperty('udpIdleTimeout', '0s');
    for (const name of ['nftables', 'logging']) expect(proxy('v1.25.7')).not.toHaveProperty(name);
    expect(proxy('v1.25.7')['iptables']).not.toHaveProperty('localhostNodePorts');
    expect(proxy('v1.36.3')).not.toHaveProperty('udpIdleTimeout');
  });

  test('kube-proxy binds to every IPv6 address where the API server has one', () => {
    const host = {
      addresses: [address('eth0', 'fd00::5')],
      defaultRoutes: [{ interface: 'eth0', family: 6 as const }],
    };
    const { spec } = init(undefined, host, { serviceCidr: 'fd00:10:96::/112' });
    expect(spec.cluster.kubeProxy.document['bindAddress']).toBe('::');
  });
});

describe('join', () => {
  const flags = {
    apiServerEndpoint: '10.0.0.1:6443',
    token: 'abcdef.0123456789abcdef',
    discoveryTokenUnsafeSkipCaVerification: true,
  };

  test('a worker has no endpoint and no taints', () => {
    const { spec } = completeJoin(loadJoin(undefined, '', flags).draft, facts({ defaultRoutes: [] }));
    expect(spec.controlPlane).toBeUndefined();
    expect(spec.node).toMatchObject({ name: 'master1', taints: undefined });
  });

  test('a control plane has both', () => {
    const { draft } = loadJoin(undefined, '', { ...flags, controlPlane: true });
    const { spec } = completeJoin(draft, facts());
    expect(spec.controlPlane?.localAPIEndpoint).toEqual({ advertiseAddress: '192.168.3.129', bindPort: 6443 });
    expect(spec.node.taints).toHaveLength(1);
    expect(problems(() => completeJoin(draft, facts({ defaultRoutes: [] })))).toMatchObject([
      { code: 'KB_NO_ADDRESS' },
    ]);
  });
});

test('reset detects the runtime, and checks what it is told to remove', () => {
  const { draft } = loadReset(undefined, '', { criSocket: '/s', certDir: 'pki' });
  expect(problems(() => completeReset(draft, facts())).map((problem) => problem.detail)).toEqual([
    'certificatesDir: "pki" is not an absolute path',
  ]);
  const { spec } = completeReset(loadReset(undefined, '', {}).draft, facts());
  expect(spec.criSocket).toBe('unix:///var/run/containerd/containerd.sock');
});
