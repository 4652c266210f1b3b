// Rules for the cluster's address ranges (spec 02 §6; overlaps and families are kbinit's own).
import {
  cidrContains,
  cidrSize,
  cidrsOverlap,
  familyBits,
  formatCidr,
  formatIp,
  isLoopback,
  parseCidr,
  parseCidrs,
  parseIp,
  type Cidr,
  type Ip,
} from '../util/net.ts';
import type { Problems } from './problems.ts';
import type { ClusterSpec } from './spec.ts';
import { isDnsSubdomain } from '../util/shapes.ts';

/** kubeadm constants: MinimumAddressesIn…, MaximumBitsForServiceSubnet, PodSubnetNodeMaskMaxDiff. */
const smallestServiceSubnet = 10n;
const smallestPodSubnet = 14n;
const mostServiceBits = 20;
const mostNodeBits = 16;

const servicePath = 'networking.serviceSubnet';
const podPath = 'networking.podSubnet';

/** Where the cluster's first node is. */
export interface NodeAddresses {
  readonly advertiseAddress: string;
  /** Other addresses that must stay outside the cluster's ranges. */
  readonly others: readonly string[];
}

function rangesOf(problems: Problems, path: string, text: string, smallest: bigint): readonly Cidr[] {
  if (text === '') return [];
  const cidrs = parseCidrs(text);
  if (cidrs === undefined) {
    problems.add(path, text, 'is not a range', 'write address/length, for example 10.244.0.0/16, or two with a comma');
    return [];
  }
  const families = new Set(cidrs.map((cidr) => cidr.family));
  if (cidrs.length > 2 || families.size !== cidrs.length) {
    problems.add(
      path,
      text,
      'is not one range, or one of each family',
      'give one IPv4 range, one IPv6 range, or one of each',
    );
  }
  for (const cidr of cidrs) {
    if (cidrSize(cidr) < smallest) {
      const message = `is too small: ${cidrSize(cidr)} addresses, at least ${smallest} are needed`;
      problems.add(path, formatCidr(cidr), message, 'give a larger range');
    }
    if (siteLocal !== undefined && cidrsOverlap(cidr, siteLocal)) {
      problems.warn(path, `${formatCidr(cidr)} is in the site-local range fec0::/10, which RFC 3879 deprecates`);
    }
  }
  return cidrs;
}

const siteLocal = parseCidr('fec0::/10');

function checkServiceSize(problems: Problems, services: readonly Cidr[]): void {
  for (const cidr of services) {
    const shortest = familyBits(cidr.family) - mostServiceBits;
    if (cidr.prefixLength >= shortest) continue;
    problems.add(
      servicePath,
      formatCidr(cidr),
      `is too large: the length must be ${shortest} or more`,
      `use /${shortest}`,
    );
  }
}

function lastArg(cluster: ClusterSpec, name: string): string {
  return cluster.controllerManager.extraArgs.findLast((arg) => arg.name === name)?.value ?? '';
}

/** Each node gets a range of its own out of the pod range: it must fit, and not too many times. */
function checkNodeMask(problems: Problems, cluster: ClusterSpec, pods: readonly Cidr[]): void {
  if (lastArg(cluster, 'allocate-node-cidrs') === 'false') return;
  for (const cidr of pods) {
    const argument = `node-cidr-mask-size-ipv${cidr.family}`;
    const given = lastArg(cluster, argument);
    const nodeMask = given === '' ? { 4: 24, 6: 64 }[cidr.family] : Number(given);
    const text = formatCidr(cidr);
    if (!/^[-+]?\d*$/.test(given)) {
      problems.add(
        'controllerManager.extraArgs',
        given,
        `is not a number, which ${argument} requires`,
        'write a prefix length',
      );
    } else if (cidr.prefixLength > nodeMask) {
      problems.add(podPath, text, `is smaller than the range of one node, /${nodeMask}`, 'give a larger range');
    } else if (nodeMask - cidr.prefixLength > mostNodeBits) {
      const message = `is more than ${mostNodeBits} bits larger than the range of one node, /${nodeMask}`;
      problems.add(podPath, text, message, `use a smaller range, or set ${argument} for the controller manager`);
    }
  }
}

function checkOverlap(
  problems: Problems,
  services: readonly Cidr[],
  pods: readonly Cidr[],
  nodes: readonly Ip[],
): void {
  for (const pod of pods) {
    for (const service of services.filter((range) => cidrsOverlap(range, pod))) {
      const message = `${formatCidr(pod)} overlaps ${servicePath} ${formatCidr(service)}`;
      problems.say(podPath, message, 'give ranges that have no address in common');
    }
  }
  const ranges = [
    ...services.map((cidr) => [servicePath, cidr] as const),
    ...pods.map((cidr) => [podPath, cidr] as const),
  ];
  for (const [path, cidr] of ranges) {
    const inside = nodes.find((ip) => cidrContains(cidr, ip));
    if (inside === undefined) continue;
    const message = `${formatCidr(cidr)} holds the node's address ${formatIp(inside)}`;
    problems.say(path, message, "give a range outside the nodes' network");
  }
}

/** The API server refuses to start when its address and its first service range are of different families. */
function checkFamilies(
  problems: Problems,
  services: readonly Cidr[],
  pods: readonly Cidr[],
  address: Ip | undefined,
): void {
  const [service, pod] = [services[0], pods[0]];
  if (service !== undefined && address !== undefined && service.family !== address.family) {
    const message = `${formatCidr(service)} comes first, but the API server's address ${formatIp(address)} is IPv${address.family}`;
    problems.say(servicePath, message, `put the IPv${address.family} range first`);
  }
  if (service !== undefined && pod !== undefined && service.family !== pod.family) {
    const message = `begins with IPv${pod.family} (${formatCidr(pod)}), ${servicePath} with IPv${service.family}`;
    problems.warn(podPath, `${message} (${formatCidr(service)})`);
  }
}

/** Every rule of `networking`. */
export function validateNetworking(problems: Problems, cluster: ClusterSpec, node: NodeAddresses): void {
  const { dnsDomain, serviceSubnet, podSubnet } = cluster.networking;
  if (!isDnsSubdomain(dnsDomain)) {
    problems.add('networking.dnsDomain', dnsDomain, 'is not a DNS domain', 'use lower case letters, digits, - and .');
  }
  const services = rangesOf(problems, servicePath, serviceSubnet, smallestServiceSubnet);
  const pods = rangesOf(problems, podPath, podSubnet, smallestPodSubnet);
  checkServiceSize(problems, services);
  checkNodeMask(problems, cluster, pods);
  const addresses = [node.advertiseAddress, ...node.others].map(parseIp).filter((ip) => ip !== undefined);
  checkOverlap(
    problems,
    services,
    pods,
    addresses.filter((ip) => !isLoopback(ip)),
  );
  checkFamilies(problems, services, pods, parseIp(node.advertiseAddress));
}
