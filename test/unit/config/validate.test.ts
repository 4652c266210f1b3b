import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { completeInit, completeJoin } from '../../../src/config/complete.ts';
import { assertNotMixed } from '../../../src/config/flags.ts';
import { loadInit, loadJoin } from '../../../src/config/load.ts';
import type { InitSpec, JoinSpec } from '../../../src/config/spec.ts';
import { isImageRepository, parseHostPort } from '../../../src/config/syntax.ts';
import { validateInit, validateJoin } from '../../../src/config/validate.ts';
import { KbError } from '../../../src/errors.ts';
import { facts, fixedRandomSource } from './facts.ts';

const good: InitSpec = completeInit(loadInit(undefined, '', {}).draft, facts(), fixedRandomSource).spec;
const goodJoin: JoinSpec = completeJoin(
  loadJoin(undefined, '', {
    apiServerEndpoint: '10.0.0.1:6443',
    token: 'abcdef.0123456789abcdef',
    discoveryTokenCaCertHash: [`sha256:${'0'.repeat(64)}`],
    controlPlane: true,
  }).draft,
  facts(),
).spec;

function init(changes: Partial<InitSpec>, addresses: readonly string[] = []): string[] {
  return validateInit({ ...good, ...changes }, addresses).list.map((problem) => problem.detail);
}

const cluster = (changes: Partial<InitSpec['cluster']>): string[] => init({ cluster: { ...good.cluster, ...changes } });

test('ECDSA-P384 is refused before 1.34, where no kubeadm knew it', () => {
  const at = (minor: number): string[] =>
    cluster({ encryptionAlgorithm: 'ECDSA-P384', version: { major: 1, minor, patch: 0 } });
  expect(at(33)).toEqual(['encryptionAlgorithm: "ECDSA-P384" does not exist in v1.33.0']);
  expect(at(34)).toEqual([]);
});

function network(changes: Partial<InitSpec['cluster']['networking']>, addresses: readonly string[] = []): string[] {
  const networking = { ...good.cluster.networking, ...changes };
  return init({ cluster: { ...good.cluster, networking } }, addresses);
}

function managed(podSubnet: string, args: Readonly<Record<string, string>>): string[] {
  const extraArgs = Object.entries(args).map(([name, value]) => ({ name, value }));
  const networking = { ...good.cluster.networking, podSubnet };
  return cluster({ networking, controllerManager: { ...good.cluster.controllerManager, extraArgs } });
}

test('the defaults are valid, and stay valid with every kind of allowed value', () => {
  expect(init({})).toEqual([]);
  expect(validateJoin(goodJoin).list).toEqual([]);
  const { apiServer } = good.cluster;
  expect(cluster({ apiServer: { ...apiServer, certSANs: ['a.b', '*.a.b', '10.0.0.1', 'fd00::1'] } })).toEqual([]);
});

