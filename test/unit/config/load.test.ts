import { describe, expect, test } from 'vitest';
import { KbError } from '../../../src/errors.ts';
import { loadInit, loadJoin, loadReset, type Loaded } from '../../../src/config/load.ts';
import { formatWarning } from '../../../src/config/report.ts';
import type { InitDraft } from '../../../src/config/draft.ts';
import { validateReset } from '../../../src/config/validate.ts';

const init = 'apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n';
const cluster = 'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n';
const join = 'apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\n';

function read(text: string | Uint8Array): Loaded<InitDraft> {
  return loadInit(text, 'kubeadm.yaml', {});
}

/** `detail → fix` of every problem. */
function problems(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (!(error instanceof KbError)) throw error;
    expect(error.problems.every((problem) => problem.code === 'KB_CONFIG')).toBe(true);
    return error.problems.map((problem) => `${problem.detail} → ${problem.fix}`);
  }
  return [];
}

const warnings = (loaded: Loaded<unknown>): string[] => loaded.warnings.map(formatWarning);

describe('documents', () => {
  test('init without a file is all defaults', () => {
    const { draft, warnings: said } = loadInit(undefined, '', {});
    expect(said).toEqual([]);
    expect(draft).toMatchObject({
      node: {
        name: undefined,
        criSocket: undefined,
        taints: undefined,
        imagePullPolicy: 'IfNotPresent',
        imagePullSerial: true,
      },
      localAPIEndpoint: { advertiseAddress: undefined, bindPort: 6443 },
      bootstrapTokens: [{ token: undefined, ttlSeconds: 86_400, usages: ['signing', 'authentication'] }],
      timeouts: { controlPlaneComponentHealthCheck: 240, kubernetesAPICall: 60 },
      isDryRun: false,
      cluster: {
        version: undefined,
        clusterName: 'kubernetes',
        networking: { serviceSubnet: '10.96.0.0/12', podSubnet: '', dnsDomain: 'cluster.local' },
        etcd: { kind: 'local', dataDir: '/var/lib/etcd' },
        imageRepository: 'registry.k8s.io',
        encryptionAlgorithm: 'RSA-2048',
        certificateValiditySeconds: 31_536_000,
        kubelet: undefined,
        kubeProxy: undefined,
      },
    });
  });

  test('a null field and an empty text are as good as none', () => {
    const { draft } = read(`${cluster}etcd: null\nclusterName: ""\nnetworking: {dnsDomain: null}\nfeatureGates:\n`);
    expect(draft.cluster).toMatchObject({
      clusterName: 'kubernetes',
      networking: { dnsDomain: 'cluster.local' },
      featureGates: {},
    });
  });

  test('no taints and an empty list of taints are different things', () => {
    expect(read(`${init}nodeRegistration: {taints: null}\n`).draft.node.taints).toBeUndefined();
    expect(read(`${init}nodeRegistration: {taints: []}\n`).draft.node.taints).toEqual([]);
  });

  test('a byte order mark, CRLF and JSON are read', () => {
    const text = `\uFEFF${cluster}kubernetesVersion: v1.36.3\n`.replaceAll('\n', '\r\n');
    expect(read(Buffer.from(text)).draft.cluster.version).toMatchObject({ minor: 36 });
    expect(read(text).draft.cluster.version).toMatchObject({ minor: 36 });
    expect(
      read(JSON.stringify({ apiVersion: 'kubeadm.k8s.io/v1beta4', kind: 'ClusterConfiguration' })).warnings,
    ).toEqual([]);
  });

  test('what is not UTF-8 or too large is refused', () => {
    expect(problems(() => read(Buffer.from([0xff, 0xfe, 0x61, 0])))).toEqual([expect.stringContaining('is not UTF-8')]);
    expect(problems(() => read(`${cluster}# ${'x'.repeat(1024 * 1024)}\n`))).toEqual([
      expect.stringContaining('1 MiB'),
    ]);
  });

  test('a file without anything for init is refused', () => {
    expect(problems(() => read('# nothing\n'))[0]).toContain('no InitConfiguration or ClusterConfiguration');
    expect(problems(() => read(`${join}discovery: {}\n`))[0]).toContain('no InitConfiguration or ClusterConfiguration');
  });

  test('a kind given twice is refused, with the line of the second', () => {
    expect(problems(() => read(`${cluster}---\n${cluster}`))).toEqual([
      'kubeadm.yaml line 4: ClusterConfiguration is specified twice → keep one of them',
    ]);
  });

  test('a document that does not say what it is is refused', () => {
    expect(problems(() => read(`${cluster}---\nkind: InitConfiguration\n---\n- 1\n`))).toHaveLength(2);
  });

  test('versions that are too old name the kubeadm that converts them', () => {
    const found = problems(() => read('apiVersion: kubeadm.k8s.io/v1beta2\nkind: ClusterConfiguration\n'));
    expect(found[0]).toContain('kubeadm.k8s.io/v1beta2 is too old');
    expect(found[0]).toContain('kubeadm v1.22');
    expect(problems(() => read('apiVersion: kubeadm.k8s.io/v9\nkind: ClusterConfiguration\n'))[0]).toContain(
      'not known',
    );
  });

  test('unknown kinds and kinds of other commands are named in a warning', () => {
    const loaded = read(`${cluster}---\n${join}---\napiVersion: apps/v1\nkind: Deployment\n`);
    expect(loaded.warnings.map((warning) => [formatWarning(warning), warning.isStrict])).toEqual([
      ['kubeadm.yaml line 4: kubeadm.k8s.io/v1beta4 JoinConfiguration: not used by this command, ignored', false],
      ['kubeadm.yaml line 7: apps/v1 Deployment: unknown kind, ignored', true],
    ]);
  });
});

