// What differs between Kubernetes versions: one named predicate a difference, with the minor it began in.
import type { KubeVersion } from './version.ts';

function since(minor: number): (version: KubeVersion) => boolean {
  return (version) => version.major > 1 || (version.major === 1 && version.minor >= minor);
}

function before(minor: number): (version: KubeVersion) => boolean {
  const reached = since(minor);
  return (version) => !reached(version);
}

// --- manifests: static Pods and kubelet files

/** The kubelet still takes `--container-runtime=remote`, and kubeadm writes it (1.25). */
export const writesContainerRuntimeFlag: (version: KubeVersion) => boolean = before(26);

/** Static Pods carry the number of their priority class (kubernetes PR 113085). */
export const hasPodPriority: (version: KubeVersion) => boolean = since(26);

/** Environment variables of static Pods are merged with extraEnvs and sorted (1.28). */
export const sortsPodEnvironment: (version: KubeVersion) => boolean = since(28);

/** extraArgs are a list in the user's order after the defaults; before, one map sorted by name (1.29). */
export const ordersExtraArgs: (version: KubeVersion) => boolean = since(29);

/** A user's authorization modes are printed as given; before, filtered to the known ones (1.30). */
export const printsRawAuthorizationMode: (version: KubeVersion) => boolean = since(30);

/** etcd is probed at /livez and /readyz and has a readiness probe (1.31). */
export const etcdHasReadyz: (version: KubeVersion) => boolean = since(31);

/** /etc/pki is mounted as its two certificate folders (1.31). */
export const splitsPkiDirectory: (version: KubeVersion) => boolean = since(31);

/** systemd-resolved's resolv.conf goes to the node's kubelet config only; before, to the ConfigMap too (1.31). */
export const resolvConfIsLocal: (version: KubeVersion) => boolean = since(31);

/** The scheduler is probed at /livez and /readyz and has a readiness probe (1.32). */
export const schedulerHasReadyz: (version: KubeVersion) => boolean = since(32);

/** Go's serialiser still writes `creationTimestamp: null` and `preferences: {}` (kubernetes PR 130989, 1.34). */
export const writesNullTimestamps: (version: KubeVersion) => boolean = before(34);

/** Probes name the container port `probe-port` (1.34). */
export const namesProbePorts: (version: KubeVersion) => boolean = since(34);

/** kubeadm picks etcd's flags by the etcd version (1.34); before, always the experimental spelling. */
export const knowsStableEtcdFlags: (version: KubeVersion) => boolean = since(34);

/** Every etcd that kubeadm may run is 3.6 or newer (1.36). */
export const assumesStableEtcdFlags: (version: KubeVersion) => boolean = since(36);

/** `--pod-infra-container-image` still goes to the kubelet (until 1.34). */
export const writesPodInfraImageFlag: (version: KubeVersion) => boolean = before(35);

/** The controller manager still mounts the flexvolume folder (until 1.35). */
export const mountsFlexvolumes: (version: KubeVersion) => boolean = before(36);

/** Where the kubelet finds its CRI socket: the gate NodeLocalCRISocket (alpha 1.32, on 1.34, locked 1.36). */
export function hasNodeLocalCriSocket(version: KubeVersion, gates: Readonly<Record<string, boolean>>): boolean {
  if (since(36)(version)) return true;
  if (!since(32)(version)) return false;
  return gates['NodeLocalCRISocket'] ?? since(34)(version);
}

// --- manifests: cluster objects

/** CoreDNS still tolerates the taint of the old `master` role (1.25). */
export const toleratesMasterTaint: (version: KubeVersion) => boolean = before(26);

/** CoreDNS may still get nodes (until 1.27). */
export const corednsGetsNodes: (version: KubeVersion) => boolean = before(28);

/** CoreDNS drops `ALL` capabilities; before, it was spelled `all` (1.29). */
export const spellsAllCapabilitiesUpper: (version: KubeVersion) => boolean = since(29);

/** The Group kubeadm:cluster-admins is bound to cluster-admin, so that admin.conf need not be system:masters (1.29). */
export const hasClusterAdminsGroup: (version: KubeVersion) => boolean = since(29);

/** `--patches` knows the target corednsdeployment (1.31). */
export const patchesCorednsDeployment: (version: KubeVersion) => boolean = since(31);

/** The Corefile keeps cluster names out of the cache (1.32). */
export const corefileSkipsClusterCache: (version: KubeVersion) => boolean = since(32);

/** The API server's kubelet client is bound to system:kubelet-api-admin, not in an admin group (1.36). */
export const bindsApiserverKubeletClient: (version: KubeVersion) => boolean = since(36);
