// The files of an etcd member that systemd runs: its unit, its configuration, and what a cluster on top of it is told.
import type { EtcdClusterSpec, EtcdMemberSpec } from '../config/etcd-cluster.ts';
import { hasStableEtcdSettings } from '../kube/traits.ts';
import type { KubeVersion } from '../kube/version.ts';
import { joinHostPort } from '../util/net.ts';
import { writeYaml } from '../util/yaml.ts';
import { ownFile } from './own-file.ts';

/** Where a member's files are on its host. */
export const etcdPaths = {
  unit: '/etc/systemd/system/etcd.service',
  folder: '/etc/etcd',
  config: '/etc/etcd/etcd.env',
  pki: '/etc/etcd/pki',
} as const;

export const etcdUser = 'etcd';
export const etcdClientPort = 2379;
export const etcdPeerPort = 2380;
const command = 'kbinit etcd init';

/**
 * The unit. Type=notify: systemd calls it started when it serves, which without a majority it never does; so starting
 * has no time-out, and kbinit itself waits. What protects the host from it is what systemd 219 (CentOS 7) knows. The
 * limit of open files is above that version's 4096 and below what a container's root can always give.
 */
export function etcdUnit(program: string, { dataDir }: Pick<EtcdClusterSpec, 'dataDir'>): string {
  return ownFile(
    command,
    `[Unit]
Description=etcd, the store of a Kubernetes cluster
Documentation=https://etcd.io/docs/
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
User=${etcdUser}
EnvironmentFile=${etcdPaths.config}
ExecStart=${program}
Restart=always
RestartSec=5
TimeoutStartSec=0
LimitNOFILE=16384
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
PrivateTmp=yes
PrivateDevices=yes
ProtectHome=yes
ProtectSystem=full
ReadWriteDirectories=${dataDir}
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
`,
  );
}

/** Everything one member's configuration depends on. */
export interface EtcdMemberConfig {
  readonly member: EtcdMemberSpec;
  readonly members: readonly EtcdMemberSpec[];
  readonly cluster: EtcdClusterSpec;
  /** Of the CA, so that members of two clusters never take each other for their own. */
  readonly token: string;
  /** Of etcd itself. */
  readonly version: KubeVersion;
}

/**
 * etcd.env: etcd's flags as its environment variables. (Its own configuration file would have to know the type of each
 * setting: a duration is a number of nanoseconds there, at times.) `INITIAL_*` is read once, when the data folder is
 * empty; it stays, to tell whose data it is.
 */
export function etcdConfig({ member, members, cluster, token, version }: EtcdMemberConfig): string {
  const [clientUrl, peerUrl] = [memberClientUrl(member), memberPeerUrl(member)];
  const loopback = member.address.includes(':') ? '::1' : '127.0.0.1';
  const pki = etcdPaths.pki;
  const settings: Readonly<Record<string, string>> = {
    name: member.name,
    'data-dir': cluster.dataDir,
    'listen-client-urls': `https://${joinHostPort(loopback, etcdClientPort)},${clientUrl}`,
    'advertise-client-urls': clientUrl,
    'cert-file': `${pki}/server.crt`,
    'key-file': `${pki}/server.key`,
    'trusted-ca-file': `${pki}/ca.crt`,
    'client-cert-auth': 'true',
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    'peer-cert-file': `${pki}/peer.crt`,
    'peer-key-file': `${pki}/peer.key`,
    'peer-trusted-ca-file': `${pki}/ca.crt`,
    'peer-client-cert-auth': 'true',
    'listen-metrics-urls': `http://${joinHostPort(loopback, 2381)}`,
    'initial-cluster': initialCluster(members),
    'initial-cluster-state': 'new',
    'initial-cluster-token': token,
    ...corruptionCheck(version),
    ...Object.fromEntries(cluster.settings.map(({ name, value }) => [name, value])),
  };
  const lines = Object.entries(settings).map(([name, value]) => `${etcdVariable(name)}=${value}\n`);
  return ownFile(command, lines.join(''));
}

/** The variable for a flag: `ETCD_INITIAL_CLUSTER`. */
export function etcdVariable(flag: string): string {
  return `ETCD_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/** As kubeadm's own etcd has it: refuse to start on corrupt data, tell watchers the revision every five seconds. */
function corruptionCheck(version: KubeVersion): Readonly<Record<string, string>> {
  return hasStableEtcdSettings(version)
    ? { 'feature-gates': 'InitialCorruptCheck=true', 'watch-progress-notify-interval': '5s' }
    : { 'experimental-initial-corrupt-check': 'true', 'experimental-watch-progress-notify-interval': '5s' };
}

/** `https://192.168.3.29:2379` */
function memberClientUrl({ address }: EtcdMemberSpec): string {
  return `https://${joinHostPort(address, etcdClientPort)}`;
}

/** `https://192.168.3.29:2380` */
export function memberPeerUrl({ address }: EtcdMemberSpec): string {
  return `https://${joinHostPort(address, etcdPeerPort)}`;
}

/** `etcd1=https://192.168.3.29:2380,…`, in order of names: whichever host was named first, the file is the same. */
export function initialCluster(members: readonly EtcdMemberSpec[]): string {
  return members
    .map((member) => `${member.name}=${memberPeerUrl(member)}`)
    .toSorted()
    .join(',');
}

/** Paths of what a control plane shows etcd and checks, as in kubeadm's guide for external etcd. */
export interface EtcdClientFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** What goes into ClusterConfiguration. */
export function externalEtcdSnippet(members: readonly EtcdMemberSpec[], { ca, cert, key }: EtcdClientFiles): string {
  const external = { endpoints: members.map(memberClientUrl), caFile: ca, certFile: cert, keyFile: key };
  return writeYaml({ etcd: { external } });
}
