// The oracle for rules: a value that real kubeadm refuses is refused by kbinit, and one that it takes is taken.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { validateFile } from '../../src/config/validate-file.ts';
import { KbError } from '../../src/errors.ts';
import { writeYaml } from '../../src/util/yaml.ts';
import { fixedRandomSource } from '../unit/config/facts.ts';
import { oracleKubeadm } from './kubeadm.ts';

type Document = Record<string, unknown>;

const token = 'abcdef.0123456789abcdef';
const hash = `sha256:${'7'.repeat(64)}`;
const endpoint = '192.168.122.100:6443';

/** A valid document of each kind; a row changes one field of it. */
const bases: Readonly<Record<string, Document>> = {
  Init: {
    kind: 'InitConfiguration',
    localAPIEndpoint: { advertiseAddress: '192.168.3.129' },
    nodeRegistration: { name: 'node', criSocket: 'unix:///run/x.sock' },
  },
  Cluster: { kind: 'ClusterConfiguration', kubernetesVersion: `v${oracleKubeadm.name}` },
  Join: {
    kind: 'JoinConfiguration',
    nodeRegistration: { name: 'node', criSocket: 'unix:///run/x.sock' },
    discovery: { bootstrapToken: { token, apiServerEndpoint: endpoint, caCertHashes: [hash] } },
  },
  Reset: { kind: 'ResetConfiguration', criSocket: 'unix:///run/x.sock' },
  Upgrade: { kind: 'UpgradeConfiguration' },
};

const arg = (name: string, value: string): Document => ({ name, value });
const masks = (subnet: string, ...args: readonly Document[]): Document => ({
  networking: { podSubnet: subnet },
  controllerManager: { extraArgs: args },
});
const external = (fields: Document): Document => ({ etcd: { external: fields } });
const tls = { caFile: '/ca.crt', certFile: '/c.crt', keyFile: '/c.key' };

const sans = [
  [],
  ['1,2,,3'],
  ['my-hostname', '???&?.garbage'],
  ['my-hostname', 'my.subdomain', '1.2.3.4'],
  ['my-hostname', '2001:db8::4'],
  ['*.my-hostname2', '*.my.other.subdomain'],
  ['**.my-hostname2'],
  ['*.*.my-hostname2'],
  ['a.*.my-hostname2'],
  ['*'],
  ['UPPER.example'],
  ['under_score'],
];

const subnets = [
  '10.0.0.0/12',
  '2001:db8::/112',
  '10.0.0.0/28',
  '10.0.0.0/29',
  '2001:db8::/125',
  '2001:db8::/124',
  '10.0.0.0/2',
  '2001:db8::/64',
  '2001:db8::/107',
  '2001:db8::/108',
  '10.0.0.0/11',
  '10.0.0.0/12,2001:db8::/112',
  '10.0.0.0/12,192.168.0.0/16',
  '2001:db8::/112,2005:db8::/112',
  '10.0.0.0/12,2001:db8::/112,192.168.0.0/16',
  '1.2.3.4,2001:db8::/98',
  'a.b.c.d/24',
  '10.0.0.0/33',
  '10.0.0.0/',
  '/12',
  ',',
  '10.96.0.0/12, 2001:db8::/112',
];

