/** Owns the roots of bare hosts: a small server with sshd, and nothing of Kubernetes or of what it runs on. */
import { release } from 'node:os';
import type { Step } from './cache.ts';
import {
  commonFiles,
  debootstrapStep,
  finishRoot,
  idleTimers,
  labFiles,
  linkTree,
  maskedUnits,
  placeFiles,
  unitFolder,
  type PlacedFile,
} from './debian.ts';

// What kubeadm's preflight looks for and a small server has. socat, ethtool, curl and jq are not there, nor is python.
const packages = (
  'systemd systemd-sysv libpam-systemd dbus openssh-server sudo iproute2 iptables conntrack kmod procps ca-certificates ' +
  'mount util-linux'
).split(' ');

const debianBare: Step = debootstrapStep('debian-bare', packages);

/** What this kernel cannot do is put right in files of the lab's own, so that upstream's units and configs work as they are. */
export const kernelCures: readonly PlacedFile[] = [
  ['any-service.conf', `${unitFolder}/service.d/lab.conf`],
  ['containerd-drop-in.toml', 'etc/containerd/conf.d/lab.toml'],
];

const files: readonly PlacedFile[] = [...commonFiles, ...kernelCures];
const texts = await labFiles(files);
const units = { enabled: ['lab-network.service', 'ssh.service'], disabled: idleTimers };

/** The root of every bare host. */
export const bareRoot: Step = serverRoot('bare-root', debianBare);

// The last is what cryptography asks for by another name, which debootstrap does not look up.
const ansiblePackages = ['python3', 'ansible-core', 'openssh-client', 'python3-cffi-backend'];

/** A bare host that Ansible can work on and that can run it: for the bench that has it as its peer. */
export const ansibleRoot: Step = serverRoot(
  'ansible-root',
  debootstrapStep('debian-ansible', [...packages, ...ansiblePackages]),
);

function serverRoot(name: string, debian: Step): Step {
  return {
    name,
    inputs: [...texts, JSON.stringify([units, maskedUnits, files, release()])],
    needs: [debian],
    lane: 'disk',
    build: async (dir) => {
      await linkTree(debian, dir);
      await placeFiles(dir, files, texts);
      await finishRoot(dir, units);
    },
  };
}
