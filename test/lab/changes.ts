/** Owns what changes a lab: bringing hosts up, making them anew, taking them down; each from whatever a killed run left. */
import { exists, removeTree } from './cache.ts';
import { hostPaths, isMounted } from './host-files.ts';
import { addNames, createHost, removeHosts, startHost, waitReady, type Home } from './hosts.ts';
import { kindOf } from './kinds.ts';
import { raiseInotifyLimits } from './kernel.ts';
import { ensureNetwork, removeNetwork } from './network.ts';
import { endOrphans } from './orphans.ts';
import { containersOf } from './podman.ts';
import type { Report } from './progress.ts';
import { ensureClientKey } from './ssh-keys.ts';
import type { HostRecord } from './state.ts';
import { assignAddresses, defaultAddress, defaultNames, type HostWish } from './topology.ts';

const hostsAtOnce = 10;

/** A lab, the hosts it had, and where to tell what happens. */
export interface Change {
  readonly home: Home;
  readonly hosts: readonly HostRecord[];
  readonly report: Report;
}

/** Brings hosts up and answers with all the lab's hosts; those that run stay as they are. */
export async function bringUp(change: Change, wishes: readonly HostWish[]): Promise<HostRecord[]> {
  const { home, hosts } = change;
  await raiseInotifyLimits();
  // In this order: a network of another subnet can only go when what a killed run left in it has gone.
  const states = await survey(change);
  await Promise.all([ensureNetwork(home.prefix, home.subnet), ensureClientKey(home.paths)]);
  const wished = new Set(wishes.map(({ name }) => name));
  const stopped: HostRecord[] = [];
  const there = new Set<string>();
  for (const host of hosts) {
    const state = states.get(host.containerId);
    // After a reboot of the machine a root is no longer mounted: such a host is made anew.
    if (state === undefined || !(await isMounted(hostPaths(home.paths, host.name).root))) continue;
    if (state === 'running' || wished.has(host.name)) there.add(host.name);
    if (state === 'stopped' && wished.has(host.name)) stopped.push(host);
  }
  await settled(stopped.map((host) => startHost(home, host)));
  return create(
    change,
    wishes.filter(({ name }) => !there.has(name)),
  );
}

/** Makes these hosts anew and answers with all the lab's hosts. */
export async function makeAnew(change: Change, old: readonly HostRecord[]): Promise<HostRecord[]> {
  await survey(change);
  await ensureNetwork(change.home.prefix, change.home.subnet);
  await removeHosts(change.home, old);
  return create(change, old);
}

/** Removes these hosts and answers with those left. */
export async function takeDown(change: Change, gone: readonly HostRecord[]): Promise<HostRecord[]> {
  await survey(change);
  await removeHosts(change.home, gone);
  return change.hosts.filter((host) => !gone.includes(host));
}

/** Removes all there is of a lab. */
export async function removeLab(change: Change): Promise<void> {
  await takeDown(change, change.hosts);
  await removeNetwork(change.home.prefix);
  await removeTree(change.home.paths.dir);
}

/** What podman knows of the lab's hosts, by container; what a killed run left half made is removed. */
async function survey({ home, hosts, report }: Change): Promise<Map<string, 'running' | 'stopped'>> {
  const containers = await containersOf(home.prefix);
  const foreign = containers.find(({ labDir }) => labDir !== home.paths.dir);
  if (foreign !== undefined && (await exists(foreign.labDir))) {
    throw new Error(`the prefix ${home.prefix} is in use by the lab in ${foreign.labDir}: choose another`);
  }
  const known = new Set(hosts.map(({ containerId }) => containerId));
  const left = containers.filter(({ id }) => !known.has(id)).map(({ id, host }) => ({ containerId: id, name: host }));
  if (left.length > 0) report(`removing what a killed run left: ${left.map(({ name }) => name).join(', ')}`);
  await removeHosts(home, left);
  await endOrphans(home.paths.hosts, known);
  return new Map(containers.map(({ id, isRunning }) => [id, isRunning ? 'running' : 'stopped']));
}

async function create({ home, hosts, report }: Change, wishes: readonly HostWish[]): Promise<HostRecord[]> {
  const taken = new Map(hosts.map(({ name, address }) => [name, address]));
  const assigned = assignAddresses(wishes, home.subnet, taken);
  const defaults = defaultNames.map((name) => [name, defaultAddress(name, home.subnet) ?? ''] as const);
  const addresses = new Map([...defaults, ...taken, ...assigned]);
  const make = async ({
    name,
    kind = 'ready',
    images = kindOf(kind).images,
    ...wish
  }: HostWish): Promise<HostRecord> => {
    const plan = { name, kind, images, extraPodmanArgs: wish.extraPodmanArgs ?? [] };
    const placed = { ...plan, address: assigned.get(name) ?? '' };
    const host = { ...placed, containerId: await createHost(home, placed, addresses) };
    await waitReady(home, host);
    report(`${name} is up at ${host.address}`);
    return host;
  };
  const made: HostRecord[] = [];
  // A hundred hosts at once would only be in each other's way until their time is out.
  for (let i = 0; i < wishes.length; i += hostsAtOnce) {
    made.push(...(await settled(wishes.slice(i, i + hostsAtOnce).map(make))));
  }
  const others = hosts.filter(({ name }) => !assigned.has(name));
  const isNews = wishes.some(({ name }) => !defaultNames.includes(name) && !taken.has(name));
  // A host that is stopped learns the names when it is made anew.
  if (isNews) await Promise.allSettled(others.map((host) => addNames(home, host, addresses)));
  return [...others, ...made];
}

/** Waits for all, then fails with the first that failed: nothing goes on behind the back of whoever holds the lock. */
async function settled<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