describe('fields', () => {
  test('unknown fields, wrong case and duplicates are warnings with line and path', () => {
    const loaded = read(
      `${cluster}kubernetesversion: v1.30.0\nnetworking:\n  podCIDR: x\n  dnsDomain: a\n  dnsDomain: b\n`,
    );
    expect(warnings(loaded).toSorted()).toEqual([
      'kubeadm.yaml line 3: kubernetesversion: unknown field, ignored; the name is kubernetesVersion',
      'kubeadm.yaml line 5: networking.podCIDR: unknown field, ignored',
      'kubeadm.yaml line 7: networking.dnsDomain: the key "dnsDomain" is there twice; the last one counts',
    ]);
    expect(loaded.warnings.every((warning) => warning.isStrict)).toBe(true);
    expect(loaded.draft.cluster).toMatchObject({ version: undefined, networking: { dnsDomain: 'b', podSubnet: '' } });
  });

  test('wrong case is seen inside lists too', () => {
    const loaded = read(`${init}nodeRegistration:\n  taints:\n  - {Key: a, effect: NoSchedule}\n`);
    expect(warnings(loaded)).toEqual([
      'kubeadm.yaml line 5: nodeRegistration.taints[0].Key: unknown field, ignored; the name is key',
    ]);
  });

  test('every wrong type is listed at once, with path, line and what to do', () => {
    const text = `${init}nodeRegistration:
  taints:
  - {key: 3, effect: NoSchedule}
localAPIEndpoint: {bindPort: "6443"}
---
${cluster}apiServer:
  extraArgs:
  - name: v
    value: 4
certificateValidityPeriod: 1d
encryptionAlgorithm: RSA-1024
featureGates: {A: "true"}
kubernetesVersion: 1.36
unknown: 1
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
maxPods: "64"
syncFrequency: 10
`;
    const found = problems(() => read(text));
    expect(found.toSorted()).toEqual(
      [
        'kubeadm.yaml line 5: nodeRegistration.taints[0].key: found the number 3, needs text → quote it',
        'kubeadm.yaml line 6: localAPIEndpoint.bindPort: found text, needs a number → write a number',
        'kubeadm.yaml line 13: apiServer.extraArgs[0].value: found the number 4, needs text → quote it',
        'kubeadm.yaml line 14: certificateValidityPeriod: "1d" is not a duration → write it like 24h0m0s, 90s or 0s',
        'kubeadm.yaml line 15: encryptionAlgorithm: is not one of RSA-2048, RSA-3072, RSA-4096, ECDSA-P256, ECDSA-P384 → use one of RSA-2048, RSA-3072, RSA-4096, ECDSA-P256, ECDSA-P384',
        'kubeadm.yaml line 16: featureGates.A: found text, needs true or false → write true or false',
        'kubeadm.yaml line 17: kubernetesVersion: found the number 1.36, needs text → quote it',
        'kubeadm.yaml line 22: maxPods: found text, needs a whole number → write a whole number',
        'kubeadm.yaml line 23: syncFrequency: found the number 10, needs a duration like 10s or 24h0m0s → write a duration like 10s or 24h0m0s',
      ].toSorted(),
    );
  });

  test('scalars that YAML 1.1 reads differently must be quoted', () => {
    const text = `${cluster}proxy: {disabled: yes}\nclusterName: 0123\n`;
    expect(problems(() => read(text))).toEqual([
      expect.stringContaining('line 3: proxy.disabled: yes is a boolean in YAML 1.1'),
      expect.stringContaining('line 4: clusterName: 0123 is an octal number in YAML 1.1'),
      expect.stringContaining('proxy.disabled: found text, needs true or false'),
      expect.stringContaining('clusterName: found the number 123, needs text → quote it'),
    ]);
  });

  test.each([
    ['clusterName', 'clusterName: "a\\u202eb"', 'clusterName'],
    ['certificatesDir', 'certificatesDir: "/etc/\\u200bpki"', 'certificatesDir'],
    ['an argument', 'apiServer:\n  extraArgs: [{name: v, value: "1\\e[2J"}]', 'apiServer.extraArgs[0].value'],
    [
      'a volume',
      'apiServer:\n  extraVolumes: [{name: v, hostPath: "/a\\u009b", mountPath: /a}]',
      'apiServer.extraVolumes[0].hostPath',
    ],
  ])('a character that nobody sees is refused in %s, with its line', (_, text, path) => {
    const line = cluster.split('\n').length + text.split('\n').length - 1;
    expect(problems(() => read(`${cluster}${text}\n`))).toContain(
      `kubeadm.yaml line ${line}: ${path}: it has a control character, or one that is not seen → remove that character`,
    );
  });

  test('a secret of the wrong type is not repeated', () => {
    const text = `${init}bootstrapTokens:\n- token: [hunter2]\ncertificateKey: {a: hunter2}\n`;
    expect(problems(() => read(text)).join()).not.toContain('hunter2');
    expect(problems(() => read(text))).toHaveLength(2);
  });

  test('local and external etcd exclude each other', () => {
    expect(problems(() => read(`${cluster}etcd:\n  local: {}\n  external: {endpoints: [https://a:2379]}\n`))).toEqual([
      'kubeadm.yaml line 3: etcd: local and external are mutually exclusive → keep one of them',
    ]);
  });

  test('a token has a ttl or an end, not both', () => {
    const entry = (life: string): string => `${init}bootstrapTokens:\n- {token: abcdef.0123456789abcdef, ${life}}\n`;
    expect(problems(() => read(entry('ttl: 1h, expires: 2030-01-01T00:00:00Z')))).toHaveLength(1);
    expect(read(entry('expires: 2030-01-01T00:00:00Z')).draft.bootstrapTokens[0]).toMatchObject({
      expires: '2030-01-01T00:00:00Z',
    });
    expect(read(entry('ttl: "0"')).draft.bootstrapTokens[0]?.ttlSeconds).toBe(0);
  });

  test('a reference to a field gets its version', () => {
    const text = `${cluster}scheduler:\n  extraEnvs:\n  - name: IP\n    valueFrom: {fieldRef: {fieldPath: status.podIP}}\n`;
    expect(read(text).draft.cluster.scheduler.extraEnvs).toEqual([
      { name: 'IP', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } },
    ]);
  });
});

