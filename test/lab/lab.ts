/** Owns the lab as tests, benches and the demo use it: hosts by name, brought up, entered, restarted and taken down. */
import type { ExecOutcome, Lab, LabHost, LabOptions } from './api.ts';
import { ensurePackages } from './apt.ts';
import { ensureCache, ensureSteps } from './build.ts';
import { bringUp, makeAnew, removeLab, takeDown, type Change } from './changes.ts';
import { enter, readPid } from './enter.ts';
import { hostPaths } from './host-files.ts';
import { startHost, stopHost, type Home } from './hosts.ts';
import { kindOf, stepsOf, type HostKind } from './kinds.ts';
import { withLock } from './lock.ts';
import { timedReport, type Report } from './progress.ts';
import type { RunOptions } from './run.ts';
import { writeKnownHosts } from './ssh-keys.ts';
import { labPaths, readState, writeState, type HostRecord, type LabState } from './state.ts';

export type { Lab, LabOptions } from './api.ts';
export { labCacheDir } from './cache.ts';
export { binaries } from './go-build.ts';
export { imageNames, versions } from './versions.ts';

const defaultSubnet = '192.168.3.0/24';

/** Opens the lab of that prefix, with the hosts it has; builds what tests compare with when it is missing. */
export async function openLab(options: LabOptions = {}): Promise<Lab> {
  const report = timedReport(options.onProgress ?? (() => undefined));
  // What the hosts are made of is built when they are brought up: only then is their kind known.
  if (options.forTests === true) await ensureCache(report, 'tests');
  return attachLab(options, report);
}

/**
 * Opens a lab without building anything: enough to look at it, to enter its hosts and to take it down.
 * The programs for that (podman, iptables, ssh) are installed here, whoever comes first to this machine.
 */
export async function attachLab(options: LabOptions, report: Report): Promise<Lab> {
  await ensurePackages(['lab'], report);
  const prefix = options.prefix ?? 'lab';
  const paths = labPaths(prefix);
  const found = await readState(paths);
  const isUp = found !== undefined && found.hosts.length > 0;
  const subnet = options.subnet ?? (isUp ? found.subnet : defaultSubnet);
  if (isUp && found.subnet !== subnet) {
    throw new Error(`lab ${prefix} is up in ${found.subnet}: take it down before it moves to ${subnet}`);
  }
  const home: Home = { prefix, subnet, paths };
  let state: LabState = { subnet, hosts: found?.hosts ?? [] };

  const record = (name: string): HostRecord => {
    const host = state.hosts.find((one) => one.name === name);
    if (host !== undefined) return host;
    const others = state.hosts.map((one) => one.name).join(', ');
    throw new Error(`lab ${prefix} has no host ${name}, it has ${others === '' ? 'none' : others}`);
  };
  const inHost = async (name: string, command: readonly string[], how?: RunOptions): Promise<ExecOutcome> =>
    enter(await readPid(hostPaths(paths, record(name).name).pidFile), command, how);

  /** Changes the lab while nobody else does; `work` answers with the hosts there are then, or undefined for no lab. */
  const change = (work: (now: Change) => Promise<readonly HostRecord[] | undefined>): Promise<void> => {
    const waiting = (): void => report(`another process works on lab ${prefix}: waiting for it`);
    return withLock(
      paths.lockFile,
      async () => {
        // Another process may have changed the lab since we looked.
        const hosts = (await readState(paths))?.hosts ?? [];
        const after = await work({ home, hosts, report });
        state = { subnet, hosts: after ?? [] };
        if (after === undefined) return;
        await writeState(paths, state);
        await writeKnownHosts(paths, after, (name) => hostPaths(paths, name).hostKeys);
      },
      waiting,
    );
  };

  const ensureRoots = (hosts: readonly { readonly kind: HostKind; readonly images?: boolean }[]): Promise<void> => {
    const steps = hosts.flatMap(({ kind, images = kindOf(kind).images }) => stepsOf(kind, images));
    return ensureSteps(report, [...new Set(steps)]);
  };

  const lab: Lab = {
    name: prefix,
    dir: paths.dir,
    subnet,
    identityFile: paths.identityFile,
    publicKeyFile: paths.publicKeyFile,
    knownHostsFile: paths.knownHostsFile,
    host: (name) => labHost(record(name)),
    hosts: () => state.hosts.map(labHost),
    exec: (name, script, how) => inHost(name, ['bash', '-c', script], how),
    kubectl: (args, { host = 'master1', ...how } = {}) =>
      inHost(host, ['kubectl', ...args], { ...how, env: { KUBECONFIG: '/etc/kubernetes/admin.conf', ...how.env } }),
    copyTo: async (name, localPath, remotePath, mode = 0o644) => {
      const install = ['install', '-D', '-m', mode.toString(8), '/dev/stdin', remotePath];
      const { code, stderr } = await inHost(name, install, { stdinFile: localPath });
      if (code !== 0) throw new Error(`cannot copy ${localPath} to ${name}:${remotePath}: ${stderr.trim()}`);
    },
    stop: (name, how = 'shutdown') => stopHost(record(name), how),
    start: (name) => startHost(home, record(name)),
    restart: async (name) => {
      await stopHost(record(name), 'shutdown');
      await startHost(home, record(name));
    },
    up: async (names) => {
      const ownKind = options.kind ?? 'ready';
      const wishes = names.map((name) => ({ kind: ownKind, ...(typeof name === 'string' ? { name } : name) }));
      await ensureRoots(wishes);
      await change((now) => bringUp(now, wishes));
    },
    recreate: async (names) => {
      const old = [names].flat().map(record);
      await ensureRoots(old);
      await change((now) => makeAnew(now, old));
    },
    down: (names) =>
      change(async (now) => {
        const left =
          names === undefined
            ? []
            : await takeDown(
                now,
                now.hosts.filter(({ name }) => names.includes(name)),
              );
        if (left.length > 0) return left;
        return removeLab({ ...now, hosts: names === undefined ? now.hosts : [] }).then(() => undefined);
      }),
  };
  return lab;
}

function labHost({ name, address, containerId }: HostRecord): LabHost {
  return { name, address, containerId, port: 22 };
}
