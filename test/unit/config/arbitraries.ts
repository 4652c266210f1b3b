// Specs as they may come: arbitraries for property tests of the configuration.
import * as fc from 'fast-check';
import { completeInit } from '../../../src/config/complete.ts';
import type { ResetSpec, UpgradeSpec } from '../../../src/config/draft.ts';
import { loadInit } from '../../../src/config/load.ts';
import type { ClusterSpec, InitSpec, JoinSpec } from '../../../src/config/spec.ts';
import { encryptionAlgorithms } from '../../../src/config/spec.ts';
import type { HostFacts } from '../../../src/host/host.ts';
import { facts, fixedRandomSource } from './facts.ts';

const base = completeInit(loadInit(undefined, '', {}).draft, facts(), fixedRandomSource).spec;
/** A host that has nothing to say: whatever comes back was written. */
export const nowhere: HostFacts = facts({ hostname: 'other', addresses: [], defaultRoutes: [], criSockets: [] });

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const path = word.map((name) => `/${name}`);
/** Text without control characters: everything YAML might trip over. */
const value = fc.oneof(
  fc.stringMatching(/^[ -~]{0,20}$/),
  fc.constantFrom('yes', 'off', '012', '1e3', '1:30', 'null', '~', '{}', '- a', '# a', 'ä→🙂'),
);
const args = fc.array(fc.record({ name: word, value }), { maxLength: 4 });
const envs = fc.array(fc.record({ name: word, value: value.filter((text) => text !== '') }), { maxLength: 2 });
const volumes = fc.array(
  fc.record(
    {
      name: word,
      hostPath: path,
      mountPath: path,
      readOnly: fc.constant(true),
      pathType: fc.constantFrom('File', 'Directory'),
    },
    { requiredKeys: ['name', 'hostPath', 'mountPath'] },
  ),
  { maxLength: 2 },
);
const component = fc.record({ extraArgs: args, extraEnvs: envs, extraVolumes: volumes });
const seconds = fc.integer({ min: 1, max: 500_000_000 });
const sans = fc.array(word, { maxLength: 3 });
const image = fc.record({ imageRepository: word, imageTag: word }, { requiredKeys: [] });

const etcd: fc.Arbitrary<ClusterSpec['etcd']> = fc.oneof(
  fc
    .tuple(
      image,
      fc.record({ dataDir: path, extraArgs: args, extraEnvs: envs, serverCertSANs: sans, peerCertSANs: sans }),
    )
    .map(([images, rest]) => ({ kind: 'local' as const, ...images, ...rest })),
  fc.record({
    kind: fc.constant('external' as const),
    endpoints: fc.array(
      word.map((host) => `https://${host}:2379`),
      { minLength: 1, maxLength: 3 },
    ),
    httpEndpoints: fc.array(
      word.map((host) => `http://${host}:2381`),
      { minLength: 1, maxLength: 3 },
    ),
    caFile: path,
    certFile: path,
    keyFile: path,
  }),
);

const cluster: fc.Arbitrary<ClusterSpec> = fc
  .record({
    clusterName: value.filter((text) => text !== ''),
    apiServer: fc.tuple(component, sans).map(([parts, certSANs]) => ({ ...parts, certSANs })),
    controllerManager: component,
    scheduler: component,
    etcd,
    dns: fc.tuple(image, fc.boolean()).map(([images, isDisabled]) => ({ ...images, isDisabled })),
    proxy: fc.record({ isDisabled: fc.boolean() }),
    imageRepository: word,
    certificatesDir: path,
    encryptionAlgorithm: fc.constantFrom(...encryptionAlgorithms),
    certificateValiditySeconds: seconds,
    caCertificateValiditySeconds: seconds,
    controlPlaneEndpoint: fc.tuple(word, fc.integer({ min: 1, max: 65_535 })).map(([host, port]) => `${host}:${port}`),
  })
  .map((changes) => ({ ...base.cluster, ...changes }));

const node: fc.Arbitrary<InitSpec['node']> = fc.record({
  name: word,
  criSocket: path.map((file) => `unix://${file}`),
  taints: fc.array(
    fc.record(
      { key: word, value: word, effect: fc.constantFrom('NoSchedule', 'NoExecute') },
      { requiredKeys: ['key', 'effect'] },
    ),
  ),
  kubeletExtraArgs: args,
  ignorePreflightErrors: fc
    .array(word, { maxLength: 2 })
    .map((names) => [...new Set(names)].filter((name) => name !== 'all')),
  imagePullPolicy: fc.constantFrom('Always' as const, 'IfNotPresent' as const, 'Never' as const),
  imagePullSerial: fc.boolean(),
});

