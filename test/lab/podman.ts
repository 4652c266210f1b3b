/** Owns the calls of podman: containers and networks of one lab, found by their labels and by nothing else. */
import { mustRun, run } from './run.ts';

/** What podman knows of one of our containers. */
export interface Container {
  readonly id: string;
  readonly host: string;
  /** The state folder of the lab that made it. */
  readonly labDir: string;
  readonly isRunning: boolean;
}

/** The labels on all a lab makes. */
export const labels = {
  lab: 'kbinit.lab',
  host: 'kbinit.lab.host',
  dir: 'kbinit.lab.dir',
} as const;

// Debian's crun fails on cgroup v1 here, its runc works.
const runtime = ['--runtime', 'runc'];

/** All containers with the label of that prefix, running or not. */
export async function containersOf(prefix: string): Promise<Container[]> {
  const format = `{{.ID}}\t{{.State}}\t{{index .Labels "${labels.host}"}}\t{{index .Labels "${labels.dir}"}}`;
  const filter = `label=${labels.lab}=${prefix}`;
  const text = await mustRun('podman', ['ps', '-a', '--no-trunc', '--filter', filter, '--format', format]);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', state = '', host = '', labDir = ''] = line.split('\t');
      return { id, host, labDir, isRunning: /^(up|running)/i.test(state) };
    });
}

/** Starts a container and answers with its id. */
export async function runContainer(args: readonly string[]): Promise<string> {
  return (await mustRun('podman', [...runtime, 'run', '-d', ...args], { timeoutSeconds: 60 })).trim();
}

/** Removes containers at once, with what they were doing. */
export async function removeContainers(ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await mustRun('podman', [...runtime, 'rm', '-f', '-i', '-t', '0', '-v', ...ids]);
}

/** Starts a stopped container. */
export async function startContainer(id: string): Promise<void> {
  await mustRun('podman', [...runtime, 'start', id]);
}

/** Shuts a container's systemd down and, if that takes too long, ends it. */
export async function stopContainer(id: string, timeoutSeconds: number): Promise<void> {
  await mustRun('podman', [...runtime, 'stop', '-t', `${timeoutSeconds}`, id]);
}

/** What podman knows of a network. */
export interface Network {
  readonly subnet: string;
  /** The bridge's name on the machine, which podman chose. */
  readonly bridge: string;
  /** The prefix of the lab that made it; empty when none did. */
  readonly prefix: string;
}

/** A network by its name; undefined where there is none. */
export async function inspectNetwork(name: string): Promise<Network | undefined> {
  const format = `{{range .Subnets}}{{.Subnet}}{{end}}\t{{.NetworkInterface}}\t{{index .Labels "${labels.lab}"}}`;
  const { code, stdout } = await run('podman', ['network', 'inspect', '--format', format, name]);
  if (code !== 0) return undefined;
  const [subnet = '', bridge = '', prefix = ''] = stdout.trim().split('\t');
  return { subnet, bridge, prefix };
}
