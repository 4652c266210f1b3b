// Every flag, declared once: its spelling, its help, how its text is read. Commands and phases take flags by name.
import { InvalidArgumentError, Option, type Command } from 'commander';
import { groupOf } from './flag-groups.ts';
import { givenOnce } from './run/given-once.ts';

/** kubeadm's string slices: comma separated and repeatable. */
function list(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), ...value.split(',').filter((item) => item !== '')];
}

/** Repeatable, taken whole: paths and hosts. */
function repeated(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}

/** True for a flag that may be given several times, each with a value of its own. */
export function isRepeatable({ parseArg }: Option): boolean {
  return [list, repeated].some((read: unknown) => read === parseArg);
}

function integer(value: string): number {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(value);
}

/** It becomes a word of a command line that a login shell reads. */
function rootFolder(value: string): string {
  if (/^(?:\/[\w.][\w.-]*)+\/?$/.test(value)) return value;
  throw new InvalidArgumentError('It must be an absolute path of letters, digits, ".", "_" and "-".');
}

function option<T>(spelling: string, help: string, read?: (value: string, previous: T) => T): Option {
  const made = new Option(spelling, help);
  return read === undefined ? made : made.argParser(read);
}

/** By long name, as in --config's mixing rule and in Phase.flags. */
const flags: Readonly<Record<string, () => Option>> = {
  // kubeadm's
  'apiserver-advertise-address': () =>
    option(
      '--apiserver-advertise-address <ip>',
      'IP address the API server advertises (default: that of the default route)',
    ),
  'apiserver-bind-port': () =>
    option('--apiserver-bind-port <port>', 'port of the API server (default: 6443)', integer),
  'apiserver-cert-extra-sans': () =>
    option(
      '--apiserver-cert-extra-sans <names>',
      'additional names and addresses for the API server certificate',
      list,
    ),
  'apiserver-extra-args': () => option('--apiserver-extra-args <k=v,…>', 'additional flags of kube-apiserver'),
  'cert-dir': () => option('--cert-dir <path>', 'folder of the certificates (default: /etc/kubernetes/pki)'),
  'certificate-key': () =>
    option('--certificate-key <hex>', 'key that encrypts the certificates in the Secret kubeadm-certs'),
  'certificate-key-file': () =>
    option('--certificate-key-file <path>', 'read the certificate key from a file; - is standard input'),
  'cleanup-tmp-dir': () => option('--cleanup-tmp-dir', 'also clean /etc/kubernetes/tmp'),
  'client-name': () => option('--client-name <name>', 'name of the user').makeOptionMandatory(),
  config: () => option('--config <path>', 'configuration file (kubeadm.k8s.io/v1beta4)'),
  'control-plane': () => option('--control-plane', 'join as a control plane'),
  'control-plane-endpoint': () =>
    option(
      '--control-plane-endpoint <host[:port]>',
      'stable address of the control plane: a load balancer or a DNS name',
    ),
  'controller-manager-extra-args': () =>
    option('--controller-manager-extra-args <k=v,…>', 'additional flags of kube-controller-manager'),
  'cri-socket': () => option('--cri-socket <url>', 'socket of the container runtime (default: detected)'),
  description: () => option('--description <text>', 'description of the token'),
  'discovery-file': () =>
    option('--discovery-file <path>', 'kubeconfig to discover the cluster with: a file on the host, or an https URL'),
  'discovery-token': () => option('--discovery-token <token>', 'token that validates the cluster-info ConfigMap'),
  'discovery-token-ca-cert-hash': () =>
    option('--discovery-token-ca-cert-hash <sha256:hex>', 'accept only a cluster CA with this public key hash', list),
  'discovery-token-unsafe-skip-ca-verification': () =>
    option(
      '--discovery-token-unsafe-skip-ca-verification',
      'join without checking the CA: anyone who has the token can impersonate the cluster',
    ),
  'dry-run': () => option('--dry-run', 'print what would be done; change nothing'),
  'feature-gates': () => option('--feature-gates <k=bool,…>', "kubeadm's feature gates"),
  force: () => option('-f, --force', 'skip the confirmation prompt'),
  groups: () =>
    option(
      '--groups <names>',
      'extra groups the token authenticates as (default: system:bootstrappers:kubeadm:default-node-token)',
      list,
    ),
  'ignore-preflight-errors': () =>
    option(
      '--ignore-preflight-errors <names>',
      "treat errors of these checks as warnings; 'all' for every check",
      list,
    ),
  'image-repository': () => option('--image-repository <name>', 'registry of the images (default: registry.k8s.io)'),
  kubeconfig: () => option('--kubeconfig <path>', 'kubeconfig on the host (default: /etc/kubernetes/admin.conf)'),
  'kubeconfig-dir': () => option('--kubeconfig-dir <path>', 'folder for the kubeconfigs (default: /etc/kubernetes)'),
  'kubeconfig-name': () =>
    option('--name <file>', 'kubeconfig in /etc/kubernetes to fetch (default: admin.conf)').choices([
      'admin.conf',
      'super-admin.conf',
    ]),
  'kubeconfig-output': () =>
    option('-o, --output <path>', 'file on this machine, mode 0600; must not exist (default: standard output)'),
  'kubeconfig-server': () =>
    option('--server <https://host:port>', 'API server URL to write into the file (default: unchanged)'),
  'force-kubeconfig': () => option('-f, --force', 'replace the file of -o'),
  'kubernetes-version': () =>
    option('--kubernetes-version <version>', 'version of the control plane (default: the newest known)'),
  'node-name': () => option('--node-name <name>', 'name of the node (default: the host name)'),
  org: () => option('--org <names>', 'groups of the user (organizations of the certificate)', list),
  patches: () => option('--patches <path>', 'folder of patch files on the host'),
  'pod-network-cidr': () => option('--pod-network-cidr <cidr>', 'address range of Pods'),
  'print-manifest': () => option('--print-manifest', 'print the objects instead of applying them'),
  'print-join-command': () => option('--print-join-command', 'print the full join command instead of the token'),
  'scheduler-extra-args': () => option('--scheduler-extra-args <k=v,…>', 'additional flags of kube-scheduler'),
  'service-cidr': () => option('--service-cidr <cidr>', 'address range of Services (default: 10.96.0.0/12)'),
  'service-dns-domain': () => option('--service-dns-domain <name>', 'DNS domain of Services (default: cluster.local)'),
  'skip-certificate-key-print': () => option('--skip-certificate-key-print', 'do not print the certificate key'),
  'skip-phases': () => option('--skip-phases <names>', 'phases to skip', list),
  'skip-token-print': () => option('--skip-token-print', 'do not print the token'),
  'tls-bootstrap-token': () => option('--tls-bootstrap-token <token>', 'token for TLS bootstrap'),
  token: () => option('--token <token>', 'bootstrap token'),
  'token-file': () => option('--token-file <path>', 'read the token from a file; - is standard input'),
  'token-ttl': () => option('--token-ttl <duration>', 'token lifetime (default: 24h0m0s; 0 = never expires)'),
  ttl: () => option('--ttl <duration>', 'token lifetime (default: 24h0m0s; 0 = never expires)'),
  'upload-certs': () => option('--upload-certs', 'upload the certificates for control planes that join'),
  usages: () => option('--usages <names>', 'allowed token usages (default: signing,authentication)', list),
  'validity-period': () => option('--validity-period <duration>', 'validity of the certificate (default: 8760h0m0s)'),
  // kubeadm's, of `config` and `version`
  'allow-deprecated-api': () => option('--allow-deprecated-api', 'do not warn about deprecated API versions'),
  'allow-experimental-api': () => option('--allow-experimental-api', 'accepted for compatibility; ignored'),
  'allow-missing-template-keys': () =>
    option('--allow-missing-template-keys', 'ignore missing fields in templates (default: true)'),
  'no-allow-missing-template-keys': () => option('--no-allow-missing-template-keys', '').hideHelp(),
  'component-configs': () =>
    option('--component-configs <kinds>', 'also print KubeletConfiguration, KubeProxyConfiguration', list),
  'new-config': () => option('--new-config <path>', 'file to write (default: standard output)'),
  'old-config': () => option('--old-config <path>', 'file to read; - is standard input'),
  output: () =>
    option(
      '-o, --output <format>',
      'output format: text, json, yaml, kyaml, jsonpath=…, go-template=… (default: text)',
    ),
  'plan-output': () => {
    const declared = option(
      '-o, --output <format>',
      'format of the plan of --dry-run: text, json, yaml, … (default: text)',
    );
    // Not that of an answer: no command is to take one for the other.
    declared.attributeName = () => 'planOutput';
    return declared;
  },
  'show-managed-fields': () => option('--show-managed-fields', 'accepted for compatibility; ignored'),
  // kbinit's
  'api-version': () => option('--api-version <version>', 'API version of the kind, for example v1beta3'),
  'accept-new-host-keys': () =>
    option('--accept-new-host-keys', 'record the keys of unknown hosts; a changed key is never accepted'),
  backend: () =>
    option('--backend <name>', "flannel's backend (default: vxlan)").choices(['vxlan', 'host-gw', 'udp', 'wireguard']),
  bind: () => option('--bind <address>', 'address to listen on (default: all IPv4 addresses of the host)'),
  'bundle-binaries': () =>
    option('--binaries <folder>', 'folder of programs with its SHA256SUMS (default: download the published ones)'),
  'download-from': () =>
    option('--download-from <url>', 'mirror that has dl.k8s.io/ and github.com/ below it (default: the origins)'),
  architecture: () =>
    option('--architecture <name>', 'architecture of the programs to download (default: amd64)').choices([
      'amd64',
      'arm64',
    ]),
  'containerd-version': () => option('--containerd-version <version>', 'release of containerd to download'),
  'runc-version': () => option('--runc-version <version>', 'release of runc to download'),
  'cni-version': () => option('--cni-version <version>', 'release of the CNI plugins to download'),
  'crictl-version': () => option('--crictl-version <version>', 'release of crictl to download'),
  'bundle-config': () =>
    option('--config <path>', 'cluster configuration that names the version and the images of the bundle'),
  'bundle-host': () =>
    option('--host <[user@]addr[:port]>', "export images that no archive has from this host's containerd"),
  pull: () => option('--pull', 'let that host pull missing images'),
  'bundle-images': () =>
    option('--images <path>', 'image archive, or folder of image archives (*.tar); repeatable', repeated),
  'bundle-network': () =>
    option('--network <name>', 'Pod network whose images are needed (default: flannel)').choices(['flannel', 'none']),
  'bundle-output': () =>
    option('--output <folder>', 'output folder of the bundle; must not exist').makeOptionMandatory(),
  'bundle-packages': () =>
    option(
      '--packages <[system=]folder>',
      'folder of packages (*.rpm, *.deb) for a system such as el9 or debian-12; repeatable',
      repeated,
    ),
  'bundle-version': () =>
    option('--kubernetes-version <version>', 'required Kubernetes version of the bundle (default: any)'),
  client: () =>
    option(
      '--client <[user@]addr[:port]>',
      'control-plane host that receives a client certificate; repeatable',
      repeated,
    ),
  'client-certs-dir': () =>
    option('--client-certs-dir <path>', 'folder on this machine for the CA and a client certificate'),
  'etcd-binary': () =>
    option('--etcd-binary <path>', "etcd executable on this machine to install on the hosts (default: the hosts' own)"),
  'etcd-data-dir': () => option('--data-dir <path>', 'data directory of etcd (default: /var/lib/etcd)'),
  'etcd-extra-args': () =>
    option('--etcd-extra-args <k=v,…>', 'additional etcd settings, for example quota-backend-bytes=8589934592', list),
  'etcd-host': () =>
    option(
      '--host <[user@]addr[:port]>',
      'host of an etcd member; repeatable: 1, 3, 5 or 7 hosts (default: this machine)',
      repeated,
    ),
  'etcdctl-binary': () =>
    option('--etcdctl-binary <path>', 'etcdctl executable on this machine to install on the hosts'),
  'delete-emptydir-data': () =>
    option('--delete-emptydir-data', 'also evict Pods with emptyDir volumes; their data is deleted'),
  'drain-timeout': () => option('--timeout <duration>', 'time for Pods to leave the node (default: 5m)'),
  'force-file': () => option('-f, --force', 'replace a configuration that kbinit did not write; a backup copy is kept'),
  binaries: () =>
    option(
      '--binaries <folder>',
      'install the programs of this folder, checked against its SHA256SUMS, instead of packages',
    ),
  offline: () => option('--offline <bundle>', 'install from a bundle; no repository or registry is contacted'),
  repository: () =>
    option(
      '--repository <url>',
      "package repository instead of upstream's; repeatable; 'host' uses only the host's own sources",
      repeated,
    ),
  'repository-key': () =>
    option('--repository-key <path>', 'armored public key that signs the packages; repeatable', repeated),
  'unsigned-repository': () => option('--unsigned-repository', 'install unsigned packages'),
  'registry-mirror': () =>
    option('--registry-mirror <registry=url>', 'mirror to try first for images of a registry; repeatable', repeated),
  'cgroup-driver': () =>
    option(
      '--cgroup-driver <name>',
      'cgroup driver of containerd; must match the KubeletConfiguration (default: systemd)',
    ).choices(['systemd', 'cgroupfs']),
  forget: () =>
    option('--forget <flags>', "flags of previous runs to drop from the host's settings; 'all' for every flag", list),
  'firewall-zone': () =>
    option(
      '--firewall-zone <name>',
      "firewalld zone for the ports (default: the zone of the default route's interface)",
    ),
  'force-restore': () => option('-f, --force', 'restore files even if they were modified since kbinit wrote them'),
  'force-removal': () =>
    option(
      '-f, --force',
      'skip the confirmation prompt; delete Pods without a controller and Pods that do not leave in time',
    ),
  'force-wipe-etcd': () =>
    option(
      '--force-wipe-etcd <hostname>',
      "delete this host's etcd data even if its member cannot be removed from the cluster",
    ),
  interface: () => option('--interface <name>', 'network interface of the virtual IP address'),
  'lb-backend': () =>
    option('--backend <[name=]address[:port]>', 'API server to balance to; repeatable (default port: 6443)', list),
  peer: () => option('--peer <address>', 'other load balancer that shares the virtual IP address; repeatable', list),
  port: () => option('--port <port>', 'port to listen on (default: 6443)', integer),
  priority: () =>
    option(
      '--priority <number>',
      'keepalived priority; the highest running one holds the address (default: 100)',
      integer,
    ),
  'router-id': () =>
    option('--router-id <number>', 'virtual router ID, 1 to 255, unique in the network (default: 51)', integer),
  yes: () => option('-y, --yes', 'skip the confirmation prompt'),
  vip: () => option('--vip <address>', 'virtual IP address that load balancers share through keepalived'),
  cni: () => option('--cni <name>', 'also install this Pod network (default: none)').choices(['flannel', 'none']),
  'control-plane-host': () =>
    option(
      '--control-plane-host <[user@]addr[:port]>',
      'host that becomes a control plane; repeatable (default: this machine if no host is given)',
      repeated,
    ),
  'worker-host': () => option('--host <[user@]addr[:port]>', 'host that becomes a worker; repeatable', repeated),
  replace: () => option('--replace', 'delete an existing worker Node of the same name that is not Ready'),
  'admin-host': () =>
    option('--admin-host <[user@]addr[:port]>', 'control plane whose admin.conf deletes the Node for --replace'),
  'copy-certs-from': () =>
    option(
      '--copy-certs-from <[user@]addr[:port]>',
      'copy the shared certificates and keys from this control plane, over SSH',
    ),
  'join-host': () =>
    option('--host <[user@]addr[:port]>', 'host that joins; repeatable for workers (default: this machine)', repeated),
  'host-changes': () =>
    option('--host-changes', "also remove the Pod network's links and rules, and revert host prepare"),
  hostname: () => option('--hostname <name>', 'host name to set'),
  'hosts-entry': () =>
    option(
      '--hosts-entry <address=name[,name]>',
      'line for /etc/hosts; repeatable (hosts of one command are added automatically)',
      repeated,
    ),
  'prepare-host': () =>
    option('--host <[user@]addr[:port]>', 'host to prepare; repeatable (default: this machine)', repeated),
  'restore-host': () =>
    option('--host <[user@]addr[:port]>', 'host to restore; repeatable (default: this machine)', repeated),
  role: () =>
    option('--role <names>', 'roles whose ports are opened: control-plane, worker, etcd, lb (default: worker)', list),
  host: () => option('--host <[user@]addr[:port]>', 'work on this host over SSH (default: on this machine)'),
  'identity-file': () => option('-i, --identity-file <path>', 'SSH private key; repeatable', repeated),
  'ssh-config': () =>
    option(
      '--ssh-config <path>',
      "SSH client configuration; 'none' for no file (default: ~/.ssh/config and the system's)",
    ),
  'reconnect-timeout': () =>
    option('--reconnect-timeout <seconds>', 'time to wait for a lost host to come back (default: 300)', integer),
  'known-hosts': () =>
    option('--known-hosts <path>', 'known_hosts file to use (default: those in ~/.kbinit and ~/.ssh)'),
  deadline: () => option('--deadline <duration>', 'time limit of the run (default: none)'),
  'log-format': () =>
    option('--log-format <format>', 'format of the progress on standard error').choices(['text', 'json']),
  rootfs: () => option('--rootfs <path>', 'root file system of the host, if mounted elsewhere', rootFolder),
  vmodule: () => option('--vmodule <pattern=level,…>', 'accepted for compatibility; ignored'),
  v: () => option('-v, --v <level>', 'verbosity (1: show every step)', integer),
  timeout: () => option('--ssh-timeout <seconds>', 'time limit for connecting (default: 15)', integer),
};

