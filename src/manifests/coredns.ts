// CoreDNS: the cluster's name service, six objects (spec 04 §7.2).
import type { ClusterSpec } from '../config/spec.ts';
import { corednsImage } from '../kube/images.ts';
import {
  corednsGetsNodes,
  corefileSkipsClusterCache,
  namesProbePorts,
  patchesCorednsDeployment,
  spellsAllCapabilitiesUpper,
  toleratesMasterTaint,
} from '../kube/traits.ts';
import type { KubeVersion } from '../kube/version.ts';
import { nthAddress, parseCidr } from '../util/net.ts';
import type { KubeObject } from './object.ts';
import { applyPatches, type PatchFile, readPatches } from './patches.ts';
import { clusterRole, clusterRoleBinding, serviceAccount } from './rbac.ts';

/** What the cluster may already have decided for itself. */
export interface CorednsOptions {
  /** The replicas of the Deployment that is there; 2 in a new cluster. */
  readonly replicas?: number;
  readonly patches?: readonly PatchFile[];
}

const name = 'coredns';
const namespace = 'kube-system';
const labels = { 'k8s-app': 'kube-dns' };

/** Everything CoreDNS needs, in the order kubeadm applies it. @throws KbError KB_PATCH_* */
export function corednsObjects(cluster: ClusterSpec, options: CorednsOptions = {}): readonly KubeObject[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace },
      data: { Corefile: corefile(cluster) },
    },
    clusterRole('system:coredns', [
      { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
      ...(corednsGetsNodes(cluster.version) ? [{ apiGroups: [''], resources: ['nodes'], verbs: ['get'] }] : []),
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
    ]),
    clusterRoleBinding('system:coredns', [serviceAccount(name)]),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    patchedDeployment(deployment(cluster, options.replicas ?? 2), cluster.version, options.patches ?? []),
    service(cluster),
  ];
}

/** The server configuration of CoreDNS: the cluster's domain from the API, everything else from the node's resolver. */
export function corefile(cluster: Pick<ClusterSpec, 'version' | 'networking'>): string {
  const { dnsDomain } = cluster.networking;
  const skipsCache = corefileSkipsClusterCache(cluster.version) && dnsDomain !== '';
  return [
    '.:53 {',
    '    errors',
    '    health {',
    '       lameduck 5s',
    '    }',
    '    ready',
    `    kubernetes ${dnsDomain} in-addr.arpa ip6.arpa {`,
    '       pods insecure',
    '       fallthrough in-addr.arpa ip6.arpa',
    '       ttl 30',
    '    }',
    '    prometheus :9153',
    '    forward . /etc/resolv.conf {',
    '       max_concurrent 1000',
    '    }',
    ...(skipsCache
      ? ['    cache 30 {', `       disable success ${dnsDomain}`, `       disable denial ${dnsDomain}`, '    }']
      : ['    cache 30']),
    '    loop',
    '    reload',
    '    loadbalance',
    '}',
    '',
  ].join('\n');
}

/** The address every Pod asks: the tenth of the first service range. */
export function dnsAddress(serviceSubnet: string): string {
  const range = parseCidr(serviceSubnet.split(',')[0] ?? '');
  const address = range && nthAddress(range, 10);
  if (address === undefined) throw new Error(`${serviceSubnet} has no tenth address`);
  return address;
}

function patchedDeployment(object: KubeObject, version: KubeVersion, files: readonly PatchFile[]): KubeObject {
  if (!patchesCorednsDeployment(version)) return object;
  // What an object is called is not the patch's to say.
  const { kind, apiVersion, metadata } = object;
  const patched = applyPatches('corednsdeployment', object, readPatches(files).patches);
  const patchedMetadata = patched['metadata'];
  const extra = typeof patchedMetadata === 'object' && patchedMetadata !== null ? patchedMetadata : {};
  return { ...patched, kind, apiVersion, metadata: { ...extra, name: metadata.name, namespace } };
}

function deployment(cluster: ClusterSpec, replicas: number): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { labels, name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      strategy: { rollingUpdate: { maxUnavailable: 1 }, type: 'RollingUpdate' },
      template: { metadata: { labels }, spec: podSpec(cluster) },
    },
  };
}

function podSpec(cluster: ClusterSpec): Record<string, unknown> {
  const spread = {
    podAffinityTerm: {
      labelSelector: { matchExpressions: [{ key: 'k8s-app', operator: 'In', values: ['kube-dns'] }] },
      topologyKey: 'kubernetes.io/hostname',
    },
    weight: 100,
  };
  return {
    affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [spread] } },
    containers: [container(cluster)],
    // The cluster's DNS cannot ask itself.
    dnsPolicy: 'Default',
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    priorityClassName: 'system-cluster-critical',
    serviceAccountName: name,
    tolerations: [
      { key: 'CriticalAddonsOnly', operator: 'Exists' },
      ...(toleratesMasterTaint(cluster.version)
        ? [{ effect: 'NoSchedule', key: 'node-role.kubernetes.io/master' }]
        : []),
      { effect: 'NoSchedule', key: 'node-role.kubernetes.io/control-plane' },
    ],
    volumes: [{ configMap: { items: [{ key: 'Corefile', path: 'Corefile' }], name }, name: 'config-volume' }],
  };
}

function container(cluster: ClusterSpec): Record<string, unknown> {
  const { version } = cluster;
  const hasPortNames = namesProbePorts(version);
  const get = (path: string, port: string | number): Record<string, unknown> => ({ path, port, scheme: 'HTTP' });
  return {
    args: ['-conf', '/etc/coredns/Corefile'],
    image: corednsImage(cluster),
    imagePullPolicy: 'IfNotPresent',
    livenessProbe: {
      failureThreshold: 5,
      httpGet: get('/health', hasPortNames ? 'liveness-probe' : 8080),
      initialDelaySeconds: 60,
      successThreshold: 1,
      timeoutSeconds: 5,
    },
    name,
    ports: [
      { containerPort: 53, name: 'dns', protocol: 'UDP' },
      { containerPort: 53, name: 'dns-tcp', protocol: 'TCP' },
      { containerPort: 9153, name: 'metrics', protocol: 'TCP' },
      ...(hasPortNames
        ? [
            { containerPort: 8080, name: 'liveness-probe', protocol: 'TCP' },
            { containerPort: 8181, name: 'readiness-probe', protocol: 'TCP' },
          ]
        : []),
    ],
    readinessProbe: { httpGet: get('/ready', hasPortNames ? 'readiness-probe' : 8181) },
    resources: { limits: { memory: '170Mi' }, requests: { cpu: '100m', memory: '70Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { add: ['NET_BIND_SERVICE'], drop: [spellsAllCapabilitiesUpper(version) ? 'ALL' : 'all'] },
      readOnlyRootFilesystem: true,
    },
    volumeMounts: [{ mountPath: '/etc/coredns', name: 'config-volume', readOnly: true }],
  };
}

function service(cluster: ClusterSpec): KubeObject {
  const port = (portName: string, number: number, protocol: string): Record<string, unknown> => ({
    name: portName,
    port: number,
    protocol,
    targetPort: number,
  });
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      annotations: { 'prometheus.io/port': '9153', 'prometheus.io/scrape': 'true' },
      labels: { ...labels, 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
      name: 'kube-dns',
      namespace,
    },
    spec: {
      clusterIP: dnsAddress(cluster.networking.serviceSubnet),
      ports: [port('dns', 53, 'UDP'), port('dns-tcp', 53, 'TCP'), port('metrics', 9153, 'TCP')],
      selector: labels,
    },
  };
}