describe('versions', () => {
  test.each(['v1.36.3', '1.36.3', 'v1.25.0', 'v1.36.0-rc.1', 'v1.36.3+k3s1', 'release/v1.36.3'])(
    '%s is taken',
    (version) => {
      expect(read(`${cluster}kubernetesVersion: ${version}\n`).draft.cluster.version?.minor).toBeGreaterThanOrEqual(25);
    },
  );

  test.each([
    ['stable-1', 'write an exact version, for example v1.36.3'],
    ['latest', 'write an exact version'],
    ['ci/latest', 'write an exact version'],
    ['v1.36', 'write an exact version'],
    ['v1.36.3+', 'write an exact version'],
    ['v1.24.17', 'use a version of v1.25 to v1.36'],
    ['v1.37.0', 'use a version of v1.25 to v1.36'],
    ['v2.36.0', 'use a version of v1.25 to v1.36'],
  ])('%s is refused, with what to write', (version, fix) => {
    const [found] = problems(() => read(`${cluster}kubernetesVersion: ${version}\n`));
    expect(found).toContain('kubeadm.yaml line 3: kubernetesVersion: ');
    expect(found).toContain(fix);
  });
});

describe('component configs', () => {
  const kubelet = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n';

  test('unknown fields are named, known ones kept', () => {
    const loaded = read(`${cluster}---\n${kubelet}maxpods: 3\nfailCgroupV1: false\nlogging: {format: json, foo: 1}\n`);
    expect(warnings(loaded)).toEqual([
      'kubeadm.yaml line 6: maxpods: unknown field, ignored; the name is maxPods',
      'kubeadm.yaml line 8: logging.foo: unknown field, ignored',
    ]);
    expect(loaded.draft.cluster.kubelet).toEqual({ failCgroupV1: false, logging: { format: 'json' } });
  });

  test('a field the version does not have yet is unknown', () => {
    const loaded = read(`${cluster}kubernetesVersion: v1.30.0\n---\n${kubelet}failCgroupV1: false\n`);
    expect(warnings(loaded)).toEqual(['kubeadm.yaml line 7: failCgroupV1: unknown field in v1.30.0, ignored']);
  });

  test('another version of the group is refused', () => {
    const found = problems(() =>
      read(`${cluster}---\napiVersion: kubelet.config.k8s.io/v1\nkind: KubeletConfiguration\n`),
    );
    expect(found).toEqual([expect.stringContaining('kubelet.config.k8s.io/v1 is not supported')]);
  });
});

