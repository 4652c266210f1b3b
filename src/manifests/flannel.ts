// flannel: a Pod network as its release v0.28.4 deploys it (flannel-io/flannel, Documentation/kube-flannel.yml).
import { KbError } from '../errors.ts';
import type { KubeObject } from './object.ts';
import { clusterRole, clusterRoleBinding, serviceAccount } from './rbac.ts';

/** How packets travel between nodes; not to be changed in a running cluster. */
export type FlannelBackend = 'vxlan' | 'host-gw' | 'udp' | 'wireguard';

/** What flannel is rendered from. */
export interface FlannelOptions {
  /** The cluster's podSubnet: one range, or one of each family. */
  readonly network: string;
  readonly backend: FlannelBackend;
  /** Where both images are mirrored; default ghcr.io/flannel-io. */
  readonly imageRepository?: string;
}

const version = 'v0.28.4';
const pluginVersion = 'v1.9.1-flannel1';
const namespace = 'kube-flannel';
const label = { 'k8s-app': 'flannel' };

/** The images flannel runs. */
export function flannelImages(imageRepository = 'ghcr.io/flannel-io'): {
  readonly daemon: string;
  readonly plugin: string;
} {
  return {
    daemon: `${imageRepository}/flannel:${version}`,
    plugin: `${imageRepository}/flannel-cni-plugin:${pluginVersion}`,
  };
}

/** flannel's objects, its namespace first. @throws KbError KB_FLANNEL_NETWORK */
export function flannelObjects(options: FlannelOptions): readonly KubeObject[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      // It changes the host's network: the baseline Pod security standard would refuse it.
      metadata: { labels: { ...label, 'pod-security.kubernetes.io/enforce': 'privileged' }, name: namespace },
    },
    labelled(
      clusterRole('flannel', [
        { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
        { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] },
        { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch'] },
      ]),
    ),
    labelled(clusterRoleBinding('flannel', [serviceAccount('flannel', namespace)])),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { labels: label, name: 'flannel', namespace } },
    configMap(options),
    daemonSet(options),
  ];
}

function labelled(object: KubeObject): KubeObject {
  return { ...object, metadata: { ...object.metadata, labels: label } };
}

function configMap(options: FlannelOptions): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { labels: { app: 'flannel', ...label, tier: 'node' }, name: 'kube-flannel-cfg', namespace },
    data: { 'cni-conf.json': printed(cniConfig), 'net-conf.json': printed(netConfig(options)) },
  };
}

const cniConfig = {
  name: 'cbr0',
  cniVersion: '0.3.1',
  plugins: [
    { type: 'flannel', delegate: { hairpinMode: true, isDefaultGateway: true } },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
};

/** flanneld's own configuration; IPv4 is on unless it is told otherwise, IPv6 off. */
function netConfig(options: FlannelOptions): Record<string, unknown> {
  const ranges = options.network.split(',').filter((range) => range !== '');
  const v4 = ranges.find((range) => !range.includes(':'));
  const v6 = ranges.find((range) => range.includes(':'));
  checkNetwork(options, v4, v6);
  return {
    ...(v4 === undefined ? { EnableIPv4: false } : { Network: v4 }),
    ...(v6 === undefined ? {} : { EnableIPv6: true, IPv6Network: v6 }),
    EnableNFTables: false,
    Backend: { Type: options.backend },
  };
}

function checkNetwork(options: FlannelOptions, v4: string | undefined, v6: string | undefined): void {
  if (v4 === undefined && v6 === undefined) {
    throw new KbError({
      code: 'KB_FLANNEL_NETWORK',
      summary: 'flannel needs a Pod network',
      detail: 'networking.podSubnet is not set',
      fix: 'set --pod-network-cidr, for example to 10.244.0.0/16',
    });
  }
  if (options.backend === 'udp' && v6 !== undefined) {
    throw new KbError({
      code: 'KB_FLANNEL_NETWORK',
      summary: "flannel's backend udp knows IPv4 only",
      detail: `networking.podSubnet is ${options.network}`,
      fix: 'choose the backend vxlan, host-gw or wireguard, or a Pod network of IPv4 only',
    });
  }
}

function printed(config: Record<string, unknown>): string {
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

function daemonSet(options: FlannelOptions): KubeObject {
  const onLinux = { matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values: ['linux'] }] };
  const labels = { app: 'flannel', tier: 'node' };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { labels: { ...labels, ...label }, name: 'kube-flannel-ds', namespace },
    spec: {
      selector: { matchLabels: { app: 'flannel' } },
      template: {
        metadata: { labels },
        spec: {
          affinity: {
            nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [onLinux] } },
          },
          containers: [daemon(options)],
          hostNetwork: true,
          initContainers: installers(options),
          priorityClassName: 'system-node-critical',
          serviceAccountName: 'flannel',
          // A node without a network is not ready, and flannel is what makes it so.
          tolerations: [{ effect: 'NoSchedule', operator: 'Exists' }],
          volumes: volumes(options),
        },
      },
    },
  };
}