describe('ranges', () => {
  test.each(['10.244.0.0/16', 'fd00:10:244::/56', '10.244.0.0/16,fd00:10:244::/56', '192.168.4.0/24', ''])(
    'Pod range %j is good',
    (podSubnet) => {
      expect(network({ podSubnet })).toEqual([]);
    },
  );

  test.each([
    ['10.244.0.0', 'is not a range'],
    ['10.244.0.0/33', 'is not a range'],
    ['10.244.0.0/16, fd00::/56', 'is not a range'],
    ['10.244.0.0/16,10.245.0.0/16', 'is not one range, or one of each family'],
    ['10.0.0.0/16,fd00::/56,fd01::/56', 'is not one range, or one of each family'],
    ['10.244.0.0/29', 'is too small: 8 addresses, at least 14'],
    ['10.244.0.0/25', 'is smaller than the range of one node, /24'],
    ['11.0.0.0/7', 'is more than 16 bits larger than the range of one node, /24'],
    ['fd00:10:244::/65', 'is smaller than the range of one node, /64'],
    ['fd00:10:244::/47', 'is more than 16 bits larger than the range of one node, /64'],
  ])('Pod range %s: %s', (podSubnet, message) => {
    expect(network({ podSubnet })).toContainEqual(
      expect.stringMatching(new RegExp(`^networking.podSubnet: .*${message}`)),
    );
  });

  test.each([
    ['10.96.0.0/11', 'is too large: the length must be 12 or more'],
    ['fd00:10:96::/107', 'is too large: the length must be 108 or more'],
    ['10.96.0.0/29', 'is too small: 8 addresses, at least 10'],
    ['x', 'is not a range'],
  ])('service range %s: %s', (serviceSubnet, message) => {
    expect(network({ serviceSubnet })).toContainEqual(expect.stringContaining(message));
  });

  test.each([
    [{}, 1],
    [{ 'allocate-node-cidrs': 'false' }, 0],
    [{ 'node-cidr-mask-size-ipv4': '26' }, 0],
    [{ 'node-cidr-mask-size': '26' }, 1],
    [{ 'node-cidr-mask-size-ipv4': 'x' }, 1],
  ])('a /25 for Pods with %j has %i problems', (args, count) => {
    expect(managed('10.244.0.0/25', args)).toHaveLength(count);
  });

  test('Pods and services must not overlap; both ranges are named', () => {
    expect(network({ podSubnet: '10.100.0.0/16' })).toEqual([
      'networking.podSubnet: 10.100.0.0/16 overlaps networking.serviceSubnet 10.96.0.0/12',
    ]);
  });

  test("neither may hold a node's address", () => {
    expect(network({ podSubnet: '192.168.0.0/16' })).toEqual([
      "networking.podSubnet: 192.168.0.0/16 holds the node's address 192.168.3.129",
    ]);
    expect(network({}, ['10.96.3.3'])).toEqual([
      "networking.serviceSubnet: 10.96.0.0/12 holds the node's address 10.96.3.3",
    ]);
  });

  test("the first service range has the API server's family", () => {
    expect(network({ serviceSubnet: 'fd00:10:96::/112,10.96.0.0/12' })).toEqual([
      "networking.serviceSubnet: fd00:10:96::/112 comes first, but the API server's address 192.168.3.129 is IPv4",
    ]);
  });

  test('site-local ranges are a warning', () => {
    const networking = { ...good.cluster.networking, podSubnet: 'fec0:1::/56' };
    const found = validateInit({ ...good, cluster: { ...good.cluster, networking } });
    expect(found.list).toEqual([]);
    expect(found.warnings.map((warning) => warning.message)).toContainEqual(expect.stringContaining('site-local'));
  });
});

describe('single values', () => {
  test.each([
    [() => network({ dnsDomain: 'Cluster_local' }), 'networking.dnsDomain: "Cluster_local" is not a DNS domain'],
    [() => cluster({ certificatesDir: 'pki' }), 'certificatesDir: "pki" is not an absolute path'],
    [() => cluster({ certificatesDir: '/srv/../srv' }), 'certificatesDir: "/srv/../srv" has "." or ".." in it'],
    [() => cluster({ certificatesDir: '/srv/.' }), 'certificatesDir: "/srv/." has "." or ".." in it'],
    [() => cluster({ certificatesDir: '/a/./b' }), 'certificatesDir: "/a/./b" has "." or ".." in it'],
    [() => cluster({ certificatesDir: '//' }), 'certificatesDir: "//" is the root folder'],
    [() => cluster({ controlPlaneEndpoint: 'a:b:c' }), 'controlPlaneEndpoint: "a:b:c" is not host or host:port'],
    [() => cluster({ controlPlaneEndpoint: 'a:70000' }), 'controlPlaneEndpoint: "a:70000" is not host or host:port'],
    [
      () => cluster({ imageRepository: 'https://r.example' }),
      'imageRepository: "https://r.example" is not an image repository',
    ],
    [() => cluster({ imageRepository: 'r.example/' }), 'imageRepository: "r.example/" is not an image repository'],
    [() => cluster({ dns: { imageTag: 'a b', isDisabled: false } }), 'dns.imageTag: "a b" is not an image tag'],
    [() => cluster({ featureGates: { Nope: true } }), 'featureGates: "Nope" is not a feature gate of kubeadm'],
    [
      () => cluster({ featureGates: { EtcdLearnerMode: true } }),
      'featureGates: "EtcdLearnerMode" is not a feature gate of kubeadm',
    ],
    [
      () => cluster({ featureGates: { RootlessControlPlane: true } }),
      'featureGates: "RootlessControlPlane" is not supported by kbinit',
    ],
    [
      () => init({ localAPIEndpoint: { advertiseAddress: '192.168.3.129', bindPort: 70_000 } }),
      'localAPIEndpoint.bindPort: 70000 is not a port',
    ],
    [
      () => init({ node: { ...good.node, name: 'Upper' } }),
      'nodeRegistration.name: "Upper" is not a node name (RFC 1123)',
    ],
    [
      () => init({ node: { ...good.node, criSocket: 'tcp://a' } }),
      'nodeRegistration.criSocket: "tcp://a" is not a unix:// URL',
    ],
    [
      () => init({ node: { ...good.node, kubeletExtraArgs: [{ name: '', value: 'x' }] } }),
      'nodeRegistration.kubeletExtraArgs[0].name: the argument has no name',
    ],
    [
      () => init({ node: { ...good.node, kubeletExtraArgs: [{ name: 'v', value: '2\nX=1' }] } }),
      'nodeRegistration.kubeletExtraArgs[0]: it has a line break or control character',
    ],
    [
      () => init({ node: { ...good.node, taints: [{ key: 'a', effect: 'Never' }] } }),
      'nodeRegistration.taints[0].effect: "Never" is not an effect',
    ],
    [
      () => init({ node: { ...good.node, ignorePreflightErrors: ['all', 'swap'] } }),
      'ignore-preflight-errors: "all,swap" names other checks as well as all',
    ],
  ])('case %# names its field, its value and what it is not', (run, detail) => {
    expect(run()).toEqual([detail]);
  });

  test('names in certificates', () => {
    const apiServer = { ...good.cluster.apiServer, certSANs: ['ok', 'not ok', '*', '*.*.a', 'a;b'] };
    expect(cluster({ apiServer }).map((detail) => detail.split('"')[1])).toEqual(['not ok', '*', '*.*.a', 'a;b']);
  });

  test('everything wrong is said at once', () => {
    const found = cluster({
      certificatesDir: 'x',
      imageRepository: 'A b',
      controlPlaneEndpoint: '?',
      featureGates: { X: true },
    });
    expect(found).toHaveLength(4);
  });

  test('long validity is a warning, none at all is refused', () => {
    const long = validateInit({ ...good, cluster: { ...good.cluster, certificateValiditySeconds: 400_000_000 } });
    expect(long.list).toEqual([]);
    expect(long.warnings).toHaveLength(2);
    expect(cluster({ certificateValiditySeconds: 0 })).toHaveLength(1);
  });
});

