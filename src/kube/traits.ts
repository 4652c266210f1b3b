// What differs between Kubernetes versions: one named predicate a difference, with the minor it began in.
import { type KubeVersion, parseVersion } from './version.ts';

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

/** etcd's corruption check and progress notices lost their `experimental` prefix: by its version from 1.34, always from 1.36. */
export function hasStableEtcdFlags(version: KubeVersion, etcdTag: string): boolean {
  if (since(36)(version)) return true;
  if (!since(34)(version)) return false;
  // `3.6.5-0`: what follows the dash is the image's build, not a pre-release.
  const etcd = parseVersion(etcdTag.replace(/-.*$/, ''));
  return etcd !== undefined && hasStableEtcdSettings(etcd);
}

/** etcd itself knows them without the prefix; the version is etcd's // 3.6 */
export function hasStableEtcdSettings(etcd: KubeVersion): boolean {
  return etcd.major > 3 || (etcd.major === 3 && etcd.minor >= 6);
}

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

/** `--patches` knows the target corednsdeployment (1.31). */
export const patchesCorednsDeployment: (version: KubeVersion) => boolean = since(31);

/** The Corefile keeps cluster names out of the cache (1.32). */
export const corefileSkipsClusterCache: (version: KubeVersion) => boolean = since(32);

/** The patch of each minor that first had kubernetes PR 138957, a fix that was taken back to supported minors. */
const bindingPatches: Readonly<Record<number, number>> = { 33: 12, 34: 8, 35: 5, 36: 1 };

/** The API server's kubelet client is bound to system:kubelet-api-admin, not in an admin group (1.36.1 and patches). */
export function bindsApiserverKubeletClient(version: KubeVersion): boolean {
  const patch = bindingPatches[version.minor];
  return patch === undefined ? since(37)(version) : version.patch >= patch;
}

// --- certificates and kubeconfigs (spec 04 §1–§2)

/** CAs begin five minutes before now and have a random serial number; before, now and 0 (1.26). */
export const backdatesCertificateAuthorities: (version: KubeVersion) => boolean = since(26);

/** The etcd clients and the API server's kubelet client are no members of system:masters any more (1.29). */
export const keepsClientsOutOfMasters: (version: KubeVersion) => boolean = since(29);

/** super-admin.conf is written, and admin.conf is a member of kubeadm:cluster-admins only (1.29). */
export const hasSuperAdminConf: (version: KubeVersion) => boolean = since(29);

/** Validity counts from five minutes before the process start and follows the configured periods (1.31). */
export const validityFromProcessStart: (version: KubeVersion) => boolean = since(31);

/** encryptionAlgorithm exists, and the keys of kubeconfigs follow it (v1beta4, 1.31). */
export const kubeconfigKeysFollowAlgorithm: (version: KubeVersion) => boolean = since(31);

/** An existing kubeconfig is compared by its first CA certificate; before, by the CA's whole text (1.31). */
export const comparesKubeconfigCaByCertificate: (version: KubeVersion) => boolean = since(31);

/** Go 1.25 hashes a CA's key identifier with SHA-256 cut to 160 bits; before, SHA-1 (kubeadm's go.mod, 1.35). */
export const hashesKeyIdentifierWithSha256: (version: KubeVersion) => boolean = since(35);

/** kubelet.conf of a control plane points at its own API server: ControlPlaneKubeletLocalMode (alpha 1.31, on 1.33, locked 1.35). */
export function kubeletUsesLocalApiServer(version: KubeVersion, gates: Readonly<Record<string, boolean>>): boolean {
  if (since(35)(version)) return true;
  if (!since(31)(version)) return false;
  return gates['ControlPlaneKubeletLocalMode'] ?? since(33)(version);
}

// --- preflight (spec 03)

/** ContainerRuntimeVersion exists (1.35). */
export const checksRuntimeVersion: (version: KubeVersion) => boolean = since(35);

/** The check of the kubelet's unit is named by the unit; before, with a capital letter (1.35). */
export const namesServiceChecksByUnit: (version: KubeVersion) => boolean = since(35);

/** HTTPProxyCIDR asks for a port that no rule names; before, for that of https where the address is IPv4 (1.26). */
export const asksProxyForOddPort: (version: KubeVersion) => boolean = since(26);

/** Bridged traffic is no check of kubeadm any more: the network plugin has to see to it (1.30). */
export const leavesBridgesToPlugins: (version: KubeVersion) => boolean = since(30);

// --- hosts

/** CentOS 7's kernel 3.10 is too old (SystemVerification wants 4.19 from 1.32 on, spec 03 §6). */
export const isEl7TooOld: (version: KubeVersion) => boolean = since(32);
