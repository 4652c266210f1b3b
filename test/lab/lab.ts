/** Owns the lab as tests, benches and the demo use it: hosts by name, brought up, entered, restarted and taken down. */
import { enter, readPid } from './enter.ts';
import { ensureCache } from './build.ts';
import { hostPaths, hostsFile } from './host-files.ts';
import { createHost, removeHosts, startHost, stopHost, waitReady, type Home } from './hosts.ts';
import { raiseInotifyLimits } from './kernel.ts';
import { exists, removeTree } from './cache.ts';
import { withLock } from './lock.ts';
import { ensureNetwork, removeNetwork } from './network.ts';
import { containersOf, type Container } from './podman.ts';
import { timedReport, type Report } from './progress.ts';
import { ensureClientKey, writeKnownHosts } from './ssh-keys.ts';
import { labPaths, readState, writeState, type HostRecord, type LabState } from './state.ts';
import { assignAddresses, defaultAddress, defaultNames, type HostWish } from './topology.ts';

export { labCacheDir } from './cache.ts';
export { binaries } from './go-build.ts';
export { imageArchive } from './images.ts';
export { imageNames, versions } from './versions.ts';
export type { HostWish } from './topology.ts';

/** A host of a lab. */
export interface LabHost {
  readonly name: string;
  readonly address: string;
  readonly containerId: string;
  readonly port: number;
}

/** What a script left behind; code 124 says that it ran out of time. */
export interface ExecOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a script is run. */
export interface ExecOptions {
  readonly stdin?: string;
  readonly timeoutSeconds?: number;
  readonly env?: Record<string, string>;
}

/** What tells labs apart. */
export interface LabOptions {
  /** `lab` unless said otherwise; in the names of all that is made. */
  readonly prefix?: string;
  /** 192.168.3.0/24 unless said otherwise, or what the lab was brought up with. */
  readonly subnet?: string;
  readonly onProgress?: (line: string) => void;
}

/** Hosts in a network of their own. */
export interface Lab {
  readonly name: string;
  /** The state folder. */
  readonly dir: string;
  readonly subnet: string;
  readonly identityFile: string;
  readonly publicKeyFile: string;
  readonly knownHostsFile: string;
  /** A host that is up; throws when there is none of that name. */
  host(name: string): LabHost;
  hosts(): readonly LabHost[];
  /** Brings hosts up, ready for SSH and with containerd running; hosts that already run stay as they are. */
  up(names: readonly (string | HostWish)[]): Promise<void>;
  /** Runs a bash script as root inside a host, not over SSH. */
  exec(host: string, script: string, options?: ExecOptions): Promise<ExecOutcome>;
  /** Runs the host's kubectl with its admin.conf; the host is master1 unless said otherwise. */
  kubectl(args: readonly string[], options?: ExecOptions & { readonly host?: string }): Promise<ExecOutcome>;
  /** Copies a file of this machine into a host; the mode is 0o644 unless said otherwise. */
  copyTo(host: string, localPath: string, remotePath: string, mode?: number): Promise<void>;
  /** Shuts a host down and starts it again; its disk stays, its /run and /tmp do not. */
  restart(host: string): Promise<void>;
  stop(host: string): Promise<void>;
  start(host: string): Promise<void>;
  /** Makes hosts anew, at once: same names, addresses and SSH host keys, nothing else of what was. */
  recreate(hosts: string | readonly string[]): Promise<void>;
  /** Removes these hosts; without names all of them, the network and everything else the lab made. */
  down(names?: readonly string[]): Promise<void>;
}

const defaultSubnet = '192.168.3.0/24';

/** Opens the lab of that prefix, with the hosts it has; builds the cache when needed. */
export async function openLab(options: LabOptions = {}): Promise<Lab> {
  const report = timedReport(options.onProgress ?? (() => undefined));
  await ensureCache(report);
  return attachLab(options, report);
}