const names = [
  'INVALID-NODENAME',
  'invalid-nodename-',
  'invalid-node?name',
  'valid-nodename',
  'a.b.c',
  '-a',
  'a..b',
  'a'.repeat(63),
  'a'.repeat(254),
  'under_score',
  ' node ',
];
const addresses = [
  '1234',
  '1.2',
  '1.2.3.4/16',
  '1.2.34',
  '2001:xb8::',
  '2001::db8::',
  '2001:db8::1',
  '192.168.3.129',
  '169.254.1.1',
  '224.0.0.1',
  '256.1.1.1',
];
const ports = [-1234, 1, 300, 65_535, 65_538, 0];
const sockets = ['unix:///some/path', 'bla:///some/path', '/some/path', ':::', 'tcp://1.2.3.4:1'];
const repositories = [
  'a',
  'a.b.c',
  'a.b.c/repo',
  'a:5000',
  'a.b.c:5000',
  'a.b.c:5000/repo',
  '127.0.0.1',
  '127.0.0.1:5000/repo',
  'a b c',
  'a!b!c',
  'a.b.c:1234s',
  'a.b.c/repo/',
  'A.B.C/repo',
  'a.b.c/REPO',
  '[2001:db7::1]',
  '[2001:db7::1]:5000/repo',
  'https://a.b',
  'a//b',
  '/a',
  '',
];
const algorithms = ['RSA-2048', 'RSA-3072', 'RSA-4096', 'ECDSA-P256', 'ECDSA-P384', 'foo', 'rsa-2048', ''];
const tokens = [
  token,
  '',
  '.',
  '1234567890123456789012',
  '12345.1234567890123456',
  '.1234567890123456',
  '123456.',
  '123456:1234567890.123456',
  'abcdef:1234567890123456',
  'Abcdef.1234567890123456',
  'abcdef.1234567890123456a',
];
const keys = [
  'e6a2eb8581237ab72a4f494f30285ec12a9694d750b9785706a83bfcbbbd2204',
  'z6a2eb8581237ab72a4f494f30285ec12a9694d750b9785706a83bfcbbbd2204',
  'e6a2',
  'E6A2EB8581237AB72A4F494F30285EC12A9694D750B9785706A83BFCBBBD2204',
];
const policies = ['', 'Always', 'IfNotPresent', 'Never', 'Foo', 'always'];

