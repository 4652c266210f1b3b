// Hosts that `host prepare` works on: where their software comes from, what they were at the start, and what differs now.
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stepDir } from '../../lab/cache.ts';
import { debFolder, debKeys, debPaths } from '../../lab/deb-repositories.ts';
import { cni, cniFlannel, containerdPrograms, criTools, kubernetes, runc } from '../../lab/go-build.ts';
import type { Lab } from '../../lab/lab.ts';
import { repositoryFolder, repositoryPaths, systemKey, vendorKey } from '../../lab/rpm-repositories.ts';
import { output } from '../observe.ts';
import { eventually, scratch } from '../support.ts';

/** The lab's kernel has cgroup v1, which systemd cannot be told to manage. */
export const forThisKernel: readonly string[] = ['--cgroup-driver', 'cgroupfs'];

/** The key that signs the packages of Kubernetes and Docker. */
export const vendorPublicKey: string = join(stepDir(vendorKey), 'public.asc');

/** The repositories of an imitated CentOS, with their key; each host puts its own release and architecture into the second. */
export const fromRpms: readonly string[] = [
  '--repository',
  `file://${repositoryFolder}/${repositoryPaths.kubernetes}`,
  '--repository',
  `file://${repositoryFolder}/docker-ce/linux/centos/$releasever/$basearch/stable`,
  '--repository-key',
  vendorPublicKey,
];

/** The repositories of a bare Debian, with their keys. */
export const fromDebs: readonly string[] = [
  ...[debPaths.kubernetes, debPaths.debian].flatMap((path) => ['--repository', `file://${debFolder}/${path}`]),
  ...debKeys.flatMap((key) => ['--repository-key', key]),
];

/** A key that signs none of the packages of Kubernetes and Docker. */
export const otherKey: string = join(stepDir(systemKey), 'public.asc');

/** A folder of the lab's own programs, with its lock, for `--binaries`. */
export async function folderOfPrograms(): Promise<string> {
  const folder = join(await scratch(), 'programs');
  await mkdir(join(folder, 'cni'), { recursive: true });
  for (const [step, names] of [
    [kubernetes, ['kubelet', 'kubectl']],
    [containerdPrograms, ['containerd', 'containerd-shim-runc-v2', 'ctr']],
    [runc, ['runc']],
    [criTools, ['crictl']],
  ] as const) {
    for (const name of names) await cp(join(stepDir(step), name), join(folder, name));
  }
  for (const step of [cni, cniFlannel]) await cp(stepDir(step), join(folder, 'cni'), { recursive: true });
  const lines: string[] = [];
  for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const path = join(file.parentPath, file.name);
    const hash = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
    lines.push(`${hash}  ${path.slice(folder.length + 1)}\n`);
  }
  await writeFile(join(folder, 'SHA256SUMS'), lines.join(''));
  return folder;
}

// Services that come when somebody asks for them, and go by themselves.
const passing = '^(user@|NetworkManager-dispatcher|systemd-hostnamed)';

/** All that a preparation may change, as text; /etc itself is kept beside it. */
const state = `
until files=$(systemctl list-unit-files --state=enabled,disabled,masked --no-legend) && [ -n "$files" ]; do sleep 1; done
printf '%s\\n' "$files"
systemctl list-units --type=service --state=running --no-legend --plain | cut -d' ' -f1 | grep -v -E '${passing}'
if command -v dpkg-query >/dev/null; then dpkg-query -W; apt-mark showhold; else rpm -qa | sort; fi
find /opt /usr/local | sort
cat /proc/swaps
sysctl -a 2>/dev/null | grep -E '^net.ipv4.ip_forward |^net.bridge.bridge-nf-call-ip'
command -v firewall-cmd >/dev/null && { firewall-cmd --list-all; firewall-cmd --zone=trusted --list-all; }
ls -d /var/lib/kbinit 2>&1
true`;

/** Remember on the host what it is now. */
export async function keepState(lab: Lab, host: string): Promise<void> {
  // On a machine that is busy, systemd answers late, and services are still on their way.
  await eventually(`${host} to have started`, 180, async () =>
    /^(?:running|degraded)$/m.test((await lab.exec(host, 'systemctl is-system-running')).stdout),
  );
  await output(lab, host, `rm -rf /root/etc.0; cp -a /etc /root/etc.0; ( ${state} ) >/root/state.0`);
}

/** What differs from the start; empty means nothing. */
export async function differences(lab: Lab, host: string): Promise<string> {
  return output(
    lab,
    host,
    `diff -r --no-dereference /root/etc.0 /etc; cd /root/etc.0 && find . -printf '%p %m %u:%g %y\\n' | sort >/root/modes.0
cd /etc && find . -printf '%p %m %u:%g %y\\n' | sort | diff /root/modes.0 -; ( ${state} ) | diff /root/state.0 -; true`,
  );
}

/** Every file that a preparation may write, with inode and times: one written again with the same bytes shows. */
export function trace(lab: Lab, host: string): Promise<string> {
  return output(lab, host, "find /etc /usr/local /opt /var/lib/kbinit -printf '%p %i %T@ %C@\\n' | sort");
}
