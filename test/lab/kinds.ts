/** Owns the kinds of hosts there are: of which root each is an overlay, and when it counts as up. */
import { ansibleRoot, bareRoot } from './bare-root.ts';
import { stepDir, type Step } from './cache.ts';
import { containerdTemplate } from './containerd-template.ts';
import { debFolder, debRepositories } from './deb-repositories.ts';
import type { ElName } from './el-releases.ts';
import { elRoot } from './el-root.ts';
import { hostRoot } from './rootfs.ts';
import { kubernetesRepository, releaseRepositories, repositoryFolder } from './rpm-repositories.ts';

/**
 * What a host is made of. `ready` has containerd, kubelet and all that a cluster needs; `bare` has sshd, and nothing of
 * Kubernetes, containerd, runc or CNI; those named for a release of the CentOS family are bare and imitate it. `light`
 * is a bare host's root with sshd as its only process, and `ansible` a bare host with python and Ansible: for benches.
 */
export type HostKind = 'ready' | 'bare' | 'light' | 'ansible' | ElName;

interface Kind {
  readonly root: Step;
  /** Whether containerd's folder holds all images where nobody says otherwise. */
  readonly images: boolean;
  /** The host's first process. */
  readonly init: readonly string[];
  /** The services that run when the host is up, sshd apart where there is no systemd to ask. */
  readonly services: readonly string[];
  readonly sysctls: readonly string[];
  /** Steps that a host of that kind sees, by the path that it sees them at. */
  readonly mounts: Readonly<Record<string, Step>>;
}

// As a server has it that routes nothing: whoever makes it a node has to change it.
const routesNothing = ['net.ipv4.ip_forward=0'];
const systemd = ['/lib/systemd/systemd'];
const sshdAlone =
  'mkdir -p /run/sshd; ip route replace default via "$LAB_GATEWAY"; exec /usr/sbin/sshd -D -o MaxStartups=100';

const bare: Kind = {
  root: bareRoot,
  images: false,
  init: systemd,
  services: ['ssh'],
  sysctls: routesNothing,
  mounts: { [debFolder]: debRepositories },
};

const table: Readonly<Record<HostKind, Kind>> = {
  ready: {
    root: hostRoot,
    images: true,
    init: systemd,
    services: ['containerd', 'ssh'],
    sysctls: ['net.ipv4.ip_forward=1'],
    mounts: {},
  },
  bare,
  light: { ...bare, init: ['/bin/sh', '-c', sshdAlone], services: [], mounts: {} },
  ansible: { ...bare, root: ansibleRoot, mounts: {} },
  'centos-7': imitation('centos-7'),
  'rocky-9': imitation('rocky-9'),
  'centos-stream-10': imitation('centos-stream-10'),
};

function imitation(name: ElName): Kind {
  return {
    ...bare,
    root: elRoot(name),
    services: ['sshd', 'firewalld', 'chronyd'],
    mounts: {
      [repositoryFolder]: releaseRepositories(name),
      [`${repositoryFolder}/kubernetes`]: kubernetesRepository,
    },
  };
}

/** Every kind's name. */
export const hostKinds: readonly string[] = Object.keys(table);

/** Whether a word names a kind. */
export function isHostKind(word: string): word is HostKind {
  return Object.hasOwn(table, word);
}

/** What is special about a kind. */
export function kindOf(kind: HostKind): Kind {
  return table[kind];
}

/** The folder that a host of that kind is an overlay of. */
export function rootOf(kind: HostKind): string {
  return stepDir(table[kind].root);
}

/** The steps that a host of that kind is made from. */
export function stepsOf(kind: HostKind, images: boolean): Step[] {
  const { root, mounts } = table[kind];
  return [root, ...Object.values(mounts), ...(images ? [containerdTemplate] : [])];
}

/** The steps of every kind, asked for or not. */
export function allKindSteps(): Step[] {
  return Object.keys(table)
    .filter(isHostKind)
    .flatMap((kind) => stepsOf(kind, true));
}