/** Changes by the kind they are for. */
const rows: readonly (readonly [string, Document])[] = [
  ...names.map((name) => ['Init', { nodeRegistration: { name } }] as const),
  ...names.map((name) => ['Join', { nodeRegistration: { name } }] as const),
  ...sockets.map((criSocket) => ['Init', { nodeRegistration: { criSocket } }] as const),
  ...sockets.map((criSocket) => ['Reset', { criSocket }] as const),
  ...policies.map((imagePullPolicy) => ['Init', { nodeRegistration: { imagePullPolicy } }] as const),
  ...policies.map((imagePullPolicy) => ['Upgrade', { apply: { imagePullPolicy } }] as const),
  ...policies.map((imagePullPolicy) => ['Upgrade', { node: { imagePullPolicy } }] as const),
  ...addresses.map((advertiseAddress) => ['Init', { localAPIEndpoint: { advertiseAddress } }] as const),
  ...addresses.map(
    (advertiseAddress) => ['Join', { controlPlane: { localAPIEndpoint: { advertiseAddress } } }] as const,
  ),
  ...ports.map((bindPort) => ['Init', { localAPIEndpoint: { bindPort } }] as const),
  ...tokens.map((text) => ['Init', { bootstrapTokens: [{ token: text }] }] as const),
  ...tokens.map((text) => ['Join', { discovery: { bootstrapToken: { token: text } } }] as const),
  ...tokens.map((text) => ['Join', { discovery: { tlsBootstrapToken: text } }] as const),
  ...keys.map((certificateKey) => ['Init', { certificateKey }] as const),
  ...keys.map(
    (certificateKey) =>
      ['Join', { controlPlane: { certificateKey, localAPIEndpoint: { advertiseAddress: '192.168.3.129' } } }] as const,
  ),
  ...[
    ['signing'],
    ['authentication'],
    ['foo'],
    ['signing', 'authentication', 'foo'],
    ['authentication', 'signing'],
  ].map(
    (usages) =>
      [
        'Init',
        {
          bootstrapTokens: [
            { token, usages, groups: usages.includes('authentication') ? ['system:bootstrappers:a'] : [] },
          ],
        },
      ] as const,
  ),
  ...[
    'system:bootstrappers',
    'system:bootstrappers:foo',
    'system:bootstrappers:Foo',
    'foo',
    'system:bootstrappers:a-',
    'system:bootstrappers:foo:bar-baz',
  ].map((group) => ['Init', { bootstrapTokens: [{ token, groups: [group] }] }] as const),
  ...sans.map((certSANs) => ['Cluster', { apiServer: { certSANs } }] as const),
  ...sans.map((serverCertSANs) => ['Cluster', { etcd: { local: { serverCertSANs } } }] as const),
  ...sans.map((peerCertSANs) => ['Cluster', { etcd: { local: { peerCertSANs } } }] as const),
  ...subnets.map((serviceSubnet) => ['Cluster', { networking: { serviceSubnet } }] as const),
  ...subnets.map((podSubnet) => ['Cluster', { networking: { podSubnet } }] as const),
  ...(
    [
      ['10.0.0.0/24', arg('node-cidr-mask-size-ipv4', '23')],
      ['2001:db8::/112'],
      ['2001:db8::/64', arg('node-cidr-mask-size-ipv6', '24')],
      ['2001::/12'],
      ['2001:db8::/64', arg('node-cidr-mask-size-ipv6', '120')],
      ['10.0.0.0/12'],
      ['2001:db8::/48'],
      ['10.0.0.0/8,2001:db8::/48'],
      ['10.0.0.0/7', arg('node-cidr-mask-size-ipv4', '24')],
      ['10.0.0.0/16', arg('node-cidr-mask-size-ipv4', 'aa')],
      ['10.0.0.0/16', arg('node-cidr-mask-size', '8')],
      ['10.0.0.0/7', arg('allocate-node-cidrs', 'false')],
    ] as const
  ).map(([subnet, ...args]) => ['Cluster', masks(subnet, ...args)] as const),
  ...['cluster.local', 'foo', 'Foo.bar', 'a..b', '', '-a', 'a_b'].map(
    (dnsDomain) => ['Cluster', { networking: { dnsDomain } }] as const,
  ),
  ...[
    'cp.k8s.io:8081',
    'cp.k8s.io',
    '1.2.3.4:8081',
    '1.2.3.4',
    '[2001:db7::1]:8081',
    '2001:db7::1',
    '1.2.34',
    'a.B.c.d.e',
    '2001:db7:1',
    '1.2.3.4:0',
    'a:b',
    'a:99999',
    ':6443',
    'https://a',
  ].map((controlPlaneEndpoint) => ['Cluster', { controlPlaneEndpoint }] as const),
  ...repositories.map((imageRepository) => ['Cluster', { imageRepository }] as const),
  ...repositories.map((imageRepository) => ['Cluster', { dns: { imageRepository } }] as const),
  ...repositories.map((imageRepository) => ['Cluster', { etcd: { local: { imageRepository } } }] as const),
  ...algorithms.map((encryptionAlgorithm) => ['Cluster', { encryptionAlgorithm }] as const),
  ...['/abc', 'abc', './a', '', '/a/../b'].map((certificatesDir) => ['Cluster', { certificatesDir }] as const),
  ...['/abc', 'abc', ''].map((dataDir) => ['Cluster', { etcd: { local: { dataDir } } }] as const),
  ...['/abc', 'abc', ''].map((certificatesDir) => ['Reset', { certificatesDir }] as const),
  ...['/abc/ca.crt', 'ca.crt', '/abc/ca', ''].map((caCertPath) => ['Join', { caCertPath }] as const),
  ...['192.168.122.100', endpoint, 'a:b', '', '[::1]:6443'].map(
    (apiServerEndpoint) => ['Join', { discovery: { bootstrapToken: { apiServerEndpoint } } }] as const,
  ),
  ['Join', { discovery: { bootstrapToken: { caCertHashes: [] } } }],
  ['Join', { discovery: { bootstrapToken: { caCertHashes: [], unsafeSkipCAVerification: true } } }],
  ['Join', { discovery: { file: { kubeConfigPath: '/etc/hostname' } } }],
  ...['/etc/hostname', 'https://url/file.conf', 'http://url/file.conf', ''].map(
    (kubeConfigPath) => ['Join', { discovery: { bootstrapToken: undefined, file: { kubeConfigPath } } }] as const,
  ),
  ['Join', { discovery: { bootstrapToken: undefined } }],
  ...[
    { endpoints: ['https://a:2379', 'https://b:2379'], ...tls },
    { endpoints: ['http://10.100.0.1:2379'] },
    { endpoints: ['https://a:2379'], certFile: '/c.crt' },
    { endpoints: ['https://a:2379'], certFile: '/c.crt', keyFile: '/c.key' },
    { endpoints: ['http://a:2379'], ...tls },
    { endpoints: ['10.100.0.1:2379'] },
    { endpoints: ['a.example'] },
    { endpoints: [] },
    { endpoints: ['https://a:2379'], ...tls, caFile: 'ca.crt' },
    { endpoints: ['https://a:2379'], httpEndpoints: ['http://a:2381'], ...tls },
    { endpoints: ['https://a:2379'], httpEndpoints: ['a'], ...tls },
  ].map((fields) => ['Cluster', external(fields)] as const),
  ['Cluster', { etcd: { local: { dataDir: '/a' }, external: { endpoints: ['http://a:1'] } } }],
  ...['Foo', 'PublicKeysECDSA', 'NodeLocalCRISocket', 'WaitForAllControlPlaneComponents'].map(
    (gate) => ['Cluster', { featureGates: { [gate]: true } }] as const,
  ),
  ...['v1.36.3', '1.36.0', 'v1.35.0', 'v1.1', 'foo', 'v1.36.3-rc.1', 'v1.24.0', ''].map(
    (kubernetesVersion) => ['Cluster', { kubernetesVersion }] as const,
  ),
  ...[[{ value: 'x' }], [{ name: 'a', value: '' }], [{ name: '', value: 'x' }]].map(
    (extraArgs) => ['Cluster', { apiServer: { extraArgs } }] as const,
  ),
  ...[[{ name: '', value: 'x' }], [{ name: 'a', value: 'x' }]].map(
    (kubeletExtraArgs) => ['Init', { nodeRegistration: { kubeletExtraArgs } }] as const,
  ),
  ...[['all'], ['all', 'foo'], ['foo'], []].map(
    (ignorePreflightErrors) => ['Init', { nodeRegistration: { ignorePreflightErrors } }] as const,
  ),
  ...[['all'], ['all', 'foo']].map((ignorePreflightErrors) => ['Reset', { ignorePreflightErrors }] as const),
  ...[['MNT_FORCE'], ['MNT_FORCE', 'MNT_DETACH', 'MNT_EXPIRE', 'UMOUNT_NOFOLLOW'], ['foo'], []].map(
    (unmountFlags) => ['Reset', { unmountFlags }] as const,
  ),
  ...['/a', 'a', ''].map((directory) => ['Upgrade', { apply: { patches: { directory } } }] as const),
  ...['/a', 'a'].map((directory) => ['Upgrade', { node: { patches: { directory } } }] as const),
  ...['1h', '1x', '0s', ''].map((ttl) => ['Init', { bootstrapTokens: [{ token, ttl }] }] as const),
  ...['4m', '1d'].map((kubeletHealthCheck) => ['Init', { timeouts: { kubeletHealthCheck } }] as const),
  // The strict reader's: unknown, misspelt and mistyped fields.
  ['Cluster', { foo: 'bar' }],
  ['Cluster', { Networking: {} }],
  ['Init', { nodeRegistration: { Name: 'a' } }],
  ['Join', { discovery: { bootstrapToken: { foo: 1 } } }],
  ['Cluster', { networking: 'x' }],
  ['Cluster', { clusterName: 1 }],
  ['Cluster', { featureGates: { PublicKeysECDSA: 'true' } }],
  ['Init', { localAPIEndpoint: { bindPort: '6443' } }],
  ['Init', { localAPIEndpoint: { bindPort: 1.5 } }],
];

