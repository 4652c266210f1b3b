// Checks across hosts: what must differ between them, what must agree, and who must reach whom. Pure.
import type { HostFacts } from '../host/host.ts';
import { formatIp, parseIp } from '../util/net.ts';
import { error, warning, type Finding } from './check.ts';
import { clockSkewName, skewed, toleratedSeconds } from './checks/clock.ts';
import type { Questions } from './survey.ts';
import type { Survey } from './survey-parse.ts';

export type Role = 'control-plane' | 'worker';

/** A host that was looked at, and what it is to become. */
export interface FleetHost {
  /** As the user named it. */
  readonly host: string;
  readonly role: Role;
  readonly nodeName: string;
  /** The address that others reach it at. */
  readonly address: string;
  readonly facts: HostFacts;
  readonly survey: Pick<Survey, 'links' | 'texts'>;
}

/** A finding about a host, as seen beside the others. */
export interface FleetFinding {
  readonly host: string;
  readonly finding: Finding;
}

/** Names of the checks, for the report to say that they passed. */
export const fleetCheckNames: readonly string[] = [
  'UniqueNodeName',
  'UniqueMachineID',
  'UniqueMAC',
  'UniqueAddress',
  'UniqueProductUUID',
  clockSkewName,
];

const productUuid = '/sys/class/dmi/id/product_uuid';

/** What the survey has to ask for on top. */
export const fleetQuestions: Questions = { texts: [productUuid] };

interface Identity {
  readonly name: string;
  readonly what: string;
  readonly level: typeof error;
  readonly fix: string;
  /** What the host is known by; several where it has several. */
  readonly of: (host: FleetHost) => readonly string[];
}

const identities: readonly Identity[] = [
  {
    name: 'UniqueNodeName',
    what: 'node name',
    level: error,
    fix: 'give each its own name: `hostnamectl set-hostname NAME`, or --node-name',
    of: ({ nodeName }) => [nodeName],
  },
  {
    name: 'UniqueMachineID',
    what: 'machine-id',
    level: error,
    fix: 'they were cloned: `rm /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup`, then reboot',
    of: ({ facts }) => [facts.machineId],
  },
  {
    name: 'UniqueMAC',
    what: 'MAC address',
    level: error,
    fix: 'give each virtual machine its own MAC address: Pod networks distinguish hosts by it',
    of: macs,
  },
  {
    name: 'UniqueAddress',
    what: 'address',
    level: error,
    fix: 'name each machine once, and give each its own address',
    of: ({ address }) => [address],
  },
  {
    name: 'UniqueProductUUID',
    what: 'product_uuid',
    level: warning,
    fix: 'give each virtual machine its own UUID where its hypervisor lets you',
    of: ({ survey }) => [(survey.texts.get(productUuid) ?? '').trim().toLowerCase()],
  },
];

/** Of the interfaces that lead outside; those of containers and bridges may look alike on every host. */
function macs({ facts, survey, address }: FleetHost): readonly string[] {
  const outward = new Set([
    ...facts.defaultRoutes.map((route) => route.interface),
    ...facts.addresses.filter((own) => canonical(own.address) === canonical(address)).map((own) => own.interface),
  ]);
  return survey.links.filter(({ name }) => outward.has(name)).map(({ mac }) => mac);
}

function canonical(text: string): string {
  const ip = parseIp(text);
  return ip === undefined ? text : formatIp(ip);
}

/** Two hosts that look like one, and clocks apart. */
export function fleetFindings(hosts: readonly FleetHost[]): readonly FleetFinding[] {
  return [...identities.flatMap((identity) => duplicates(hosts, identity)), ...clocks(hosts)];
}

/** Every host of a group that shares something is told whom it shares it with. */
function duplicates(hosts: readonly FleetHost[], { name, what, level, fix, of }: Identity): readonly FleetFinding[] {
  const groups = new Map<string, string[]>();
  for (const one of hosts) {
    for (const value of new Set(of(one))) if (value !== '') groups.set(value, [...(groups.get(value) ?? []), one.host]);
  }
  return [...groups].flatMap(([value, group]) =>
    group.length < 2
      ? []
      : group.map((host, index) => {
          const others = group.filter((_, other) => other !== index).join(', ');
          return { host, finding: level(name, `${others} has the same ${what} ${value}`, fix) };
        }),
  );
}

/** Clocks against the median of all and of this machine's; two clocks alone against this machine's (R20). */
function clocks(hosts: readonly FleetHost[]): readonly FleetFinding[] {
  const offsets = hosts.map(({ facts: { clock } }) => clock.host - clock.local);
  const middle = hosts.length < 2 ? 0 : median([0, ...offsets]);
  const whose = hosts.length < 2 ? "this machine's" : 'most others';
  return hosts.flatMap(({ host }, index) => {
    const offset = (offsets[index] ?? 0) - middle;
    return Math.abs(offset) <= toleratedSeconds ? [] : [{ host, finding: skewed(offset, whose) }];
  });
}

/** This machine's clock against the median: certificates get their dates from it, whatever the hosts agree on. */
export function ownClock(hosts: readonly FleetHost[]): Finding | undefined {
  const offset = -median([0, ...hosts.map(({ facts: { clock } }) => clock.host - clock.local)]);
  return hosts.length < 2 || Math.abs(offset) <= toleratedSeconds ? undefined : skewed(offset, 'that of the hosts');
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const low = sorted[Math.ceil(half) - 1] ?? 0;
  const high = sorted[Math.floor(half)] ?? 0;
  return (low + high) / 2;
}