describe('secrets', () => {
  const secret = 'HUNTER2.hunter2';

  test('a bad token, key or join token is named, never shown', () => {
    const found = [
      ...init({ bootstrapTokens: [{ token: secret, ttlSeconds: 0, usages: ['authentication'], groups: [] }] }),
      ...init({ certificateKey: secret }),
      ...validateJoin({ ...goodJoin, tlsBootstrapToken: secret }).list.map((problem) => JSON.stringify(problem)),
      ...validateJoin({
        ...goodJoin,
        discovery: {
          kind: 'token',
          token: secret,
          apiServerEndpoint: 'a:1',
          caCertHashes: [],
          unsafeSkipCAVerification: true,
        },
      }).list.map((problem) => JSON.stringify(problem)),
    ];
    expect(found).toHaveLength(4);
    expect(found.join().toLowerCase()).not.toContain('hunter2');
    expect(found[0]).toContain('bootstrapTokens[0].token');
    expect(found[1]).toContain('certificateKey');
  });

  test.each([
    ['ab'.repeat(32), 0],
    ['ab'.repeat(16), 1],
    ['ab'.repeat(33), 1],
    ['zz'.repeat(32), 1],
  ])('certificate key %s has %i problems', (certificateKey, count) => {
    expect(init({ certificateKey })).toHaveLength(count);
  });

  test('usages and groups of a token', () => {
    const token = { token: 'abcdef.0123456789abcdef', ttlSeconds: 0 };
    const tokens = (usages: string[], groups: string[]): string[] =>
      init({ bootstrapTokens: [{ ...token, usages, groups }] });
    expect(tokens(['signing'], [])).toEqual([]);
    expect(tokens(['signing'], ['system:bootstrappers:a'])).toHaveLength(1);
    expect(tokens(['authentication', 'other'], [])).toHaveLength(1);
    expect(tokens(['authentication'], ['system:masters'])).toHaveLength(1);
  });
});

describe('external etcd', () => {
  const external = {
    kind: 'external',
    endpoints: ['https://a:2379'],
    httpEndpoints: ['http://a:2379'],
    caFile: '/ca',
    certFile: '/cert',
    keyFile: '/key',
  } as const;

  test.each([
    [{}, 0],
    [{ endpoints: [] }, 1],
    [{ endpoints: ['http://a:2379'] }, 1],
    [{ endpoints: ['http://a:2379'], caFile: '', certFile: '', keyFile: '' }, 0],
    [{ endpoints: ['a:2379'] }, 1],
    [{ certFile: '' }, 1],
    [{ caFile: '' }, 1],
    [{ caFile: 'ca' }, 1],
    [{ httpEndpoints: ['a'] }, 1],
  ])('%j has %i problems', (changes, count) => {
    expect(cluster({ etcd: { ...external, ...changes } })).toHaveLength(count);
  });
});

