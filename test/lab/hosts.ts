/** Owns a host's life: made, started, waited for, stopped and removed. */
import { connect } from 'node:net';
import { release } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { exists, removeTree, stepDir } from './cache.ts';
import { enter, readPid } from './enter.ts';
import { hostPaths, hostsFile, makeHostFiles } from './host-files.ts';
import { kindOf } from './kinds.ts';
import { networkName } from './network.ts';
import { labels, removeContainers, runContainer, startContainer, stopContainer } from './podman.ts';
import type { HostRecord, LabPaths } from './state.ts';
import { gatewayOf } from './topology.ts';

// An address for documentation, to which each host has an unreachable route: a name nobody knows fails at once.
const deadNameServer = '192.0.2.53';

/** The lab a host belongs to. */
export interface Home {
  readonly prefix: string;
  readonly subnet: string;
  readonly paths: LabPaths;
}

/** Makes a host from nothing and boots it; answers with its container's id without waiting for it to be ready. */
export async function createHost(
  home: Home,
  host: Omit<HostRecord, 'containerId'>,
  addresses: ReadonlyMap<string, string>,
): Promise<string> {
  const files = hostPaths(home.paths, host.name);
  await makeHostFiles(home.paths, host, addresses);
  const gateway = gatewayOf(home.subnet);
  const modules = `/lib/modules/${release()}`;
  const args = [
    ['--name', `${home.prefix}-${host.name}`, '--hostname', host.name, '--pidfile', files.pidFile],
    ['--label', `${labels.lab}=${home.prefix}`, '--label', `${labels.host}=${host.name}`],
    ['--label', `${labels.dir}=${home.paths.dir}`],
    // systemd is set up by hand: podman's own way breaks nested containers on cgroup v1, as does a shared cgroup namespace.
    ['--privileged', '--systemd=false', '--cgroupns=private', '-e', 'container=podman'],
    ['--stop-signal', 'SIGRTMIN+3', '--tmpfs', '/run:rw,mode=755', '--tmpfs', '/tmp'],
    // No more than this can be granted without CAP_SYS_RESOURCE.
    ['--ulimit', 'nofile=16384:16384', '--ulimit', 'nproc=4096:4096', '--pids-limit', '-1'],
    ['--log-driver', 'k8s-file', ...kindOf(host.kind).sysctls.flatMap((setting) => ['--sysctl', setting])],
    ['--network', networkName(home.prefix), '--ip', host.address, '-e', `LAB_GATEWAY=${gateway}`],
    // /etc/hosts is the host's own. With podman's search domain CoreDNS would look for names that nobody answers.
    ['--no-hosts', '--dns', deadNameServer, '--dns-search', '.'],
    // Real disk below what holds layers and volumes: an overlay cannot lie on an overlay.
    ['-v', `${files.containerd}:/var/lib/containerd`, '-v', `${files.kubelet}:/var/lib/kubelet`],
    Object.entries(kindOf(host.kind).mounts).flatMap(([path, step]) => ['-v', `${stepDir(step)}:${path}:ro`]),
    (await exists(modules)) ? ['-v', `${modules}:${modules}:ro`] : [],
    host.extraPodmanArgs,
    ['--rootfs', files.root, ...kindOf(host.kind).init],
  ];
  return runContainer(args.flat());
}

/** Waits until the host's sshd answers and the services of its kind are up. */
export async function waitReady(home: Home, host: HostRecord, timeoutSeconds = 60): Promise<void> {
  const deadline = performance.now() + timeoutSeconds * 1000;
  const { pidFile } = hostPaths(home.paths, host.name);
  for (let seen = ''; ; await sleep(50)) {
    seen = await readiness(pidFile, host.address, kindOf(host.kind).services);
    if (seen === 'ready') return;
    if (performance.now() > deadline) throw new Error(`${host.name} is not ready after ${timeoutSeconds} s: ${seen}`);
  }
}

/** Starts a host that was stopped. */
export async function startHost(home: Home, host: HostRecord): Promise<void> {
  await startContainer(host.containerId);
  await waitReady(home, host);
}

/** Shuts a host down as `poweroff` would, or cuts its power. */
export async function stopHost(host: HostRecord, how: 'shutdown' | 'power cut'): Promise<void> {
  // Five seconds are enough for services; an API server without etcd would take all that it gets.
  await stopContainer(host.containerId, how === 'shutdown' ? 5 : 0);
}

/** Removes containers and all files of these hosts. */
export async function removeHosts(
  home: Home,
  hosts: readonly Pick<HostRecord, 'containerId' | 'name'>[],
): Promise<void> {
  await removeContainers(hosts.map(({ containerId }) => containerId));
  await Promise.all(hosts.map(({ name }) => removeTree(hostPaths(home.paths, name).dir)));
}

/** Gives a running host the names that it does not know yet. */
export async function addNames(home: Home, host: HostRecord, addresses: ReadonlyMap<string, string>): Promise<void> {
  const known = 'awk -v name="$name" \'$2 == name { found = 1 } END { exit !found }\' /etc/hosts';
  const script = `while read -r address name _; do ${known} || echo "$address $name" >>/etc/hosts; done`;
  const pid = await readPid(hostPaths(home.paths, host.name).pidFile);
  await enter(pid, ['bash', '-c', script], { stdin: hostsFile(addresses) });
}

async function readiness(pidFile: string, address: string, services: readonly string[]): Promise<string> {
  const pid = await readPid(pidFile).catch(() => undefined);
  if (pid === undefined) return 'it does not run';
  const banner = await sshBanner(address);
  if (!banner.startsWith('SSH-')) return `sshd: ${banner}`;
  if (services.length === 0) return 'ready';
  const { stdout } = await enter(pid, ['systemctl', 'is-active', ...services]);
  const states = stdout.trim().split('\n');
  const isUp = states.every((state) => state === 'active');
  return isUp ? 'ready' : `${services.join(' and ')} are ${states.join(' and ')}`;
}

function sshBanner(address: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: 22, timeout: 1000 });
    const end = (text: string): void => {
      socket.destroy();
      resolve(text);
    };
    socket.once('data', (bytes) => end(bytes.toString('utf8')));
    socket.once('error', (error) => end(error.message));
    socket.once('timeout', () => end('no answer'));
    socket.once('close', () => end('closed at once'));
  });
}
