// kube-proxy: the cluster's Services on every node (spec 04 §7.1).
import type { ApiEndpoint, ClusterSpec } from '../config/spec.ts';
import { kubernetesImage } from '../kube/images.ts';
import { isJsonObject } from '../util/json.ts';
import { joinHostPort } from '../util/net.ts';
import { writeYaml } from '../util/yaml.ts';
import { signature } from './cluster-config.ts';
import type { KubeObject } from './object.ts';
import { mergeEnvironment } from './pod.ts';
import { bootstrappersGroup, clusterRoleBinding, group, readOne, serviceAccount } from './rbac.ts';

const name = 'kube-proxy';
const namespace = 'kube-system';
const folder = '/var/lib/kube-proxy';

/** Everything kube-proxy needs, in the order kubeadm applies it. */
export function kubeProxyObjects(
  cluster: ClusterSpec,
  endpoint: ApiEndpoint,
  proxyEnvironment: Readonly<Record<string, string>> = {},
): readonly KubeObject[] {
  return [
    configMap(cluster, endpoint),
    daemonSet(cluster, proxyEnvironment),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    clusterRoleBinding('kubeadm:node-proxier', [serviceAccount(name)], 'system:node-proxier'),
    ...readOne(namespace, name, { resource: 'configmaps', name }, [group(bootstrappersGroup)]),
  ];
}

/** Where a host keeps a limit of connection tracking, and which value makes kube-proxy leave it alone. */
const conntrackFields: Readonly<Record<string, { readonly field: string; readonly untouched: number | string }>> = {
  nf_conntrack_max: { field: 'maxPerCore', untouched: 0 },
  nf_conntrack_tcp_timeout_established: { field: 'tcpEstablishedTimeout', untouched: '0s' },
  nf_conntrack_tcp_timeout_close_wait: { field: 'tcpCloseWaitTimeout', untouched: '0s' },
};

/**
 * kube-proxy's configuration for hosts on which these limits cannot be changed: there it ends when it tries (kind#2240). What
 * the user has set stays; `fields` are those that were filled in.
 */
export function withReadOnlyConntrack(
  cluster: ClusterSpec,
  names: readonly string[],
): { readonly cluster: ClusterSpec; readonly fields: readonly string[] } {
  const { kubeProxy } = cluster;
  const given = isJsonObject(kubeProxy.document['conntrack']) ? kubeProxy.document['conntrack'] : {};
  const filled = names
    .flatMap((sysctl) => conntrackFields[sysctl] ?? [])
    .filter(({ field }) => (given[field] ?? undefined) === undefined);
  if (filled.length === 0) return { cluster, fields: [] };
  const conntrack = { ...given, ...Object.fromEntries(filled.map(({ field, untouched }) => [field, untouched])) };
  const document = { ...kubeProxy.document, conntrack };
  return {
    cluster: { ...cluster, kubeProxy: { ...kubeProxy, document } },
    fields: filled.map(({ field, untouched }) => `conntrack.${field}: ${untouched}`),
  };
}

function configMap(cluster: ClusterSpec, endpoint: ApiEndpoint): KubeObject {
  const server = cluster.controlPlaneEndpoint ?? joinHostPort(endpoint.advertiseAddress, endpoint.bindPort);
  const data = {
    'config.conf': writeYaml(cluster.kubeProxy.document).trimEnd(),
    'kubeconfig.conf': kubeconfig(`https://${server}`),
  };
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { ...signature(cluster.kubeProxy, data), labels: { app: name }, name, namespace },
    data,
  };
}

/** The Pod's service account as a kubeconfig; not sorted: its bytes are part of the ConfigMap's signature. */
function kubeconfig(server: string): string {
  const account = '/var/run/secrets/kubernetes.io/serviceaccount';
  return [
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    '- cluster:',
    `    certificate-authority: ${account}/ca.crt`,
    `    server: ${server}`,
    '  name: default',
    'contexts:',
    '- context:',
    '    cluster: default',
    '    namespace: default',
    '    user: default',
    '  name: default',
    'current-context: default',
    'users:',
    '- name: default',
    '  user:',
    `    tokenFile: ${account}/token`,
  ].join('\n');
}

function daemonSet(cluster: ClusterSpec, proxyEnvironment: Readonly<Record<string, string>>): KubeObject {
  const labels = { 'k8s-app': name };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { labels, name, namespace },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [container(cluster, proxyEnvironment)],
          hostNetwork: true,
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          priorityClassName: 'system-node-critical',
          serviceAccountName: name,
          tolerations: [{ operator: 'Exists' }],
          volumes: [
            { configMap: { name }, name },
            { hostPath: { path: '/run/xtables.lock', type: 'FileOrCreate' }, name: 'xtables-lock' },
            { hostPath: { path: '/lib/modules' }, name: 'lib-modules' },
          ],
        },
      },
      updateStrategy: { type: 'RollingUpdate' },
    },
  };
}

function container(cluster: ClusterSpec, proxyEnvironment: Readonly<Record<string, string>>): Record<string, unknown> {
  const proxies = Object.entries(proxyEnvironment)
    .filter(([, value]) => value !== '')
    .map(([variable, value]) => ({ name: variable, value }));
  return {
    command: ['/usr/local/bin/kube-proxy', `--config=${folder}/config.conf`, '--hostname-override=$(NODE_NAME)'],
    env: [
      { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
      ...mergeEnvironment(proxies, cluster.version),
    ],
    image: kubernetesImage(cluster, name),
    imagePullPolicy: 'IfNotPresent',
    name,
    securityContext: { privileged: true },
    volumeMounts: [
      { mountPath: folder, name },
      { mountPath: '/run/xtables.lock', name: 'xtables-lock' },
      { mountPath: '/lib/modules', name: 'lib-modules', readOnly: true },
    ],
  };
}