/** Where kbinit says no on purpose and kubeadm says yes (docs/config.md, "Rules beyond kubeadm's"), and the reverse. */
const stricter: readonly RegExp[] = [
  // kubeadm would put unix:// before it and look for a socket of that name.
  /"criSocket":"(?:bla|tcp):/,
  // kubeadm says so only when init runs.
  /"advertiseAddress":"(?:169\.254|224)\./,
  /"ignorePreflightErrors":\["all","foo"\]/,
  /"apiServerEndpoint":"a:b"/,
  // The first service range must be of the family of the API server's address.
  /"serviceSubnet":"2001/,
  /"advertiseAddress":"2001:db8::1"/,
  // Service range and Pod range must have nothing in common.
  /"podSubnet":"(?:10\.(?:0\.0\.0\/(?:7|8|2|11)))/,
];
const laxer: readonly RegExp[] = [
  // kubeadm is one version; kbinit knows twelve.
  /"kubernetesVersion":"v1\.(?:2[5-9]|3[0-5])/,
];

function merge(base: Document, change: Document): Document {
  const merged: Document = { ...base };
  for (const [name, value] of Object.entries(change)) {
    const before = merged[name];
    if (value === undefined) delete merged[name];
    else merged[name] = isDocument(before) && isDocument(value) ? merge(before, value) : value;
  }
  return merged;
}

