/** Owns the kinds of hosts there are: of which root each is an overlay, and when it counts as up. */
import { bareRoot } from './bare-root.ts';
import { stepDir, type Step } from './cache.ts';
import { containerdTemplate } from './containerd-template.ts';
import { hostRoot } from './rootfs.ts';

/**
 * What a host is made of. `ready` has containerd, kubelet and all that a cluster needs; `bare` has sshd, and nothing of
 * Kubernetes, containerd, runc or CNI.
 */
export type HostKind = 'ready' | 'bare';

interface Kind {
  readonly root: Step;
  /** Whether containerd's folder holds all images where nobody says otherwise. */
  readonly images: boolean;
  /** The services that run when the host is up. */
  readonly services: readonly string[];
  readonly sysctls: readonly string[];
}

const table: Readonly<Record<HostKind, Kind>> = {
  ready: { root: hostRoot, images: true, services: ['containerd', 'ssh'], sysctls: ['net.ipv4.ip_forward=1'] },
  // As a server has it that routes nothing: whoever makes it a node has to change it.
  bare: { root: bareRoot, images: false, services: ['ssh'], sysctls: ['net.ipv4.ip_forward=0'] },
};

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
  return images ? [table[kind].root, containerdTemplate] : [table[kind].root];
}

/** The steps of every kind, asked for or not. */
export function allKindSteps(): Step[] {
  return [...Object.values(table).map(({ root }) => root), containerdTemplate];
}