describe('join', () => {
  const discovery = {
    kind: 'token',
    token: 'abcdef.0123456789abcdef',
    apiServerEndpoint: '10.0.0.1:6443',
    caCertHashes: [],
    unsafeSkipCAVerification: true,
  } as const;

  test.each(['Master1:6443', 'k8s_master:6443', '[::1]:6443', '-x:6443', 'x:06443'])(
    'the endpoint %s is only split into host and port, as by kubeadm',
    (apiServerEndpoint) => {
      expect(validateJoin({ ...goodJoin, discovery: { ...discovery, apiServerEndpoint } }).list).toEqual([]);
    },
  );

  test.each([
    ['a b:6443', 'has " " in its host name'],
    ['user@x:6443', 'has "@" in its host name'],
    ['ü.de:6443', 'has "ü" in its host name'],
    ['x/y:6443', 'has "/" in its host name'],
    ['::1:6443', 'has no port from 1 to 65535'],
    [':6443', 'has no host before its colon'],
    ['[x]:6443', 'has no IPv6 address in its brackets'],
    ['x:', 'has no port from 1 to 65535'],
    ['x:http', 'has no port from 1 to 65535'],
    ['x:65536', 'has no port from 1 to 65535'],
    ['x', 'is not host:port'],
  ])('the endpoint %s is refused with what is wrong in it', (apiServerEndpoint, words) => {
    const [problem] = validateJoin({ ...goodJoin, discovery: { ...discovery, apiServerEndpoint } }).list;
    expect(problem?.detail).toContain(words);
  });

  test.each([
    [{ discovery }, []],
    [{ discovery: { ...discovery, unsafeSkipCAVerification: false } }, ['discovery.bootstrapToken.caCertHashes']],
    [{ discovery: { ...discovery, caCertHashes: ['sha256:12'] } }, ['discovery.bootstrapToken.caCertHashes[0]']],
    [{ discovery: { ...discovery, apiServerEndpoint: '' } }, ['discovery.bootstrapToken.apiServerEndpoint']],
    [{ discovery: { ...discovery, apiServerEndpoint: '10.0.0.1' } }, ['discovery.bootstrapToken.apiServerEndpoint']],
    [{ discovery: { kind: 'file', kubeConfigPath: '/etc/d.conf' } as const }, []],
    [{ discovery: { kind: 'file', kubeConfigPath: 'http://a' } as const }, ['discovery.file.kubeConfigPath']],
    [{ caCertPath: '/etc/ca.pem' }, ['caCertPath']],
    [{ caCertPath: 'ca.crt' }, ['caCertPath']],
  ])('%j names %j', (changes, paths) => {
    expect(validateJoin({ ...goodJoin, ...changes }).list.map((problem) => problem.detail.split(': ')[0])).toEqual(
      paths,
    );
  });
});

test('an http URL for discovery is refused, and what may be secret in it is not repeated', () => {
  const discovery = { kind: 'file', kubeConfigPath: 'http://joe:secret@files.example/a?sig=secret' } as const;
  const [problem] = validateJoin({ ...goodJoin, discovery }).list;
  expect(problem?.detail).toContain('http is refused');
  expect(JSON.stringify(problem)).not.toContain('secret@');
  expect(JSON.stringify(problem)).not.toContain('sig=');
});

describe('--config beside other flags', () => {
  test("kubeadm's allowed ones, --skip-* and kbinit's own may stand beside it", () => {
    expect(() =>
      assertNotMixed(
        ['config', 'dry-run', 'node-name', 'skip-phases', 'skip-token-print', 'upload-certs', 'host'],
        ['host'],
      ),
    ).not.toThrow();
  });

  test('others are all named', () => {
    expect(() => assertNotMixed(['config', 'pod-network-cidr', 'token', 'host'])).toThrow(KbError);
    expect(() => assertNotMixed(['config', 'pod-network-cidr', 'token'])).toThrow(
      "can not mix '--config' with arguments [pod-network-cidr token]",
    );
  });
});

describe('hostile values', () => {
  test('whatever a text is, validation ends quickly and what it lets through has no control character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const spec: InitSpec = {
          ...good,
          node: { ...good.node, name: text, criSocket: text },
          cluster: {
            ...good.cluster,
            certificatesDir: text,
            imageRepository: text,
            controlPlaneEndpoint: text,
            networking: { serviceSubnet: text, podSubnet: text, dnsDomain: text },
          },
        };
        expect(validateInit(spec).list.length).toBeGreaterThan(0);
      }),
    );
  });

  test('long repetitions do not take long', () => {
    const begun = performance.now();
    for (const text of ['a'.repeat(100_000), 'a-'.repeat(50_000), 'a.'.repeat(50_000), '-'.repeat(100_000)]) {
      isImageRepository(`${text}!`);
      parseHostPort(`${text}!`);
      network({ dnsDomain: `${text}!` });
    }
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});
