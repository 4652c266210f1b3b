// Random configurations that a kubeadm takes: what the oracle compares the two programs over.
//
// Left out, because kbinit is stricter on purpose (docs/config.md says why): names in certSANs that kubeadm drops with
// a warning; arguments, volumes and variables with line breaks or other control characters; paths that are not
// absolute; an advertise address of another family than the first Service range, or one inside a range of Services or
// Pods; URLs with a name in broken Punycode; proxy variables other than the usual ones (docs/ssh.md); the gate RootlessControlPlane, which kbinit does not have. And because kubeadm writes what does not work:
// kubelet arguments with blanks, quotes or backslashes, which systemd takes apart and kbinit keeps whole.
import { networkInterfaces } from 'node:os';
import * as fc from 'fast-check';
import type { KubeVersion } from '../../src/kube/version.ts';
import { cidrContains, parseCidrs, parseIp } from '../../src/util/net.ts';
import { writeYaml } from '../../src/util/yaml.ts';

/** A file with a mode and an owner; text alone is root's 0644. */
export type Given = string | { readonly text: string; readonly mode: number; readonly owner?: number };

/** One configuration, and the world it is for. */
export interface OracleCase {
  /** The documents of --config. */
  readonly config: string;
  /** More files that exist before, by path. */
  readonly files: Readonly<Record<string, Given>>;
  /** Proxy variables of the run. */
  readonly environment: Readonly<Record<string, string>>;
  /** The phases to run; without, all that write files. */
  readonly phases?: readonly (readonly string[])[];
}

type Document = Readonly<Record<string, unknown>>;

/** The machine's own addresses: a Service range that holds one is refused by kbinit, on purpose. */
const ownAddresses = Object.values(networkInterfaces()).flatMap((list) =>
  (list ?? []).flatMap(({ address }) => parseIp(address) ?? []),
);
const isFree = (ranges: string): boolean =>
  (parseCidrs(ranges) ?? []).every((range) => !ownAddresses.some((address) => cidrContains(range, address)));

function textOf(value: unknown, otherwise = ''): string {
  return typeof value === 'string' ? value : otherwise;
}

const nothing = fc.constant(undefined);
const maybe = <T>(arbitrary: fc.Arbitrary<T>, weight = 2): fc.Arbitrary<T | undefined> =>
  fc.oneof({ arbitrary: nothing, weight: 3 }, { arbitrary, weight });

/** A mapping of what was drawn; what is undefined is left out. */
function mapping(fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<Document> {
  return fc
    .record(fields)
    .map((drawn) => Object.fromEntries(Object.entries(drawn).filter(([, value]) => value !== undefined)));
}

// ------------------------------------------------------------------------------------------------------ pieces

const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/).filter((text) => !text.startsWith('xn--'));
const domain = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));
const ip4 = fc.tuple(fc.constantFrom('10', '172', '192'), fc.nat(255), fc.nat(255), fc.integer({ min: 1, max: 254 }));
const ipv4 = ip4.map((octets) => octets.join('.'));
/** Of the node: in no range of Pods or Services that is drawn below. */
const nodeIpv4 = fc
  .tuple(fc.integer({ min: 1, max: 254 }), fc.integer({ min: 1, max: 254 }))
  .map(([a, b]) => `192.168.${a}.${b}`);
const group = fc.integer({ min: 1, max: 0xffff }).map((n) => n.toString(16));
const ipv6 = fc.tuple(group, group, group).map(([a, b, c]) => `fd01:${a}:${b}::${c}`);
const ip = fc.oneof({ arbitrary: ipv4, weight: 3 }, { arbitrary: ipv6, weight: 1 });
const port = fc.integer({ min: 1024, max: 65_535 });
const host = fc.oneof(domain, ip);
const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address);

/** Text as it stands in flags and variables: quotes, blanks, colons, dollars, letters beyond ASCII. */
const word = fc.oneof(
  { arbitrary: fc.stringMatching(/^[A-Za-z0-9_.,:/=*-]{0,20}$/), weight: 6 },
  { arbitrary: fc.stringMatching(/^[ -~]{0,16}$/), weight: 3 },
  {
    arbitrary: fc.constantFrom('true', 'null', '0x10', '1e3', '012', '- a', '~', '#x', 'ä', '日本', '"', "'", '{}'),
    weight: 1,
  },
);