/** Flags that say where to work and how to talk about it: allowed beside --config, on every command. */
export const ownFlags: readonly string[] = [
  'host',
  'identity-file',
  'ssh-config',
  'known-hosts',
  'accept-new-host-keys',
  'reconnect-timeout',
  'deadline',
  'log-format',
  'vmodule',
  'ssh-timeout',
  'cni',
  'backend',
  'token-file',
  'certificate-key-file',
  'force-wipe-etcd',
  'host-changes',
  'copy-certs-from',
  'replace',
  'admin-host',
  'yes',
];

const connectionFlags = [
  'host',
  'identity-file',
  'ssh-config',
  'known-hosts',
  'accept-new-host-keys',
  'timeout',
  'reconnect-timeout',
  'deadline',
  'rootfs',
  'log-format',
  'v',
  'vmodule',
];

/** Give a command these flags and those for connecting. */
export function withFlags(command: Command, names: readonly string[]): Command {
  return withOnlyFlags(command, [...names, ...connectionFlags]);
}

/** Give a command that works on several hosts these flags, one of which names them, and those for connecting (a service lives in no --rootfs). */
export function withFlagsForHosts(command: Command, names: readonly string[]): Command {
  return withOnlyFlags(command, [...names, ...connectionFlags.filter((name) => name !== 'host' && name !== 'rootfs')]);
}

