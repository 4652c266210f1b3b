// The headings under which help lists flags. A flag that is in no group belongs to its command alone: "Options:".

/** In the order of help; the names are those of flags.ts. */
const groups: readonly { readonly heading: string; readonly flags: readonly string[] }[] = [
  { heading: 'Options:', flags: [] },
  {
    heading: 'Cluster options:',
    flags: [
      'apiserver-advertise-address',
      'apiserver-bind-port',
      'apiserver-cert-extra-sans',
      'apiserver-extra-args',
      'control-plane-endpoint',
      'controller-manager-extra-args',
      'feature-gates',
      'image-repository',
      'kubernetes-version',
      'pod-network-cidr',
      'scheduler-extra-args',
      'service-cidr',
      'service-dns-domain',
      'cni',
      'backend',
    ],
  },
  {
    heading: 'Node options:',
    flags: [
      'control-plane',
      'control-plane-host',
      'worker-host',
      'join-host',
      'cri-socket',
      'node-name',
      'patches',
      'replace',
    ],
  },
  {
    heading: 'Certificate and token options:',
    flags: [
      'cert-dir',
      'certificate-key',
      'certificate-key-file',
      'copy-certs-from',
      'discovery-file',
      'discovery-token',
      'discovery-token-ca-cert-hash',
      'discovery-token-unsafe-skip-ca-verification',
      'skip-certificate-key-print',
      'skip-token-print',
      'tls-bootstrap-token',
      'token',
      'token-file',
      'token-ttl',
      'upload-certs',
    ],
  },
  {
    heading: 'Run options:',
    flags: [
      'config',
      'kubeconfig',
      'dry-run',
      'skip-phases',
      'ignore-preflight-errors',
      'force',
      'yes',
      'deadline',
      'rootfs',
    ],
  },
  {
    heading: 'SSH options:',
    flags: [
      'host',
      'admin-host',
      'identity-file',
      'ssh-config',
      'known-hosts',
      'accept-new-host-keys',
      'timeout',
      'reconnect-timeout',
    ],
  },
  {
    heading: 'Output options:',
    flags: [
      'output',
      'plan-output',
      'allow-missing-template-keys',
      'show-managed-fields',
      'log-format',
      'v',
      'vmodule',
    ],
  },
];

/** Every name that is in a group. */
export const groupedFlags: readonly string[] = groups.flatMap(({ flags }) => flags);

interface Place {
  readonly heading: string;
  /** Of the group in help. */
  readonly order: number;
}

const own: Place = { heading: 'Options:', order: 0 };
/** Asked for every flag of every command whenever the program starts. */
const places: ReadonlyMap<string, Place> = new Map(
  groups.flatMap(({ heading, flags }, order) => flags.map((name) => [name, { heading, order }] as const)),
);

/** The heading of a flag, and where it comes in help. */
export function groupOf(name: string): Place {
  return places.get(name) ?? own;
}

/** Where `-h, --help` stands. */
export const helpHeading = 'Output options:';