describe('v1beta3', () => {
  const old = (kind: string): string => `apiVersion: kubeadm.k8s.io/v1beta3\nkind: ${kind}\n`;

  test('maps of arguments become lists in the order of their names, and the version is deprecated', () => {
    const loaded = read(
      `${old('ClusterConfiguration')}apiServer:\n  timeoutForControlPlane: 2m\n  extraArgs: {b: "2", a: "1"}\n`,
    );
    expect(loaded.draft.cluster.apiServer.extraArgs).toEqual([
      { name: 'a', value: '1' },
      { name: 'b', value: '2' },
    ]);
    expect(loaded.draft.timeouts.controlPlaneComponentHealthCheck).toBe(120);
    expect(warnings(loaded)).toEqual([
      expect.stringContaining('line 1: apiVersion: kubeadm.k8s.io/v1beta3 is deprecated'),
    ]);
    expect('timeoutForControlPlaneSeconds' in loaded.draft.cluster).toBe(false);
  });

  test("the discovery timeout is timeouts' own", () => {
    const text = `${old('JoinConfiguration')}discovery:\n  timeout: 1m\n  file: {kubeConfigPath: file:///etc/discovery.conf}\n`;
    const { draft } = loadJoin(text, 'join.yaml', {});
    expect(draft.timeouts.discovery).toBe(60);
    expect(draft.discovery).toEqual({ kind: 'file', kubeConfigPath: '/etc/discovery.conf' });
  });

  test('fields of v1beta4 are unknown', () => {
    const loaded = read(`${old('ClusterConfiguration')}proxy: {disabled: true}\n`);
    expect(warnings(loaded)).toContain('kubeadm.yaml line 3: proxy: unknown field, ignored');
    expect(loaded.draft.cluster.proxy.isDisabled).toBe(false);
  });
});

