/** Owns what the lab asks of the machine's kernel: its built-in drivers, and the limits that several hosts need. */
import { readFile, writeFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';

// The drivers that Kubernetes hosts load by name, the option that builds each in, and the path modprobe knows it by.
const drivers: readonly (readonly [option: string, path: string])[] = [
  ['OVERLAY_FS', 'kernel/fs/overlayfs/overlay.ko'],
  ['BRIDGE', 'kernel/net/bridge/bridge.ko'],
  ['BRIDGE_NETFILTER', 'kernel/net/bridge/br_netfilter.ko'],
  ['VETH', 'kernel/drivers/net/veth.ko'],
  ['VXLAN', 'kernel/drivers/net/vxlan/vxlan.ko'],
  ['NF_CONNTRACK', 'kernel/net/netfilter/nf_conntrack.ko'],
  ['NF_TABLES', 'kernel/net/netfilter/nf_tables.ko'],
  ['NF_NAT', 'kernel/net/netfilter/nf_nat.ko'],
  ['IP_NF_IPTABLES', 'kernel/net/ipv4/netfilter/ip_tables.ko'],
  ['IP_NF_FILTER', 'kernel/net/ipv4/netfilter/iptable_filter.ko'],
  ['IP_NF_NAT', 'kernel/net/ipv4/netfilter/iptable_nat.ko'],
  ['IP_VS', 'kernel/net/netfilter/ipvs/ip_vs.ko'],
  ['IP_VS_RR', 'kernel/net/netfilter/ipvs/ip_vs_rr.ko'],
  ['IP_VS_WRR', 'kernel/net/netfilter/ipvs/ip_vs_wrr.ko'],
  ['IP_VS_SH', 'kernel/net/netfilter/ipvs/ip_vs_sh.ko'],
];

/** The drivers of that list which are part of the running kernel. */
export async function builtInModules(): Promise<string[]> {
  const config = await readFile('/proc/config.gz').then(
    (bytes) => gunzipSync(bytes).toString('utf8'),
    () => '',
  );
  return drivers.flatMap(([option, path]) => (config.includes(`\nCONFIG_${option}=y\n`) ? [path] : []));
}

// With the usual 128 instances kube-proxy dies with "too many open files" from the fourth host on.
const inotifyLimits = { max_user_instances: 8192, max_user_watches: 1_048_576 } as const;

/** Raises the inotify limits of the machine where they are lower; it never lowers one. */
export async function raiseInotifyLimits(): Promise<void> {
  for (const [name, wanted] of Object.entries(inotifyLimits)) {
    const path = `/proc/sys/fs/inotify/${name}`;
    if (Number(await readFile(path, 'utf8')) < wanted) await writeFile(path, `${wanted}`);
  }
}