/** Give a command these flags and no others: it works on no host. */
export function withOnlyFlags(command: Command, names: readonly string[]): Command {
  const inGroups = [...withPlanOutput(names)].toSorted((a, b) => groupOf(a).order - groupOf(b).order);
  for (const name of inGroups) {
    const make = flags[name];
    if (make === undefined) throw new Error(`flag --${name} is not declared`);
    const declared = make().helpGroup(groupOf(name).heading);
    command.addOption(isRepeatable(declared) ? declared : givenOnce(declared));
  }
  return command;
}

/** A dry run answers with its plan, which has the forms that an answer has. */
function withPlanOutput(names: readonly string[]): ReadonlySet<string> {
  const isPlanned = names.includes('dry-run') && !names.includes('output');
  return new Set([...names, ...(isPlanned ? ['plan-output'] : [])]);
}

/**
 * pflag's spellings in commander's: `-o=json` is `-o json`, `--dry-run=true` is `--dry-run`, `--dry-run=false` is nothing
 * (or `--no-dry-run` where that is a flag), and `_` in a name is `-`.
 */
export function plainArguments(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  return argv.flatMap((word, index) => {
    const isFlag = /^--?[A-Za-z]/.test(word) && (end < 0 || index < end);
    return isFlag ? plainFlag(word) : [word];
  });
}

function plainFlag(word: string): readonly string[] {
  const [, dashes = '', spelled = '', value] = /^(--?)([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  const isLong = dashes === '--';
  const name = isLong ? spelled.replaceAll('_', '-') : spelled;
  const flag = Object.values(flags)
    .map((make) => make())
    .find(({ long, short }) => (isLong ? long : short) === dashes + name);
  if (value === undefined || flag === undefined) return [value === undefined ? dashes + name : word];
  if (!flag.isBoolean()) return isLong ? [`--${name}=${value}`] : [dashes + name, value];
  if (/^(?:1|t|true)$/i.test(value)) return [dashes + name];
  if (!/^(?:0|f|false)$/i.test(value)) return [word];
  return flags[`no-${name}`] === undefined ? [] : [`--no-${name}`];
}

/** The keys of every flag that is declared. */
export const flagNames: readonly string[] = Object.keys(flags);

/** Long names of the flags that were given on the command line. */
export function changedFlags(command: Command): readonly string[] {
  return command.options
    .filter((declared) => command.getOptionValueSource(declared.attributeName()) === 'cli')
    .map((declared) => (declared.long ?? '').replace(/^--/, ''));
}