function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(kind: string, change: Document): string {
  const version = { apiVersion: 'kubeadm.k8s.io/v1beta4' };
  const document = { ...version, ...merge(bases[kind] ?? {}, change) };
  // A cluster's file also has the node's part: else kubeadm would have to look at this machine for an address.
  return (kind === 'Cluster' ? [document, { ...version, ...bases['Init'] }] : [document]).map(writeYaml).join('---\n');
}

/** Why kbinit refuses a file; undefined when it takes it. */
function ours(text: string): string | undefined {
  try {
    validateFile(text, 'file', fixedRandomSource);
    return undefined;
  } catch (error) {
    if (error instanceof KbError) return error.problems.map(({ detail }) => detail).join('; ');
    throw error;
  }
}

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kbinit-verdicts-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Why kubeadm refuses a file; undefined when it takes it. */
function theirs(text: string, name: string): Promise<string | undefined> {
  const file = join(folder, name);
  writeFileSync(file, text);
  return new Promise((resolve) => {
    execFile(oracleKubeadm.path, ['config', 'validate', '--config', file], (error, _stdout, stderr) => {
      resolve(error === null ? undefined : stderr.replaceAll(/^[WI]\d{4}.*\n/gm, '').trim());
    });
  });
}

test(
  `of ${rows.length} values, each that kubeadm refuses is refused and each that it takes is taken`,
  { timeout: 240_000 },
  async () => {
    const wrong: string[] = [];
    const next = rows.entries();
    const worker = async (): Promise<void> => {
      for (const [index, [kind, change]] of next) {
        const text = textOf(kind, change);
        const what = `${kind} ${JSON.stringify(change)}`;
        const [their, our] = [await theirs(text, `${index}.yaml`), ours(text)];
        const isExcused = (our === undefined ? laxer : stricter).some((pattern) => pattern.test(what));
        if ((their === undefined) !== (our === undefined) && !isExcused) {
          wrong.push(
            `${what}: kubeadm ${their?.slice(0, 150) ?? 'takes it'}; kbinit ${our?.slice(0, 150) ?? 'takes it'}`,
          );
        }
      }
    };
    await Promise.all([worker(), worker()]);
    expect(wrong).toEqual([]);
  },
);