interface Argument {
  readonly name: string;
  readonly value: string;
}

function args(
  names: readonly string[],
  special: readonly Argument[] = [],
  value: fc.Arbitrary<string> = word,
): fc.Arbitrary<readonly Argument[]> {
  const own = fc.record({ name: fc.oneof(fc.constantFrom(...names), label), value });
  const one = special.length === 0 ? own : fc.oneof({ arbitrary: own, weight: 2 }, fc.constantFrom(...special));
  return fc.array(one, { maxLength: 5 });
}

const variables = fc.uniqueArray(
  fc.oneof(
    fc.record({ name: fc.stringMatching(/^[A-Z_]{1,8}$/), value: word }),
    fc.record({
      name: fc.constantFrom('POD_IP', 'HTTP_PROXY', 'no_proxy'),
      valueFrom: fc.constant({ fieldRef: { fieldPath: 'status.podIP' } }),
    }),
  ),
  { maxLength: 3, selector: ({ name }) => name },
);

const path = fc.array(label, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join('/')}`);
const volumes = fc.uniqueArray(
  mapping({
    name: fc.oneof({ arbitrary: label, weight: 5 }, fc.constantFrom('k8s-certs', 'ca-certs', 'kubeconfig')),
    hostPath: path,
    mountPath: path,
    readOnly: maybe(fc.boolean()),
    pathType: maybe(fc.constantFrom('', 'DirectoryOrCreate', 'Directory', 'FileOrCreate', 'File', 'Socket')),
  }),
  { maxLength: 3, selector: (volume) => volume['name'] },
);

function component(
  names: readonly string[],
  special: readonly Argument[] = [],
): Readonly<Record<string, fc.Arbitrary<unknown>>> {
  return { extraArgs: maybe(args(names, special)), extraVolumes: maybe(volumes), extraEnvs: maybe(variables, 1) };
}

const sans = fc.array(
  fc.oneof(
    domain,
    ip,
    domain.map((name) => `*.${name}`),
  ),
  {
    maxLength: 4,
  },
);
const repository = fc.oneof(
  domain,
  fc.tuple(domain, port).map(([name, n]) => `${name}:${n}/k8s`),
  fc.constant('registry.k8s.io'),
);

const networking: fc.Arbitrary<Document> = fc
  .oneof(
    fc.constant<Document>({}),
    mapping({
      serviceSubnet: maybe(fc.constantFrom('10.96.0.0/12', '172.20.0.0/16', '10.43.0.0/24', '198.51.100.0/28')),
      podSubnet: maybe(fc.constantFrom('10.244.0.0/16', '10.128.0.0/9', '172.16.0.0/20')),
      dnsDomain: maybe(domain),
    }),
    fc.constantFrom<Document>(
      { serviceSubnet: '10.96.0.0/16,fd00:10:96::/112', podSubnet: '10.244.0.0/16,fd00:10:244::/56' },
      { serviceSubnet: 'fd00:10:96::/112,10.96.0.0/16', podSubnet: 'fd00:10:244::/56,10.244.0.0/16' },
      { serviceSubnet: 'fd00:10:96::/108', podSubnet: 'fd00:10:244::/48' },
      { serviceSubnet: '10.96.0.0/12,fd00:1::/112' },
    ),
  )
  .filter((fields) => isFree(textOf(fields['serviceSubnet'], '10.96.0.0/12')) && isFree(textOf(fields['podSubnet'])));

const hours = (n: number): string => `${n}h0m0s`;
const external = '/etc/etcd/ssl';

const localEtcd = mapping({
  dataDir: maybe(fc.constantFrom('/var/lib/etcd', '/var/lib/etcd-data', '/var/lib/other/etcd')),
  imageRepository: maybe(repository, 1),
  imageTag: maybe(fc.constantFrom('3.6.8-0', '3.5.24-0', 'v3.6.0', 'test'), 1),
  serverCertSANs: maybe(sans),
  peerCertSANs: maybe(sans),
  extraEnvs: maybe(variables, 1),
  extraArgs: maybe(
    args(
      ['snapshot-count', 'quota-backend-bytes', 'listen-client-urls', 'name', 'data-dir', 'feature-gates'],
      [
        { name: 'listen-metrics-urls', value: 'http://0.0.0.0:2381' },
        { name: 'listen-metrics-urls', value: 'https://10.0.0.5:9999,http://127.0.0.1:2381' },
        { name: 'listen-metrics-urls', value: 'http://127.0.0.1' },
        { name: 'advertise-client-urls', value: 'https://etcd.example:2379' },
      ],
    ),
  ),
});

const externalEtcd = fc
  .record({
    endpoints: fc.array(host, { minLength: 1, maxLength: 3 }),
    folder: fc.constantFrom(external, '/etc/kubernetes/pki/etcd', '/etc/ssl/certs/etcd', '/opt/etcd/tls'),
    isTls: fc.boolean(),
    own: fc.boolean(),
  })
  .map(({ endpoints, folder, isTls, own }): Document => ({
    endpoints: endpoints.map((name) => `http${isTls ? 's' : ''}://${bracketed(name)}:2379`),
    ...(isTls ? { caFile: `${folder}/ca.pem` } : {}),
    ...(isTls && own ? { certFile: `${folder}/client.pem`, keyFile: `${folder}/keys/client-key.pem` } : {}),
  }));

