/** Owns the file systems made of Debian packages: the base of some images, and the root every host is an overlay of. */
import { chmod, link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { debianMirror } from './apt.ts';
import { stepDir, type Step } from './cache.ts';
import { cni, cniFlannel, containerdPrograms, criTools, etcd, kubernetes, runc } from './go-build.ts';
import { builtInModules } from './kernel.ts';
import { mustRun } from './run.ts';
import { imageNames, releaseSuffix, versions } from './versions.ts';

// What a Kubernetes host has, and what tests reach for: haproxy for the load balancer, strace and tc (iproute2) for faults.
const hostPackages = (
  'systemd systemd-sysv dbus openssh-server sudo iproute2 iptables nftables conntrack socat ethtool kmod procps curl ' +
  'ca-certificates mount util-linux jq libseccomp2 haproxy iputils-ping netcat-openbsd openssl psmisc strace less'
).split(' ');
const imagePackages = ['iptables', 'nftables', 'conntrack', 'kmod', 'iproute2', 'ca-certificates'];

/** Debian with the packages of a host. */
const debianHost: Step = debootstrapStep('debian-host', hostPackages);

/** Debian with what kube-proxy and flannel call: the base layer of their images. */
export const debianImage: Step = debootstrapStep('debian-image', imagePackages);

const files = join(import.meta.dirname, 'files');
const units = 'usr/lib/systemd/system';
const configFiles: readonly (readonly [name: string, path: string])[] = [
  ['containerd.service', `${units}/containerd.service`],
  ['kubelet.service', `${units}/kubelet.service`],
  ['10-kubeadm.conf', `${units}/kubelet.service.d/10-kubeadm.conf`],
  ['lab-network.service', `${units}/lab-network.service`],
  ['containerd-config.toml', 'etc/containerd/config.toml'],
  ['crictl.yaml', 'etc/crictl.yaml'],
  ['sshd-lab.conf', 'etc/ssh/sshd_config.d/lab.conf'],
];
const configTexts = await Promise.all(configFiles.map(([name]) => readFile(join(files, name), 'utf8')));
const enabled = ['containerd.service', 'kubelet.service', 'lab-network.service', 'ssh.service'];
// Nothing of these belongs on a host that lives for minutes, and haproxy starts when somebody configured it.
const leftovers = (
  'usr/sbin/policy-rc.d var/cache/apt/archives var/lib/apt/lists usr/share/doc usr/share/man usr/share/locale ' +
  'var/log/bootstrap.log var/log/dpkg.log'
).split(' ');
const disabled = [
  'haproxy.service',
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'fstrim.timer',
];
const masked = ['getty@tty1.service', 'console-getty.service', 'systemd-timesyncd.service', 'systemd-resolved.service'];

/** The root of every host: Debian, the Kubernetes programs, units and configs. */
export const hostRoot: Step = {
  name: `host-root${releaseSuffix}`,
  inputs: [...configTexts, JSON.stringify([enabled, disabled, masked, configFiles, imageNames.pause, release()])],
  needs: [debianHost, kubernetes, containerdPrograms, runc, cni, cniFlannel, criTools, etcd],
  lane: 'disk',
  build: buildHostRoot,
};

async function buildHostRoot(dir: string): Promise<void> {
  // Hard links: a second Debian costs no disk. From here on a file is replaced, never written in place.
  await mustRun('cp', ['-al', `${stepDir(debianHost)}/.`, dir]);
  const bin = join(dir, 'usr/bin');
  const extra = join(dir, 'usr/local/lib/lab');
  await place(kubernetes, ['kubelet', 'kubectl'], bin);
  await place(containerdPrograms, ['containerd', 'ctr', 'containerd-shim-runc-v2'], bin);
  await place(criTools, ['crictl'], bin);
  await place(runc, ['runc'], join(dir, 'usr/sbin'));
  await place(cni, await readdir(stepDir(cni)), join(dir, 'opt/cni/bin'));
  await place(cniFlannel, ['flannel'], join(dir, 'opt/cni/bin'));
  // Peers and tools for tests, off the PATH.
  await place(kubernetes, ['kubeadm'], extra);
  await place(etcd, ['etcd', 'etcdctl', 'etcdutl'], extra);
  for (const [i, [, path]] of configFiles.entries()) {
    await replace(join(dir, path), (configTexts[i] ?? '').replace('@PAUSE@', imageNames.pause));
  }
  await mkdir(join(dir, 'etc/kubernetes/manifests'), { recursive: true });
  await installModuleList(dir);
  // An empty file: each host brings its own, and no first boot is declared.
  await replace(join(dir, 'etc/machine-id'), '');
  await mustRun('chroot', [dir, 'systemctl', '-q', 'enable', ...enabled]);
  await mustRun('chroot', [dir, 'systemctl', '-q', 'disable', ...disabled]);
  await mustRun('chroot', [dir, 'systemctl', '-q', 'mask', ...masked]);
}

/** Lets `modprobe overlay` succeed where the driver is part of the kernel, as it does on a host with its modules folder. */
async function installModuleList(dir: string): Promise<void> {
  const folder = join(dir, 'usr/lib/modules', release());
  await replace(join(folder, 'modules.builtin'), (await builtInModules()).join('\n') + '\n');
  await replace(join(folder, 'modules.order'), '');
  await mustRun('chroot', [dir, 'depmod', release()]);
}

async function place(step: Step, names: readonly string[], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of names) {
    await rm(join(folder, name), { force: true });
    await link(join(stepDir(step), name), join(folder, name));
  }
}

async function replace(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  await writeFile(path, text, { mode: 0o644 });
}

function debootstrapStep(name: string, packages: readonly string[]): Step {
  const build = async (dir: string): Promise<void> => {
    const include = `--include=${packages.join(',')}`;
    const mirror = await debianMirror();
    const where = [versions.debian, dir, ...(mirror === undefined ? [] : [mirror])];
    await mustRun('debootstrap', ['--variant=minbase', include, ...where]);
    // What only an installation needs; the host keys and the machine id must be each host's own.
    for (const path of leftovers) await rm(join(dir, path), { recursive: true, force: true });
    const sshFiles = await readdir(join(dir, 'etc/ssh')).catch(() => []);
    const hostKeys = sshFiles.filter((file) => file.startsWith('ssh_host_'));
    for (const file of hostKeys) await rm(join(dir, 'etc/ssh', file));
    await mkdir(join(dir, 'var/lib/apt/lists'), { recursive: true });
    await mkdir(join(dir, 'var/cache/apt/archives'), { recursive: true });
    await chmod(dir, 0o755);
  };
  return { name, inputs: [versions.debian, ...packages], needs: [], lane: 'disk', build };
}