/** The CNI plugin's binary and its configuration, copied to the host. */
function installers(options: FlannelOptions): readonly Record<string, unknown>[] {
  const images = flannelImages(options.imageRepository);
  return [
    {
      args: ['-f', '/flannel', '/opt/cni/bin/flannel'],
      command: ['cp'],
      image: images.plugin,
      name: 'install-cni-plugin',
      volumeMounts: [{ mountPath: '/opt/cni/bin', name: 'cni-plugin' }],
    },
    {
      args: ['-f', '/etc/kube-flannel/cni-conf.json', '/etc/cni/net.d/10-flannel.conflist'],
      command: ['cp'],
      image: images.daemon,
      name: 'install-cni',
      volumeMounts: [
        { mountPath: '/etc/cni/net.d', name: 'cni' },
        { mountPath: '/etc/kube-flannel/', name: 'flannel-cfg' },
      ],
    },
  ];
}

function daemon(options: FlannelOptions): Record<string, unknown> {
  const field = (variable: string, fieldPath: string): Record<string, unknown> => ({
    name: variable,
    valueFrom: { fieldRef: { fieldPath } },
  });
  return {
    args: ['--ip-masq', '--kube-subnet-mgr'],
    command: ['/opt/bin/flanneld'],
    env: [
      field('POD_NAME', 'metadata.name'),
      field('POD_NAMESPACE', 'metadata.namespace'),
      { name: 'EVENT_QUEUE_DEPTH', value: '5000' },
      { name: 'CONT_WHEN_CACHE_NOT_READY', value: 'false' },
    ],
    image: flannelImages(options.imageRepository).daemon,
    name: 'kube-flannel',
    resources: { requests: { cpu: '100m', memory: '50Mi' } },
    securityContext: { capabilities: { add: ['NET_ADMIN', 'NET_RAW'] }, privileged: false },
    volumeMounts: [
      { mountPath: '/run/flannel', name: 'run' },
      { mountPath: '/etc/kube-flannel/', name: 'flannel-cfg' },
      { mountPath: '/run/xtables.lock', name: 'xtables-lock' },
      ...(options.backend === 'udp' ? [{ mountPath: tunDevice, name: 'tun' }] : []),
    ],
  };
}

/** The backend udp moves packets through a TUN device, which a container does not have of itself. */
const tunDevice = '/dev/net/tun';

function volumes(options: FlannelOptions): readonly Record<string, unknown>[] {
  return [
    { hostPath: { path: '/run/flannel' }, name: 'run' },
    { hostPath: { path: '/opt/cni/bin' }, name: 'cni-plugin' },
    { hostPath: { path: '/etc/cni/net.d' }, name: 'cni' },
    { configMap: { name: 'kube-flannel-cfg' }, name: 'flannel-cfg' },
    { hostPath: { path: '/run/xtables.lock', type: 'FileOrCreate' }, name: 'xtables-lock' },
    ...(options.backend === 'udp' ? [{ hostPath: { path: tunDevice, type: 'CharDevice' }, name: 'tun' }] : []),
  ];
}