const etcd = fc.oneof(
  { arbitrary: nothing, weight: 2 },
  { arbitrary: localEtcd.map((local) => ({ local })), weight: 4 },
  { arbitrary: externalEtcd.map((to) => ({ external: to })), weight: 2 },
);

// --------------------------------------------------------------------------------------------------- documents

/** What is its own of a minor. */
interface Minor {
  /** Its kubeadm writes the same for all of these patches: what a patch changed came in with none of them. */
  readonly versions: readonly string[];
  /** The quick ones; RSA keys take kubeadm and kbinit a second a set. */
  readonly algorithms: readonly string[];
  readonly gates: readonly Readonly<Record<string, boolean>>[];
}

const newestMinor: Minor = {
  versions: ['v1.36.1', 'v1.36.2', 'v1.36.3', '1.36.3'],
  algorithms: ['ECDSA-P256', 'ECDSA-P384'],
  gates: [{ NodeLocalCRISocket: true }, { PublicKeysECDSA: true }],
};
const minors: Readonly<Record<number, Minor>> = {
  33: {
    versions: ['v1.33.12', 'v1.33.13', '1.33.13'],
    algorithms: ['ECDSA-P256'],
    gates: [
      { NodeLocalCRISocket: true },
      { NodeLocalCRISocket: false },
      { ControlPlaneKubeletLocalMode: false },
      { ControlPlaneKubeletLocalMode: true, NodeLocalCRISocket: true },
      { PublicKeysECDSA: true },
      { WaitForAllControlPlaneComponents: false },
    ],
  },
  36: newestMinor,
};

function minorOf({ minor, patch }: KubeVersion): Minor {
  return minors[minor] ?? { ...newestMinor, versions: [`v1.${minor}.${patch}`] };
}

const algorithm = ({ algorithms }: Minor): fc.Arbitrary<string> =>
  fc.oneof({ arbitrary: fc.constantFrom(...algorithms), weight: 9 }, { arbitrary: fc.constant('RSA-2048'), weight: 1 });

const clusterFields = ({ versions, gates }: Minor): Readonly<Record<string, fc.Arbitrary<unknown>>> => ({
  kubernetesVersion: fc.constantFrom(...versions),
  clusterName: maybe(label),
  controlPlaneEndpoint: maybe(
    fc.oneof(
      domain,
      ip,
      fc.tuple(host, port).map(([name, n]) => `${bracketed(name)}:${n}`),
    ),
  ),
  certificatesDir: maybe(fc.constantFrom('/etc/kubernetes/pki', '/etc/kubernetes/other', '/var/lib/pki/k8s'), 1),
  imageRepository: maybe(repository),
  etcd,
  apiServer: mapping({
    ...component(
      [
        'authorization-mode',
        'audit-log-path',
        'feature-gates',
        'etcd-servers',
        'service-account-issuer',
        'secure-port',
      ],
      [
        { name: 'authorization-config', value: '/etc/kubernetes/authz.yaml' },
        { name: 'authorization-mode', value: 'Node,RBAC,Webhook,Bogus' },
        { name: 'service-account-issuer', value: 'https://a.example' },
        { name: 'service-account-issuer', value: 'https://b.example' },
      ],
    ),
    certSANs: maybe(sans),
  }),
  controllerManager: mapping(
    component(
      ['bind-address', 'cluster-cidr', 'allocate-node-cidrs', 'node-cidr-mask-size', 'controllers', 'secure-port'],
      [
        { name: 'bind-address', value: '0.0.0.0' },
        { name: 'bind-address', value: '::' },
        { name: 'bind-address', value: '10.1.1.1' },
        { name: 'flex-volume-plugin-dir', value: '/opt/flex' },
      ],
    ),
  ),
  scheduler: mapping(component(['bind-address', 'config', 'leader-elect'], [{ name: 'bind-address', value: '::1' }])),
  dns: maybe(mapping({ imageRepository: maybe(repository), imageTag: maybe(fc.constant('v1.0.0')) }), 1),
  featureGates: maybe(fc.constantFrom(...gates), 1),
});

