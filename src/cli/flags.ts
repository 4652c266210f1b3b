// Every flag, declared once: its spelling, its help, how its text is read. Commands and phases take flags by name.
import { InvalidArgumentError, Option, type Command } from 'commander';
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
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError('It has to be a whole number.');
  return Number(value);
}

/** It becomes a word of a command line that a login shell reads. */
function rootFolder(value: string): string {
  if (/^(?:\/[\w.][\w.-]*)+\/?$/.test(value)) return value;
  throw new InvalidArgumentError('It has to be an absolute path of letters, digits, ".", "_" and "-".');
}

function option<T>(spelling: string, help: string, read?: (value: string, previous: T) => T): Option {
  const made = new Option(spelling, help);
  return read === undefined ? made : made.argParser(read);
}

/** By long name, as in --config's mixing rule and in Phase.flags. */
const flags: Readonly<Record<string, () => Option>> = {
  // kubeadm's
  'apiserver-advertise-address': () =>
    option('--apiserver-advertise-address <ip>', 'address the API server advertises (default: of the default route)'),
  'apiserver-bind-port': () =>
    option('--apiserver-bind-port <port>', 'port of the API server (default: 6443)', integer),
  'apiserver-cert-extra-sans': () =>
    option('--apiserver-cert-extra-sans <names>', 'more names and addresses for the API server certificate', list),
  'apiserver-extra-args': () => option('--apiserver-extra-args <k=v,…>', 'more flags for kube-apiserver'),
  'cert-dir': () => option('--cert-dir <path>', 'where the certificates are (default: /etc/kubernetes/pki)'),
  'certificate-key': () => option('--certificate-key <hex>', 'key for the certificates of kubeadm-certs'),
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
    option('--controller-manager-extra-args <k=v,…>', 'more flags for kube-controller-manager'),
  'cri-socket': () => option('--cri-socket <url>', 'socket of the container runtime (default: detected)'),
  description: () => option('--description <text>', 'what the token is for'),
  'discovery-file': () => option('--discovery-file <path>', 'file or URL to find the cluster with'),
  'discovery-token': () => option('--discovery-token <token>', 'token to check cluster-info with'),
  'discovery-token-ca-cert-hash': () =>
    option('--discovery-token-ca-cert-hash <sha256:hex>', 'hash of the CA key that the cluster must have', list),
  'discovery-token-unsafe-skip-ca-verification': () =>
    option(
      '--discovery-token-unsafe-skip-ca-verification',
      'join without a CA hash: whoever has the token can pose as the cluster',
    ),
  'dry-run': () => option('--dry-run', 'show what would be done; change nothing'),
  'feature-gates': () => option('--feature-gates <k=bool,…>', "kubeadm's feature gates"),
  force: () => option('-f, --force', 'do not ask'),
  groups: () =>
    option(
      '--groups <names>',
      'groups of who logs in with the token (default: system:bootstrappers:kubeadm:default-node-token)',
      list,
    ),
  'ignore-preflight-errors': () =>
    option('--ignore-preflight-errors <names>', 'checks whose errors become warnings; all means every one', list),
  'image-repository': () => option('--image-repository <name>', 'registry of the images (default: registry.k8s.io)'),
  kubeconfig: () => option('--kubeconfig <path>', 'kubeconfig on the host (default: /etc/kubernetes/admin.conf)'),
  'kubeconfig-dir': () => option('--kubeconfig-dir <path>', 'where kubeconfigs are written (default: /etc/kubernetes)'),
  'kubeconfig-name': () =>
    option('--name <file>', 'which of the files in /etc/kubernetes (default: admin.conf)').choices([
      'admin.conf',
      'super-admin.conf',
    ]),
  'kubeconfig-output': () =>
    option('-o, --output <path>', 'file on this machine, 0600; must not exist (default: standard output)'),
  'kubeconfig-server': () =>
    option('--server <https://host:port>', 'API server to use from this machine (default: the one in the file)'),
  'force-kubeconfig': () => option('-f, --force', 'replace the file of -o'),
  'kubernetes-version': () =>
    option('--kubernetes-version <version>', 'version of the control plane (default: the newest known)'),
  'node-name': () => option('--node-name <name>', 'name of the node (default: the host name)'),
  org: () => option('--org <names>', 'groups of the user: organizations of the certificate', list),
  patches: () => option('--patches <path>', 'folder with patches on the host'),
  'pod-network-cidr': () => option('--pod-network-cidr <cidr>', 'addresses of Pods'),
  'print-manifest': () => option('--print-manifest', 'print the objects instead of installing them'),
  'print-join-command': () => option('--print-join-command', 'print the whole join command instead of the token'),
  'scheduler-extra-args': () => option('--scheduler-extra-args <k=v,…>', 'more flags for kube-scheduler'),
  'service-cidr': () => option('--service-cidr <cidr>', 'addresses of Services (default: 10.96.0.0/12)'),
  'service-dns-domain': () => option('--service-dns-domain <name>', 'DNS domain of Services (default: cluster.local)'),
  'skip-certificate-key-print': () => option('--skip-certificate-key-print', 'do not print the certificate key'),
  'skip-phases': () => option('--skip-phases <names>', 'phases to leave out', list),
  'skip-token-print': () => option('--skip-token-print', 'do not print the token'),
  'tls-bootstrap-token': () => option('--tls-bootstrap-token <token>', 'token for TLS bootstrap'),
  token: () => option('--token <token>', 'bootstrap token'),
  'token-file': () => option('--token-file <path>', 'read the token from a file; - is standard input'),
  'token-ttl': () => option('--token-ttl <duration>', 'life of the token (default: 24h0m0s; 0: forever)'),
  ttl: () => option('--ttl <duration>', 'life of the token (default: 24h0m0s; 0: forever)'),
  'upload-certs': () => option('--upload-certs', 'upload the certificates for joining control planes'),
  usages: () => option('--usages <names>', 'what the token is good for (default: signing,authentication)', list),
  'validity-period': () => option('--validity-period <duration>', 'life of the certificate (default: 8760h0m0s)'),
  // kubeadm's, of `config` and `version`
  'allow-deprecated-api': () => option('--allow-deprecated-api', 'say nothing about deprecated API versions'),
  'allow-experimental-api': () =>
    option('--allow-experimental-api', 'has no effect: every API version that is read is a released one'),
  'allow-missing-template-keys': () =>
    option('--allow-missing-template-keys', 'templates pass over missing fields (default: true)'),
  'no-allow-missing-template-keys': () => option('--no-allow-missing-template-keys', '').hideHelp(),
  'component-configs': () =>
    option('--component-configs <kinds>', 'also print KubeletConfiguration, KubeProxyConfiguration', list),
  'new-config': () => option('--new-config <path>', 'file to write (default: standard output)'),
  'old-config': () => option('--old-config <path>', 'file to read; - is standard input'),
  output: () => option('-o, --output <format>', 'form of the answer (default: text)'),
  'plan-output': () => {
    const declared = option('-o, --output <format>', 'with --dry-run: form of the plan, such as json (default: text)');
    // Not that of an answer: no command is to take one for the other.
    declared.attributeName = () => 'planOutput';
    return declared;
  },
  'show-managed-fields': () => option('--show-managed-fields', 'has no effect: there are no managed fields'),
  // kbinit's
  'api-version': () => option('--api-version <version>', 'API version of the kind, for example v1beta3'),
  'accept-new-host-keys': () =>
    option('--accept-new-host-keys', 'record keys of hosts that were never seen; a changed key is never accepted'),
  backend: () =>
    option('--backend <name>', "flannel's backend (default: vxlan)").choices(['vxlan', 'host-gw', 'udp', 'wireguard']),
  bind: () => option('--bind <address>', 'address to listen on (default: every IPv4 address of the host)'),
  'bundle-binaries': () =>
    option(
      '--binaries <folder>',
      'folder of programs with its SHA256SUMS (default: fetched from where they are published)',
    ),
  'download-from': () =>
    option(
      '--download-from <url>',
      'mirror with dl.k8s.io/ and github.com/ below it (default: the servers themselves)',
    ),
  architecture: () =>
    option('--architecture <name>', 'of the programs that are fetched (default: amd64)').choices(['amd64', 'arm64']),
  'containerd-version': () => option('--containerd-version <version>', 'release of containerd that is fetched'),
  'runc-version': () => option('--runc-version <version>', 'release of runc that is fetched'),
  'cni-version': () => option('--cni-version <version>', 'release of the CNI plugins that is fetched'),
  'crictl-version': () => option('--crictl-version <version>', 'release of crictl that is fetched'),
  'bundle-config': () =>
    option('--config <path>', 'a cluster configuration whose version and images the bundle has to have'),
  'bundle-host': () =>
    option('--host <[user@]addr[:port]>', "take images that no archive has from this host's containerd"),
  pull: () => option('--pull', 'let that host pull the images that it lacks'),
  'bundle-images': () =>
    option('--images <path>', 'an image archive, or a folder of them (*.tar); repeatable', repeated),
  'bundle-network': () =>
    option('--network <name>', 'Pod network whose images are needed (default: flannel)').choices(['flannel', 'none']),
  'bundle-output': () => option('--output <folder>', 'the bundle; must not exist').makeOptionMandatory(),
  'bundle-packages': () =>
    option(
      '--packages <[system=]folder>',
      "a folder of the system's packages (*.rpm, *.deb); system: el9, debian-12, …; repeatable",
      repeated,
    ),
  'bundle-version': () =>
    option('--kubernetes-version <version>', 'version that the bundle has to be for (default: whatever it is for)'),
  client: () =>
    option(
      '--client <[user@]addr[:port]>',
      'a control-plane host that gets a client certificate; repeatable',
      repeated,
    ),
  'client-certs-dir': () =>
    option('--client-certs-dir <path>', 'folder on this machine for the CA and a client certificate'),
  'etcd-binary': () =>
    option('--etcd-binary <path>', "etcd's program on this machine, for the hosts (default: the hosts' own)"),
  'etcd-data-dir': () => option('--data-dir <path>', "folder for etcd's data (default: /var/lib/etcd)"),
  'etcd-extra-args': () =>
    option('--etcd-extra-args <k=v,…>', "more settings of etcd's configuration, for example quota-backend-bytes", list),
  'etcd-host': () =>
    option(
      '--host <[user@]addr[:port]>',
      'a host for an etcd member; repeatable: 1, 3, 5 or 7 of them (default: this machine)',
      repeated,
    ),
  'etcdctl-binary': () => option('--etcdctl-binary <path>', 'etcdctl on this machine, for the hosts'),
  'delete-emptydir-data': () =>
    option('--delete-emptydir-data', 'drain Pods with emptyDir volumes too; their data is lost'),
  'drain-timeout': () => option('--timeout <duration>', 'time for the Pods to leave the node (default: 5m)'),
  'force-file': () => option('-f, --force', "replace a configuration that is not kbinit's; a copy is kept beside it"),
  binaries: () =>
    option(
      '--binaries <folder>',
      'upload the programs of this folder, checked against its SHA256SUMS, instead of packages',
    ),
  offline: () =>
    option('--offline <bundle>', 'programs, packages and images of a bundle; no repository and no registry is asked'),
  repository: () =>
    option(
      '--repository <url>',
      "packages from here instead of upstream; repeatable; host: only the host's own sources",
      repeated,
    ),
  'repository-key': () =>
    option('--repository-key <path>', 'armored key that signs the packages; repeatable', repeated),
  'unsigned-repository': () => option('--unsigned-repository', 'take packages that nobody has signed'),
  'registry-mirror': () =>
    option('--registry-mirror <registry=url>', 'ask this place first for images of a registry; repeatable', repeated),
  'cgroup-driver': () =>
    option('--cgroup-driver <name>', 'of containerd; the same as in KubeletConfiguration (default: systemd)').choices([
      'systemd',
      'cgroupfs',
    ]),
  forget: () =>
    option(
      '--forget <flags>',
      'flags of earlier runs that the host keeps and that are not to count; all: every one',
      list,
    ),
  'firewall-zone': () =>
    option('--firewall-zone <name>', "firewalld's zone for the host's ports (default: that of the default route)"),
  'force-restore': () => option('-f, --force', 'put back what was there before kbinit even where it was changed since'),
  'force-removal': () =>
    option('-f, --force', 'do not ask; drop Pods without a controller, and those that do not leave in time'),
  'force-wipe-etcd': () =>
    option('--force-wipe-etcd <hostname>', "destroy this host's etcd data even if its member cannot leave the cluster"),
  interface: () => option('--interface <name>', 'network interface of the shared address'),
  'lb-backend': () =>
    option('--backend <[name=]address[:port]>', 'an API server; repeatable (default port: 6443)', list),
  peer: () => option('--peer <address>', 'another load balancer that shares the address; repeatable', list),
  port: () => option('--port <port>', 'port to listen on (default: 6443)', integer),
  priority: () =>
    option('--priority <number>', 'the highest of the load balancers that run has the address (default: 100)', integer),
  'router-id': () =>
    option('--router-id <number>', 'number of the shared address in its network, 1 to 255 (default: 51)', integer),
  yes: () => option('-y, --yes', 'do not ask'),
  vip: () => option('--vip <address>', 'address that load balancers share, by keepalived'),
  cni: () => option('--cni <name>', 'install this Pod network too (default: none)').choices(['flannel', 'none']),
  'control-plane-host': () =>
    option(
      '--control-plane-host <[user@]addr[:port]>',
      'a host that is to be a control plane; repeatable (default: this machine, where no host is given)',
      repeated,
    ),
  'worker-host': () => option('--host <[user@]addr[:port]>', 'a host that is to be a worker; repeatable', repeated),
  replace: () =>
    option('--replace', 'delete a node that has the name of this one and is not Ready; never a control plane'),
  'admin-host': () =>
    option('--admin-host <[user@]addr[:port]>', 'the control plane whose admin.conf deletes the node for --replace'),
  'copy-certs-from': () =>
    option('--copy-certs-from <[user@]addr[:port]>', 'copy the keys that control planes share from this one, over SSH'),
  'join-host': () =>
    option('--host <[user@]addr[:port]>', 'a host that joins; several workers may (default: this machine)', repeated),
  'host-changes': () =>
    option('--host-changes', "also remove the Pod network's links and rules, and put back what host prepare changed"),
  hostname: () => option('--hostname <name>', 'name to give the host'),
  'hosts-entry': () =>
    option(
      '--hosts-entry <address=name[,name]>',
      'a line for /etc/hosts; repeatable (several --host know each other anyway)',
      repeated,
    ),
  'prepare-host': () =>
    option('--host <[user@]addr[:port]>', 'a host to prepare; repeatable (default: this machine)', repeated),
  'restore-host': () =>
    option('--host <[user@]addr[:port]>', 'a host to restore; repeatable (default: this machine)', repeated),
  role: () =>
    option('--role <names>', 'control-plane, worker, etcd, lb: which ports are opened (default: worker)', list),
  host: () => option('--host <[user@]addr[:port]>', 'work on this host over SSH (default: on this machine)'),
  'identity-file': () => option('-i, --identity-file <path>', 'private key for SSH; repeatable', repeated),
  'ssh-config': () =>
    option(
      '--ssh-config <path>',
      "SSH configuration to follow; none: no file (default: ~/.ssh/config and the system's)",
    ),
  'reconnect-timeout': () =>
    option('--reconnect-timeout <seconds>', 'time for a host that was lost to come back (default: 300)', integer),
  'known-hosts': () => option('--known-hosts <path>', 'known_hosts file to check (default: ~/.kbinit and ~/.ssh)'),
  deadline: () => option('--deadline <duration>', 'time for the whole run; then it stops (default: no limit)'),
  'log-format': () => option('--log-format <format>', 'progress on stderr as text or json').choices(['text', 'json']),
  rootfs: () => option('--rootfs <path>', 'root file system of the host, where it is mounted elsewhere', rootFolder),
  vmodule: () => option('--vmodule <pattern=level,…>', "kubeadm's levels by source file; taken, without effect"),
  v: () => option('-v, --v <level>', 'from 1 on, show every step', integer),
  timeout: () => option('--ssh-timeout <seconds>', 'time for connecting (default: 15)', integer),
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
  for (const name of withPlanOutput(names)) {
    const make = flags[name];
    if (make === undefined) throw new Error(`flag --${name} is not declared`);
    const declared = make();
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

/** Long names of the flags that were given on the command line. */
export function changedFlags(command: Command): readonly string[] {
  return command.options
    .filter((declared) => command.getOptionValueSource(declared.attributeName()) === 'cli')
    .map((declared) => (declared.long ?? '').replace(/^--/, ''));
}
