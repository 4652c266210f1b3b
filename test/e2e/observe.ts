// What tests look at on a host: its files, the processes that kbinit has there, and what a cluster is made of.
import type { Lab } from '../lab/lab.ts';

/** Run a script on a host and answer with its output; a failure is the test's. */
export async function output(lab: Lab, host: string, script: string, timeoutSeconds = 60): Promise<string> {
  const { code, stdout, stderr } = await lab.exec(host, script, { timeoutSeconds });
  if (code !== 0) throw new Error(`${host}: ${script.slice(0, 200)}: exit code ${code}: ${stdout}${stderr}`);
  return stdout;
}

/** Where files come and go by themselves. */
const restless = [
  '/proc',
  '/sys',
  '/run',
  '/tmp',
  '/dev',
  '/var/log',
  '/var/tmp',
  '/var/lib/containerd',
  '/var/lib/systemd',
];

/**
 * Every file and folder of a host: type, mode, owner, size, inode, times and, where configuration and data lie, the
 * SHA-256. A file cannot be written, replaced, chmodded or touched without a difference in here.
 */
export async function everyFile(lab: Lab, host: string): Promise<string> {
  const pruned = restless.map((path) => `-path ${path}`).join(' -o ');
  const hashed = '/etc /root /var/lib/kubelet /var/lib/etcd /var/lib/kbinit /opt /usr/local/etc';
  return output(
    lab,
    host,
    `find / /var/lib/kubelet -xdev \\( ${pruned} \\) -prune -o -printf '%p %y %m %u:%g %s %i %T@ %C@ %l\\n' | sort -u
for folder in ${hashed}; do [ -d "$folder" ] && find "$folder" -xdev -type f -exec sha256sum {} +; done | sort`,
  );
}

/** Paths whose line is not in both. */
export function changedPaths(before: string, after: string): readonly string[] {
  const [old, now] = [new Set(before.split('\n')), new Set(after.split('\n'))];
  const lines = [...[...old].filter((line) => !now.has(line)), ...[...now].filter((line) => !old.has(line))];
  return [...new Set(lines.map((line) => line.split(/\s+/).find((word) => word.startsWith('/')) ?? line))].toSorted();
}

/**
 * The files that init and join write, with inode and times, so that a file written again with the same bytes shows.
 * /etc/cni is the Pod network's: its own Pod writes there whenever it starts.
 */
export function managedFiles(lab: Lab, host: string): Promise<string> {
  const folders =
    '/etc /var/lib/kbinit /var/lib/kubelet/config.yaml /var/lib/kubelet/instance-config.yaml /var/lib/kubelet/kubeadm-flags.env';
  return output(
    lab,
    host,
    `find ${folders} -xdev -path /etc/cni -prune -o -printf '%p %y %m %u:%g %s %i %T@\\n' 2>/dev/null | sort; true`,
  );
}

/** Processes that a run of kbinit has on a host. */
export async function kbinitProcesses(lab: Lab, host: string): Promise<readonly string[]> {
  const text = await output(lab, host, `ps -eo pid=,ppid=,args= | grep -E 'kbinit' | grep -v -E 'grep|bash -c' ; true`);
  return text.split('\n').filter((line) => line.trim() !== '');
}

/** Restart counts of all containers, by Pod and container. */
export async function restarts(lab: Lab): Promise<string> {
  const columns = '{.metadata.name} {.metadata.uid}{range .status.containerStatuses[*]} {.name}={.restartCount}{end}';
  const { stdout } = await lab.kubectl(['get', 'pods', '-A', '-o', `jsonpath={range .items[*]}${columns}{"\\n"}{end}`]);
  return stdout.split('\n').toSorted().join('\n');
}

/** What init manages in the API, with each object's resourceVersion or, where others write its status, its generation. */
export async function managedObjects(lab: Lab): Promise<string> {
  const steady = 'configmaps,secrets,roles,rolebindings,clusterroles,clusterrolebindings,serviceaccounts,services';
  const [versions, generations] = await Promise.all([
    lab.kubectl([
      'get',
      steady,
      '-A',
      '-o',
      'jsonpath={range .items[*]}{.kind}/{.metadata.namespace}/{.metadata.name} {.metadata.resourceVersion}{"\\n"}{end}',
    ]),
    lab.kubectl([
      'get',
      'deployments,daemonsets',
      '-A',
      '-o',
      'jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.uid} {.metadata.generation}{"\\n"}{end}',
    ]),
  ]);
  // The CA bundle of each namespace and the leader's leases are the controllers' own.
  const lines = versions.stdout.split('\n').filter((line) => !line.includes('kube-root-ca.crt'));
  if (lines.length < 20) throw new Error(`only ${lines.length} objects were found: ${versions.stderr}`);
  return [...lines, ...generations.stdout.split('\n')].toSorted().join('\n');
}