describe('flags of init', () => {
  test('fill the draft', () => {
    const { draft } = loadInit(undefined, '', {
      apiserverAdvertiseAddress: '10.0.0.1',
      apiserverBindPort: 7443,
      apiserverCertExtraSans: ['a', 'b'],
      apiserverExtraArgs: 'v=4,audit-log-path=/a',
      certDir: '/pki',
      certificateKey: 'k',
      controlPlaneEndpoint: 'vip',
      criSocket: 'unix:///s',
      dryRun: true,
      featureGates: 'NodeLocalCRISocket=true',
      ignorePreflightErrors: ['Swap'],
      imageRepository: 'r',
      kubernetesVersion: 'v1.36.1',
      nodeName: 'n',
      patches: '/p',
      podNetworkCidr: '10.244.0.0/16',
      serviceCidr: '10.97.0.0/16',
      serviceDnsDomain: 'd',
      skipPhases: ['addon'],
      token: 'abcdef.0123456789abcdef',
      tokenTtl: '0',
    });
    expect(draft).toMatchObject({
      localAPIEndpoint: { advertiseAddress: '10.0.0.1', bindPort: 7443 },
      certificateKey: 'k',
      patchesDirectory: '/p',
      skipPhases: ['addon'],
      isDryRun: true,
      node: { name: 'n', criSocket: 'unix:///s', ignorePreflightErrors: ['Swap'] },
      bootstrapTokens: [{ token: 'abcdef.0123456789abcdef', ttlSeconds: 0, description: expect.any(String) }],
      cluster: {
        version: { major: 1, minor: 36, patch: 1 },
        controlPlaneEndpoint: 'vip',
        certificatesDir: '/pki',
        imageRepository: 'r',
        networking: { podSubnet: '10.244.0.0/16', serviceSubnet: '10.97.0.0/16', dnsDomain: 'd' },
        featureGates: { NodeLocalCRISocket: true },
        apiServer: {
          certSANs: ['a', 'b'],
          extraArgs: [
            { name: 'v', value: '4' },
            { name: 'audit-log-path', value: '/a' },
          ],
        },
      },
    });
  });

  test('wrong ones are all named', () => {
    const found = problems(() =>
      loadInit(undefined, '', {
        featureGates: 'Nope=true,NodeLocalCRISocket,NodeLocalCRISocket=maybe',
        tokenTtl: '1d',
        kubernetesVersion: 'stable',
        apiserverExtraArgs: 'a,b=c=d',
      }),
    );
    expect(found).toEqual([
      expect.stringContaining('--kubernetes-version: "stable"'),
      expect.stringContaining('--feature-gates: Nope is not a feature gate of v1.36.3'),
      expect.stringContaining('--feature-gates: NodeLocalCRISocket needs true or false'),
      expect.stringContaining('--feature-gates: NodeLocalCRISocket needs true or false'),
      expect.stringContaining('--apiserver-extra-args: "a" is not name=value'),
      expect.stringContaining('--apiserver-extra-args: "b=c=d" is not name=value'),
      expect.stringContaining('--token-ttl: "1d"'),
    ]);
  });

  test('beside a file: the node name replaces, ignored checks are joined, phases to skip replace', () => {
    const text = `${init}skipPhases: [a]\nnodeRegistration: {name: From-File, ignorePreflightErrors: [Swap]}\ndryRun: true\n`;
    const { draft } = loadInit(text, 'f', {
      nodeName: 'flag',
      ignorePreflightErrors: ['swap', 'NumCPU'],
      skipPhases: ['b'],
      dryRun: false,
    });
    expect(draft.node).toMatchObject({ name: 'flag', ignorePreflightErrors: ['Swap', 'NumCPU'] });
    expect(draft.skipPhases).toEqual(['b']);
    expect(draft.isDryRun).toBe(false);
    expect(loadInit(text, 'f', {}).draft.node.name).toBe('from-file');
  });
});

