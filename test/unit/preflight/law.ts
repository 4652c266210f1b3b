// kubeadm's checks by name, level, command and Kubernetes version, in kubeadm's order: what ours are held against.
import type { KubeVersion } from '../../../src/kube/version.ts';

export type Level = 'error' | 'warning';

/** What a cluster or host must be like for a check to exist there. */
export type Condition = 'IPv4' | 'IPv6' | 'local etcd' | 'external etcd' | 'worker' | 'control plane' | 'not dry run';

export interface LawRow {
  readonly name: string;
  readonly level: Level;
  /** The first and the last minor that has it. */
  readonly since: number;
  readonly until: number;
  readonly when?: Condition;
}

export const oldestMinor = 25;
export const newestMinor = 36;
export const minors: readonly number[] = Array.from(
  { length: newestMinor - oldestMinor + 1 },
  (_, index) => oldestMinor + index,
);

const conditions = [
  'IPv4',
  'IPv6',
  'local etcd',
  'external etcd',
  'worker',
  'control plane',
  'not dry run',
] as const satisfies readonly Condition[];

/** `Name E` or `Name W 25-31 (IPv6)`. */
function law(text: string): readonly LawRow[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const match = /^\s*(\S+) ([EW])(?: (\d\d)-(\d\d))?(?: \((.+)\))?$/.exec(line);
    if (match === null) throw new Error(`no row: ${line}`);
    const [, name = '', level, since = oldestMinor, until = newestMinor, when] = match;
    const condition = conditions.find((one) => one === when);
    return {
      name,
      level: level === 'E' ? 'error' : 'warning',
      since: Number(since),
      until: Number(until),
      ...(condition === undefined ? {} : { when: condition }),
    };
  });
}

const root = 'IsPrivilegedUser E';

const controlPlane = `
  NumCPU E
  Mem E
  KubernetesVersion W
  Firewalld W
  Port-6443 E
  Port-10259 E
  Port-10257 E
  FileAvailable--etc-kubernetes-manifests-kube-apiserver.yaml E
  FileAvailable--etc-kubernetes-manifests-kube-controller-manager.yaml E
  FileAvailable--etc-kubernetes-manifests-kube-scheduler.yaml E
  FileAvailable--etc-kubernetes-manifests-etcd.yaml E
  HTTPProxy W
  HTTPProxyCIDR W`;

const common = `
  CRI E
  ContainerRuntimeVersion W 35-36
  FileContent--proc-sys-net-bridge-bridge-nf-call-iptables E 25-26
  FileContent--proc-sys-net-ipv4-ip_forward E 25-26
  Swap W
  FileExisting-crictl E 25-30
  FileExisting-crictl W 31-31
  FileExisting-conntrack E 25-31
  FileExisting-ip E 25-32
  FileExisting-iptables E 25-32
  FileExisting-losetup E 33-36
  FileExisting-mount E
  FileExisting-cp E 33-36
  FileExisting-nsenter E 25-32
  FileExisting-ebtables W 25-27
  FileExisting-ethtool W 25-32
  FileExisting-socat W 25-27
  FileExisting-tc W 25-32
  FileExisting-touch W 25-32
  SystemVerification E
  Hostname W
  KubeletVersion E
  Service-Kubelet W 25-34
  Service-kubelet W 35-36
  Port-10250 E`;

const families = `
  FileContent--proc-sys-net-bridge-bridge-nf-call-iptables E 27-29 (IPv4)
  FileContent--proc-sys-net-ipv4-ip_forward E 27-36 (IPv4)
  FileContent--proc-sys-net-bridge-bridge-nf-call-ip6tables E 25-29 (IPv6)
  FileContent--proc-sys-net-ipv6-conf-default-forwarding E (IPv6)`;

const etcd = `
  Port-2379 E (local etcd)
  Port-2380 E (local etcd)
  DirAvailable--var-lib-etcd E (local etcd)
  ExternalEtcdClientCertificates E (external etcd)`;

const imagePull = 'ImagePull E (not dry run)';

/** What each command checks. `join control plane` is what comes on top of `join` (secondary mode). */
export const laws: Readonly<Record<'init' | 'join' | 'join control plane' | 'reset', readonly LawRow[]>> = {
  init: law(
    [root, controlPlane, common, families, 'ExternalEtcdVersion E (external etcd)', etcd, imagePull].join('\n'),
  ),
  join: law(
    [
      root,
      'FileAvailable--etc-kubernetes-kubelet.conf E',
      'FileAvailable--etc-kubernetes-bootstrap-kubelet.conf E',
      common,
      'FileAvailable--etc-kubernetes-pki-ca.crt E (worker)',
      'HTTPProxy W',
      families,
    ].join('\n'),
  ),
  'join control plane': law([controlPlane, etcd, imagePull].join('\n')),
  reset: law(root),
};

export type Command = keyof typeof laws;
export const commands: readonly Command[] = ['init', 'join', 'join control plane', 'reset'];

/** The rows of a command and a version, of those conditions. */
export function lawOf(command: Command, minor: number, isSo: (when: Condition) => boolean): readonly LawRow[] {
  return laws[command].filter(
    ({ since, until, when }) => since <= minor && minor <= until && (when === undefined || isSo(when)),
  );
}

/** Every name that some command checks in one of these versions. */
export function namesOf(...of: readonly number[]): readonly string[] {
  return [
    ...new Set(
      of.flatMap((minor) => commands.flatMap((command) => lawOf(command, minor, () => true))).map(({ name }) => name),
    ),
  ];
}

/** A version of that minor that the tables know. */
export function versionOf(minor: number): KubeVersion {
  return { major: 1, minor, patch: 3 };
}
