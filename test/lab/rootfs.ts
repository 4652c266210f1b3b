/** Owns the root of a ready host, and the Debian that some images are based on. */
import { mkdir, readdir } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import { stepDir, type Step } from './cache.ts';
import {
  commonFiles,
  debootstrapStep,
  finishRoot,
  idleTimers,
  labFiles,
  linkTree,
  maskedUnits,
  placeFiles,
  placePrograms,
  unitFolder,
  type PlacedFile,
} from './debian.ts';
import { cni, cniFlannel, containerdPrograms, criTools, etcd, kubernetes, runc } from './go-build.ts';
import { imageNames, releaseSuffix } from './versions.ts';

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

const files: readonly PlacedFile[] = [
  ['containerd.service', `${unitFolder}/containerd.service`],
  ['kubelet.service', `${unitFolder}/kubelet.service`],
  ['10-kubeadm.conf', `${unitFolder}/kubelet.service.d/10-kubeadm.conf`],
  ['containerd-config.toml', 'etc/containerd/config.toml'],
  ['crictl.yaml', 'etc/crictl.yaml'],
  ...commonFiles,
];
const texts = (await labFiles(files)).map((text) => text.replace('@PAUSE@', imageNames.pause));
const enabled = ['containerd.service', 'kubelet.service', 'lab-network.service', 'ssh.service'];
// haproxy starts when somebody configured it.
const disabled = ['haproxy.service', ...idleTimers];

/** The root of every ready host: Debian, the Kubernetes programs, units and configs. */
export const hostRoot: Step = {
  name: `host-root${releaseSuffix}`,
  inputs: [...texts, JSON.stringify([enabled, disabled, maskedUnits, files, release()])],
  needs: [debianHost, kubernetes, containerdPrograms, runc, cni, cniFlannel, criTools, etcd],
  lane: 'disk',
  build: buildHostRoot,
};

async function buildHostRoot(dir: string): Promise<void> {
  await linkTree(debianHost, dir);
  const bin = join(dir, 'usr/bin');
  const extra = join(dir, 'usr/local/lib/lab');
  await placePrograms(kubernetes, ['kubelet', 'kubectl'], bin);
  await placePrograms(containerdPrograms, ['containerd', 'ctr', 'containerd-shim-runc-v2'], bin);
  await placePrograms(criTools, ['crictl'], bin);
  await placePrograms(runc, ['runc'], join(dir, 'usr/sbin'));
  await placePrograms(cni, await readdir(stepDir(cni)), join(dir, 'opt/cni/bin'));
  await placePrograms(cniFlannel, ['flannel'], join(dir, 'opt/cni/bin'));
  // Peers and tools for tests, off the PATH.
  await placePrograms(kubernetes, ['kubeadm'], extra);
  await placePrograms(etcd, ['etcd', 'etcdctl', 'etcdutl'], extra);
  await placeFiles(dir, files, texts);
  await mkdir(join(dir, 'etc/kubernetes/manifests'), { recursive: true });
  await finishRoot(dir, { enabled, disabled });
}