const kubeletExtraArgs = args(
  ['node-labels', 'v', 'hostname-override', 'config', 'node-ip'],
  [],
  word.map((text) => text.replaceAll(/[\s"'\\]/g, '-')),
);
const nodeFields = {
  name: maybe(domain, 4),
  criSocket: fc.constantFrom(
    'unix:///run/containerd/containerd.sock',
    'unix:///var/run/crio/crio.sock',
    '/run/containerd/containerd.sock',
  ),
  taints: maybe(fc.constantFrom([], [{ key: 'a', value: 'b', effect: 'NoSchedule' }]), 1),
  kubeletExtraArgs: maybe(kubeletExtraArgs),
  imagePullPolicy: maybe(fc.constantFrom('Always', 'Never'), 1),
};

/** As people write them: few are in the form that Go gives them. */
const quantity = fc
  .record({
    whole: fc.nat(5000),
    fraction: fc.constantFrom('', '', '.', '.5', '.25', '.125', '.001'),
    suffix: fc.constantFrom('', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'e3', 'E2', 'u'),
  })
  .map(({ whole, fraction, suffix }) => `${whole}${fraction}${suffix}`);
const duration = fc.constantFrom('10s', '1m0s', '90s', '1.5h', '100ms', '1h30m', '0s', '0', '2m');

const kubelet = mapping({
  apiVersion: fc.constant('kubelet.config.k8s.io/v1beta1'),
  kind: fc.constant('KubeletConfiguration'),
  maxPods: maybe(fc.integer({ min: 1, max: 500 })),
  clusterDNS: maybe(fc.array(ip, { minLength: 1, maxLength: 2 })),
  clusterDomain: maybe(domain),
  cgroupDriver: maybe(fc.constantFrom('systemd', 'cgroupfs')),
  rotateCertificates: maybe(fc.boolean()),
  evictionHard: maybe(fc.constantFrom({ 'memory.available': '100Mi', 'nodefs.available': '10%' })),
  nodeStatusUpdateFrequency: maybe(duration),
  syncFrequency: maybe(duration, 1),
  logging: maybe(
    fc.record({ json: quantity, text: quantity, flush: duration }).map(({ json, text, flush }) => ({
      flushFrequency: flush,
      options: { json: { infoBufferSize: json }, text: { infoBufferSize: text } },
    })),
    1,
  ),
  reservedMemory: maybe(
    quantity.map((memory) => [{ numaNode: 0, limits: { memory } }]),
    1,
  ),
  systemReserved: maybe(fc.constantFrom({ cpu: '100m' })),
  featureGates: maybe(fc.constantFrom({ SomeGate: true })),
  staticPodPath: maybe(fc.constantFrom('/etc/kubernetes/manifests', '/etc/kubernetes/static')),
  authentication: maybe(fc.constantFrom({ anonymous: { enabled: true } }, { webhook: { cacheTTL: '3m0s' } })),
  readOnlyPort: maybe(fc.constantFrom(0, 10_255)),
  serverTLSBootstrap: maybe(fc.boolean()),
});

/** Files for --patches: one of a kind and a manner each, which fit whatever was configured. Q0 to Q2 are quantities. */
const patchPool: Readonly<Record<string, string>> = {
  'kube-apiserver0+strategic.yaml':
    'spec:\n  containers:\n  - name: kube-apiserver\n    resources:\n      requests: {memory: 1Gi}\n    env:\n    - {name: EXTRA, value: x}\n',
  'kube-apiserver1+merge.json': '{"metadata":{"annotations":{"team":"a"},"labels":{"tier":null}}}',
  'kube-controller-manager+json.yaml':
    '- {op: replace, path: /spec/containers/0/resources/requests/cpu, value: 300m}\n- {op: add, path: /metadata/annotations, value: {b: "1"}}\n',
  'kube-scheduler+merge.yaml': 'spec: {priority: null, hostNetwork: false}\n',
  'kube-scheduler2.yaml':
    'spec:\n  priority: 0\n  nodeSelector: {}\n  automountServiceAccountToken: false\n  containers:\n  - name: kube-scheduler\n    tty: false\n    resources: null\n    livenessProbe: {initialDelaySeconds: 0}\n    volumeMounts:\n    - {name: kubeconfig, mountPath: /etc/kubernetes/scheduler.conf, readOnly: false}\n',
  'kube-controller-manager3+merge.yaml':
    'metadata: {labels: {empty: ""}, annotations: {}}\nspec: {volumes: [], schedulerName: ""}\n',
  'etcd+json.json':
    '[{"op":"test","path":"/metadata/name","value":"etcd"},{"op":"remove","path":"/spec/containers/0/livenessProbe"}]',
  'etcd.yaml': 'spec:\n  volumes:\n  - {name: etcd-data, $patch: delete}\n  - name: extra\n    emptyDir: {}\n',
  'etcd2+merge.json': '{"spec":{"overhead":{"cpu":"Q0"},"volumes":[{"name":"e","emptyDir":{"sizeLimit":"Q1"}}]}}',
  'kube-apiserver3.yaml':
    'spec:\n  containers:\n  - name: kube-apiserver\n    resources:\n      requests: {memory: "Q0", cpu: 0.25}\n      limits: {memory: "Q1", cpu: 2, example.com/x: "Q2"}\n',
  'kubeletconfiguration2+merge.yaml':
    'syncFrequency: 90s\nlogging: {flushFrequency: 1.5h, options: {json: {infoBufferSize: "Q0"}}}\nreservedMemory: [{numaNode: 0, limits: {memory: "Q1"}}]\n',
  'kubeletconfiguration3+json.json':
    '[{"op":"add","path":"/streamingConnectionIdleTimeout","value":"240m"},{"op":"add","path":"/podPidsLimit","value":0}]',
  'kubeletconfiguration.yaml': 'maxPods: 77\nclusterDNS: [10.0.0.9]\n',
  'kubeletconfiguration1+merge.json': '{"serializeImagePulls":false,"evictionHard":{"imagefs.available":"5%"}}',
};

const patches = fc.oneof(
  { arbitrary: fc.constant<readonly string[]>([]), weight: 3 },
  { arbitrary: fc.uniqueArray(fc.constantFrom(...Object.keys(patchPool)), { minLength: 1, maxLength: 5 }), weight: 2 },
);
const patchFolder = '/etc/kubernetes-patches';

const environment = fc.oneof(
  { arbitrary: fc.constant({}), weight: 3 },
  fc.constantFrom<Record<string, string>>(
    { HTTPS_PROXY: 'http://proxy.example:3128', NO_PROXY: '10.0.0.0/8,.svc' },
    { http_proxy: 'http://user:p%40ss@proxy:1', no_proxy: '*' },
    { ALL_PROXY: '' },
  ),
);

interface Drawn {
  readonly cluster: Document;
  readonly node: Document;
  readonly networking: Document;
  readonly addresses: { readonly ipv4: string; readonly ipv6: string };
  readonly bindPort: number | undefined;
  readonly kubelet: Document | undefined;
  readonly patches: readonly string[];
  readonly quantities: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly healthCheck: string | undefined;
  readonly keys: Document;
  readonly isOld: boolean;
}

const drawn = (minor: Minor): fc.Arbitrary<Drawn> =>
  fc.record({
    cluster: mapping(clusterFields(minor)),
    node: mapping(nodeFields),
    networking,
    addresses: fc.record({ ipv4: nodeIpv4, ipv6 }),
    bindPort: maybe(port),
    kubelet: maybe(kubelet),
    patches,
    quantities: fc.array(quantity, { minLength: 3, maxLength: 3 }),
    environment,
    healthCheck: maybe(fc.constantFrom('1m0s', '4m5s', '15m0s'), 1),
    keys: mapping({
      encryptionAlgorithm: algorithm(minor),
      certificateValidityPeriod: maybe(fc.constantFrom(hours(1), hours(24), '720h30m5s', hours(8760)), 1),
      caCertificateValidityPeriod: maybe(fc.constantFrom(hours(8760), hours(87_600)), 1),
    }),
    isOld: fc.nat(9).map((n) => n === 0),
  });

/**
 * An InitConfiguration, a ClusterConfiguration and sometimes a KubeletConfiguration, in v1beta4 or v1beta3, that this
 * version of kubeadm takes.
 */
export function oracleCase(kubeadm: KubeVersion): fc.Arbitrary<OracleCase> {
  return drawn(minorOf(kubeadm)).map(render);
}

function render(parts: Drawn): OracleCase {
  const { networking: networks, addresses, bindPort, healthCheck, keys } = parts;
  // kbinit refuses an API server address of another family than the first Service range, which kubeadm lets fail later.
  const isIpv6 = textOf(networks['serviceSubnet']).startsWith('fd');
  const init = {
    nodeRegistration: parts.node,
    localAPIEndpoint: {
      advertiseAddress: isIpv6 ? addresses.ipv6 : addresses.ipv4,
      ...(bindPort === undefined ? {} : { bindPort }),
    },
    ...(parts.patches.length === 0 ? {} : { patches: { directory: patchFolder } }),
  };
  const cluster = { ...parts.cluster, networking: networks };
  const documents = parts.isOld
    ? v1beta3(init, cluster, healthCheck)
    : v1beta4(init, { ...cluster, ...keys }, healthCheck);
  return {
    config: [...documents, ...(parts.kubelet === undefined ? [] : [parts.kubelet])].map(writeYaml).join('---\n'),
    files: Object.fromEntries(
      parts.patches.map((name) => [`${patchFolder}/${name}`, withQuantities(patchPool[name] ?? '', parts.quantities)]),
    ),
    environment: parts.environment,
  };
}

function withQuantities(text: string, quantities: readonly string[]): string {
  return text.replaceAll(/"Q(\d)"/g, (_all, index: string) => JSON.stringify(quantities[Number(index)]));
}

function v1beta4(init: Document, cluster: Document, healthCheck: string | undefined): readonly Document[] {
  const apiVersion = 'kubeadm.k8s.io/v1beta4';
  const timeouts = healthCheck === undefined ? {} : { timeouts: { controlPlaneComponentHealthCheck: healthCheck } };
  return [
    { apiVersion, kind: 'InitConfiguration', ...init, ...timeouts },
    { apiVersion, kind: 'ClusterConfiguration', ...cluster },
  ];
}

/** The same in the older words: arguments as a mapping, no variables, one timeout; always ECDSA, by its gate. */
function v1beta3(init: Document, cluster: Document, healthCheck: string | undefined): readonly Document[] {
  const apiVersion = 'kubeadm.k8s.io/v1beta3';
  const apiServer = {
    ...older(recordOf(cluster['apiServer'])),
    ...(healthCheck === undefined ? {} : { timeoutForControlPlane: healthCheck }),
  };
  const local = recordOf(recordOf(cluster['etcd'])['local']);
  return [
    { apiVersion, kind: 'InitConfiguration', ...init, nodeRegistration: older(recordOf(init['nodeRegistration'])) },
    {
      apiVersion,
      kind: 'ClusterConfiguration',
      ...cluster,
      featureGates: { PublicKeysECDSA: true },
      apiServer,
      controllerManager: older(recordOf(cluster['controllerManager'])),
      scheduler: older(recordOf(cluster['scheduler'])),
      ...(Object.keys(local).length === 0 ? {} : { etcd: { local: older(local) } }),
    },
  ];
}

function older({ extraEnvs: _none, ...fields }: Document): Document {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) =>
      /extraArgs$/i.test(name) ? [name, asMapping(value)] : [name, value],
    ),
  );
}

function asMapping(list: unknown): Document {
  const entries = Array.isArray(list) ? list.map(recordOf) : [];
  return Object.fromEntries(entries.map(({ name, value }) => [textOf(name), value]));
}

function recordOf(value: unknown): Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