describe('join', () => {
  const token = 'abcdef.0123456789abcdef';

  test('a file with a token and an endpoint', () => {
    const text = `${join}discovery:\n  bootstrapToken: {token: ${token}, apiServerEndpoint: "10.0.0.1:6443", caCertHashes: ["sha256:00"]}\ncontrolPlane: {certificateKey: k}\n`;
    const { draft } = loadJoin(text, 'join.yaml', {});
    expect(draft).toMatchObject({
      discovery: { kind: 'token', token, apiServerEndpoint: '10.0.0.1:6443', unsafeSkipCAVerification: false },
      tlsBootstrapToken: token,
      controlPlane: { localAPIEndpoint: { advertiseAddress: undefined, bindPort: 6443 }, certificateKey: 'k' },
      caCertPath: '/etc/kubernetes/pki/ca.crt',
    });
  });

  test('without discovery, or with both, it is refused', () => {
    expect(problems(() => loadJoin(join, 'f', {}))).toHaveLength(1);
    expect(problems(() => loadJoin(`${join}discovery: {}\n`, 'f', {}))).toEqual([
      expect.stringContaining('exactly one of'),
    ]);
    const both = `${join}discovery: {bootstrapToken: {token: ${token}}, file: {kubeConfigPath: /a}}\n`;
    expect(problems(() => loadJoin(both, 'f', {}))).toHaveLength(1);
  });

  test('flags: --token serves discovery and TLS where they are not given', () => {
    const { draft } = loadJoin(undefined, '', {
      apiServerEndpoint: 'a:6443',
      token,
      discoveryTokenCaCertHash: ['sha256:1'],
    });
    expect(draft.discovery).toMatchObject({
      kind: 'token',
      token,
      apiServerEndpoint: 'a:6443',
      caCertHashes: ['sha256:1'],
    });
    expect(draft.tlsBootstrapToken).toBe(token);
    const other = loadJoin(undefined, '', {
      apiServerEndpoint: 'a:6443',
      token,
      discoveryToken: 'd',
      tlsBootstrapToken: 't',
    });
    expect(other.draft).toMatchObject({ discovery: { token: 'd' }, tlsBootstrapToken: 't' });
  });

  test.each([
    ['/etc/discovery.conf', '/etc/discovery.conf'],
    ['file:///etc/my%20discovery.conf', '/etc/my discovery.conf'],
    ['file:///etc/100%.conf', '/etc/100%.conf'],
    ['https://files.example/a%20b?x', 'https://files.example/a%20b?x'],
  ])('--discovery-file %s is %s', (discoveryFile, kubeConfigPath) => {
    expect(loadJoin(undefined, '', { discoveryFile }).draft.discovery).toEqual({ kind: 'file', kubeConfigPath });
  });

  test('flags: a token without an endpoint discovers nothing', () => {
    expect(problems(() => loadJoin(undefined, '', { token }))[0]).toContain('bootstrapToken or file must be set');
  });

  test('flags of control planes on a worker are dropped with a warning', () => {
    const worker = loadJoin(undefined, '', {
      apiServerEndpoint: 'a:1',
      token,
      apiserverBindPort: 1,
      certificateKey: 'k',
    });
    expect(worker.draft.controlPlane).toBeUndefined();
    expect(warnings(worker)).toEqual([
      '--apiserver-bind-port, --certificate-key only matters with --control-plane; ignored',
    ]);
    const plane = loadJoin(undefined, '', {
      apiServerEndpoint: 'a:1',
      token,
      controlPlane: true,
      apiserverBindPort: 1,
    });
    expect(plane.draft.controlPlane?.localAPIEndpoint.bindPort).toBe(1);
  });
});

test('reset reads its kind, and flags win', () => {
  const text =
    'apiVersion: kubeadm.k8s.io/v1beta4\nkind: ResetConfiguration\nforce: true\ncertificatesDir: /pki\nunmountFlags: [MNT_FORCE]\n';
  expect(loadReset(text, 'f', { force: false, criSocket: 'unix:///s' }).draft).toMatchObject({
    isForced: false,
    certificatesDir: '/pki',
    criSocket: 'unix:///s',
    cleanupTmpDir: false,
    unmountFlags: ['MNT_FORCE'],
  });
  expect(loadReset(undefined, '', {}).draft).toMatchObject({ certificatesDir: '/etc/kubernetes/pki', isForced: false });
  expect(problems(() => loadReset(cluster, 'f', {}))[0]).toContain('no ResetConfiguration');
});

test.each(['/x/pki/', '//x//pki', '/x/pki///'])('certificatesDir %s is /x/pki, for init and for reset', (certDir) => {
  expect(loadInit(undefined, '', { certDir }).draft.cluster.certificatesDir).toBe('/x/pki');
  expect(loadReset(undefined, '', { certDir }).draft.certificatesDir).toBe('/x/pki');
});

test.each([
  ['/a/../b', '/b'],
  ['/a/./b/.', '/a/b'],
  ['/../a/b/..', '/a'],
])('the certificatesDir %s of a cluster is %s, where kubeadm puts its files', (certDir, folder) => {
  expect(loadInit(undefined, '', { certDir }).draft.cluster.certificatesDir).toBe(folder);
});

test.each(['/', '/srv/.', '/srv/../srv', 'pki', './pki'])('reset refuses the certificatesDir %s', (certDir) => {
  const { list } = validateReset(loadReset(undefined, '', { certDir }).draft);
  expect(list.map(({ code }) => code)).toEqual(['KB_CONFIG']);
});