const timeouts = fc.record({
  controlPlaneComponentHealthCheck: seconds,
  kubeletHealthCheck: seconds,
  kubernetesAPICall: seconds,
  etcdAPICall: seconds,
  tlsBootstrap: seconds,
  discovery: seconds,
  upgradeManifests: seconds,
});

const hex = fc.stringMatching(/^[0-9a-f]{64}$/);
const token = fc.stringMatching(/^[a-z0-9]{6}\.[a-z0-9]{16}$/);
const endpoint = fc.record({
  advertiseAddress: fc.constant('192.168.3.129'),
  bindPort: fc.integer({ min: 1, max: 65_535 }),
});
const shared = {
  skipPhases: fc.array(word, { maxLength: 2 }),
  patchesDirectory: path,
  timeouts,
  isDryRun: fc.boolean(),
};

/** Any valid init spec. */
export const init: fc.Arbitrary<InitSpec> = fc.record(
  {
    cluster,
    node,
    localAPIEndpoint: endpoint,
    bootstrapTokens: fc.array(
      fc.record(
        {
          token,
          description: value.filter((text) => text !== ''),
          ttlSeconds: fc.integer({ min: 0, max: 1_000_000 }),
          usages: fc.constant(['signing', 'authentication']),
          groups: fc.constant(['system:bootstrappers:a']),
        },
        { requiredKeys: ['token', 'ttlSeconds', 'usages', 'groups'] },
      ),
      { minLength: 1, maxLength: 3 },
    ),
    certificateKey: hex,
    ...shared,
  },
  { requiredKeys: ['cluster', 'node', 'localAPIEndpoint', 'bootstrapTokens', 'skipPhases', 'timeouts', 'isDryRun'] },
);

/** Any valid join spec. */
export const join: fc.Arbitrary<JoinSpec> = fc
  .record(
    {
      node,
      caCertPath: path.map((file) => `${file}.crt`),
      discovery: fc.oneof(
        fc.record({
          kind: fc.constant('token' as const),
          token,
          apiServerEndpoint: word.map((host) => `${host}:6443`),
          caCertHashes: fc.array(
            hex.map((text) => `sha256:${text}`),
            { maxLength: 2 },
          ),
          unsafeSkipCAVerification: fc.constant(true),
        }),
        fc.record({ kind: fc.constant('file' as const), kubeConfigPath: path }),
      ),
      tlsBootstrapToken: token,
      controlPlane: fc.record(
        { localAPIEndpoint: endpoint, certificateKey: hex },
        { requiredKeys: ['localAPIEndpoint'] },
      ),
      ...shared,
    },
    { requiredKeys: ['node', 'caCertPath', 'discovery', 'tlsBootstrapToken', 'skipPhases', 'timeouts', 'isDryRun'] },
  )
  .map((spec) => spec);

/** Any valid reset spec. */
export const reset: fc.Arbitrary<ResetSpec> = fc.record({
  certificatesDir: path,
  criSocket: path.map((file) => `unix://${file}`),
  cleanupTmpDir: fc.boolean(),
  isForced: fc.boolean(),
  ignorePreflightErrors: fc.uniqueArray(
    word.filter((name) => name !== 'all'),
    { maxLength: 2 },
  ),
  skipPhases: fc.array(word, { maxLength: 2 }),
  unmountFlags: fc.subarray(['MNT_FORCE', 'MNT_DETACH', 'MNT_EXPIRE', 'UMOUNT_NOFOLLOW']),
  timeouts,
  isDryRun: fc.boolean(),
});

const maybe = fc.option(fc.boolean(), { nil: undefined });
const wanted = fc.option(fc.constantFrom('v1.36.3', 'stable-1.36'), { nil: undefined });
const common = {
  ignorePreflightErrors: fc.uniqueArray(
    word.filter((name) => name !== 'all'),
    { maxLength: 2 },
  ),
  etcdUpgrade: fc.boolean(),
  isDryRun: maybe,
};
const images = {
  certificateRenewal: fc.boolean(),
  patchesDirectory: path,
  skipPhases: fc.array(word, { maxLength: 2 }),
  imagePullPolicy: fc.constantFrom('Always' as const, 'IfNotPresent' as const, 'Never' as const),
  imagePullSerial: fc.boolean(),
};
const choice = {
  kubernetesVersion: wanted,
  allowExperimentalUpgrades: maybe,
  allowRCUpgrades: maybe,
  printConfig: maybe,
};

/** Any valid upgrade spec. */
export const upgrade: fc.Arbitrary<UpgradeSpec> = fc.record({
  apply: fc.record({ ...common, ...images, ...choice, forceUpgrade: maybe }),
  diff: fc.record({ kubernetesVersion: wanted, contextLines: fc.nat(100) }),
  node: fc.record({ ...common, ...images }),
  plan: fc.record({ ...common, ...choice }),
  timeouts,
});