/** Opens a lab without building anything: enough to look at it, to enter its hosts and to take it down. */
export async function attachLab(options: LabOptions, report: Report): Promise<Lab> {
  const prefix = options.prefix ?? 'lab';
  const paths = labPaths(prefix);
  let state: LabState = (await readState(paths)) ?? { subnet: options.subnet ?? defaultSubnet, hosts: [] };
  const wishedSubnet = options.subnet ?? state.subnet;
  if (state.hosts.length === 0) state = { ...state, subnet: wishedSubnet };
  if (state.subnet !== wishedSubnet) {
    throw new Error(`lab ${prefix} is up in ${state.subnet}: take it down before it moves to ${wishedSubnet}`);
  }
  const home: Home = { prefix, subnet: wishedSubnet, paths };

  const record = (name: string): HostRecord => {
    const found = state.hosts.find((host) => host.name === name);
    if (found !== undefined) return found;
    throw new Error(
      `lab ${prefix} has no host ${name}: it has ${state.hosts.map((host) => host.name).join(', ') || 'none'}`,
    );
  };
  const inHost = async (name: string, command: readonly string[], run: object = {}): Promise<ExecOutcome> =>
    enter(await readPid(hostPaths(paths, record(name).name).pidFile), command, run);
  const save = async (hosts: readonly HostRecord[]): Promise<void> => {
    state = { subnet: home.subnet, hosts };
    await writeState(paths, state);
    await writeKnownHosts(paths, hosts, (name) => hostPaths(paths, name).hostKeys);
  };
  const locked = (work: () => Promise<void>): Promise<void> =>
    withLock(
      paths.lockFile,
      async () => {
        // Another process may have changed the lab since we looked.
        state = (await readState(paths)) ?? { subnet: home.subnet, hosts: [] };
        await work();
      },
      () => report(`another process works on lab ${prefix}: waiting for it`),
    );

  /** What podman has of this lab; what a killed run left half made is removed. */
  const survey = async (): Promise<Map<string, Container>> => {
    const containers = await containersOf(prefix);
    const foreign = containers.find(({ labDir }) => labDir !== paths.dir);
    if (foreign !== undefined && (await exists(foreign.labDir))) {
      throw new Error(`the prefix ${prefix} is in use by the lab in ${foreign.labDir}: choose another`);
    }
    const known = new Set(state.hosts.map(({ containerId }) => containerId));
    const left = containers.filter(({ id }) => !known.has(id));
    if (left.length > 0) report(`removing what a killed run left: ${left.map(({ host }) => host).join(', ')}`);
    await removeHosts(
      home,
      left.map(({ id, host }) => ({ id, name: host })),
    );
    return new Map(containers.filter(({ id }) => known.has(id)).map((container) => [container.id, container]));
  };

  const create = async (wishes: readonly HostWish[]): Promise<void> => {
    const taken = new Map(state.hosts.map(({ name, address }) => [name, address]));
    const assigned = assignAddresses(wishes, home.subnet, taken);
    const addresses = new Map([...defaultAddresses(home.subnet), ...taken, ...assigned]);
    await Promise.all([ensureNetwork(prefix, home.subnet), ensureClientKey(paths)]);
    const made = await Promise.all(
      wishes.map(async ({ name, images = true, extraPodmanArgs = [] }) => {
        const plan = { name, images, extraPodmanArgs, address: assigned.get(name) ?? '' };
        const host = { ...plan, containerId: await createHost(home, plan, addresses) };
        await waitReady(home, host);
        report(`${name} is up at ${host.address}`);
        return host;
      }),
    );
    const names = new Set(made.map(({ name }) => name));
    await save([...state.hosts.filter(({ name }) => !names.has(name)), ...made]);
    await nameEverywhere(addresses);
  };

  /** Gives running hosts the names that came later. */
  const nameEverywhere = async (addresses: ReadonlyMap<string, string>): Promise<void> => {
    const wanted = hostsFile(addresses)
      .split('\n')
      .filter((line) => /^\d/.test(line) && !line.startsWith('127.'));
    const script = 'while read -r a n; do grep -qw -- "$n" /etc/hosts || echo "$a $n" >>/etc/hosts; done';
    const others = state.hosts.filter(({ name }) => !defaultNames.includes(name));
    if (others.length === 0) return;
    const stdin = wanted.join('\n') + '\n';
    await Promise.all(
      state.hosts.map(({ name }) => inHost(name, ['bash', '-c', script], { stdin }).catch(() => undefined)),
    );
  };

  const lab: Lab = {
    name: prefix,
    dir: paths.dir,
    subnet: home.subnet,
    identityFile: paths.identityFile,
    publicKeyFile: paths.publicKeyFile,
    knownHostsFile: paths.knownHostsFile,
    host: (name) => labHost(record(name)),
    hosts: () => state.hosts.map(labHost),
    exec: (name, script, run) => inHost(name, ['bash', '-c', script], run),
    kubectl: (args, { host = 'master1', ...run } = {}) =>
      inHost(host, ['kubectl', ...args], { ...run, env: { KUBECONFIG: '/etc/kubernetes/admin.conf', ...run.env } }),
    up: (names) =>
      locked(async () => {
        const wishes = names.map((name) => (typeof name === 'string' ? { name } : name));
        await raiseInotifyLimits();
        const containers = await survey();
        const isThere = (host: HostRecord): boolean => containers.get(host.containerId)?.isRunning ?? false;
        const running = new Set(state.hosts.filter(isThere).map(({ name }) => name));
        // One that is stopped on purpose is started; one whose container is gone is made anew.
        const wished = new Set(wishes.map(({ name }) => name));
        const stopped = state.hosts.filter(
          (host) => wished.has(host.name) && containers.get(host.containerId)?.isRunning === false,
        );
        await ensureNetwork(prefix, home.subnet);
        await Promise.all(stopped.map((host) => startHost(home, host)));
        const there = new Set([...running, ...stopped.map(({ name }) => name)]);
        await create(wishes.filter(({ name }) => !there.has(name)));
      }),
    copyTo: async (name, localPath, remotePath, mode = 0o644) => {
      const { code, stderr } = await inHost(name, ['install', '-D', '-m', mode.toString(8), '/dev/stdin', remotePath], {
        stdinFile: localPath,
      });
      if (code !== 0) throw new Error(`cannot copy ${localPath} to ${name}:${remotePath}: ${stderr.trim()}`);
    },
    restart: async (name) => {
      await lab.stop(name);
      await lab.start(name);
    },
    stop: (name) => stopHost(record(name)),
    start: (name) => startHost(home, record(name)),
    recreate: (names) =>
      locked(async () => {
        const old = (typeof names === 'string' ? [names] : names).map(record);
        await survey();
        await removeHosts(
          home,
          old.map(({ containerId, name }) => ({ id: containerId, name })),
        );
        await create(old);
      }),
    down: (names) =>
      locked(async () => {
        await survey();
        const gone = names === undefined ? state.hosts : names.map(record);
        await removeHosts(
          home,
          gone.map(({ containerId, name }) => ({ id: containerId, name })),
        );
        if (names !== undefined && gone.length < state.hosts.length) {
          return save(state.hosts.filter((host) => !gone.includes(host)));
        }
        await removeNetwork(prefix);
        await removeTree(paths.dir);
        state = { subnet: home.subnet, hosts: [] };
      }),
  };
  return lab;
}

function defaultAddresses(subnet: string): [string, string][] {
  return defaultNames.map((name) => [name, defaultAddress(name, subnet) ?? '']);
}

function labHost({ name, address, containerId }: HostRecord): LabHost {
  return { name, address, containerId, port: 22 };
}
