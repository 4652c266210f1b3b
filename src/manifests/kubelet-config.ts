// The kubelet's three files: its configuration, the part of it that belongs to this node, and its flags (spec 04 §4).
import type { ClusterSpec, NodeRegistration, Taint } from '../config/spec.ts';
import type { Artifact } from '../host/host.ts';
import { pauseImage } from '../kube/images.ts';
import { paths } from '../kube/paths.ts';
import { hasNodeLocalCriSocket, writesContainerRuntimeFlag, writesPodInfraImageFlag } from '../kube/traits.ts';
import { writeYaml } from '../util/yaml.ts';
import { composeArguments } from './arguments.ts';
import type { JsonObject } from '../util/json.ts';
import { applyPatches, type PatchFile, readPatches } from './patches.ts';
import { applyStrategicMerge, mergeSchemas } from './strategic-merge.ts';

/** What the kubelet's files are rendered from. */
export interface KubeletContext {
  readonly cluster: Pick<ClusterSpec, 'version' | 'featureGates' | 'imageRepository' | 'kubelet'>;
  readonly node: Pick<NodeRegistration, 'name' | 'criSocket' | 'taints' | 'kubeletExtraArgs'>;
  readonly host: { readonly hostname: string; readonly isResolvedActive: boolean };
  /** A worker registers itself with its taints; a control plane is tainted through the API. */
  readonly role: 'control-plane' | 'worker';
  readonly patches?: readonly PatchFile[];
}

/** config.yaml, instance-config.yaml (by version and gate) and kubeadm-flags.env. @throws KbError KB_PATCH_* */
export function kubeletArtifacts(ctx: KubeletContext): readonly Artifact[] {
  const instance = instanceConfig(ctx);
  return [
    { path: paths.kubeletFlags, mode: 0o644, body: kubeletFlags(ctx) },
    ...(instance === undefined ? [] : [{ path: paths.kubeletInstanceConfig, mode: 0o644, body: instance }]),
    { path: paths.kubeletConfig, mode: 0o644, body: writeYaml(kubeletConfig(ctx)) },
  ];
}

/** The cluster's document with what is local to the node; the user's patches come before the instance config. */
function kubeletConfig(ctx: KubeletContext): JsonObject {
  const { document } = ctx.cluster.kubelet;
  const needsResolved = ctx.host.isResolvedActive && (document['resolvConf'] ?? '') === '';
  // systemd-resolved's /etc/resolv.conf names 127.0.0.53, which is nobody inside a Pod.
  const local = needsResolved ? { ...document, resolvConf: '/run/systemd/resolve/resolv.conf' } : document;
  const patched = applyPatches('kubeletconfiguration', local, readPatches(ctx.patches ?? []).patches);
  if (!hasNodeLocalCriSocket(ctx.cluster.version, ctx.cluster.featureGates)) return patched;
  const instance = { containerRuntimeEndpoint: ctx.node.criSocket };
  return applyStrategicMerge(patched, instance, mergeSchemas.KubeletConfiguration);
}

/** One line; upgrades read the node's CRI socket from it. */
function instanceConfig(ctx: KubeletContext): string | undefined {
  if (!hasNodeLocalCriSocket(ctx.cluster.version, ctx.cluster.featureGates)) return undefined;
  return `containerRuntimeEndpoint: ${JSON.stringify(ctx.node.criSocket)}\n`;
}

/** The environment file that the systemd drop-in of package kubeadm reads. */
function kubeletFlags(ctx: KubeletContext): string {
  const { cluster, node, host } = ctx;
  const { version } = cluster;
  const hasLocalSocket = hasNodeLocalCriSocket(version, cluster.featureGates);
  const taints = ctx.role === 'worker' ? (node.taints ?? []) : [];
  const defaults = {
    'container-runtime': writesContainerRuntimeFlag(version) ? 'remote' : undefined,
    'container-runtime-endpoint': hasLocalSocket ? undefined : node.criSocket,
    'hostname-override': node.name === host.hostname.toLowerCase() ? undefined : node.name,
    'pod-infra-container-image': writesPodInfraImageFlag(version) ? pauseImage(cluster) : undefined,
    'register-with-taints': taints.length === 0 ? undefined : taints.map(printTaint).join(','),
  };
  const args = composeArguments(defaults, node.kubeletExtraArgs, version);
  return `KUBELET_KUBEADM_ARGS=${JSON.stringify(args.map(systemdWord).join(' '))}\n`;
}

/** systemd splits the variable at blanks and takes quotes off (systemd.service(5), "Command lines"); kubeadm lets it. */
function systemdWord(text: string): string {
  return /[\s"'\\]/.test(text) ? `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'` : text;
}

/** `key=value:Effect`, `key:Effect` */
function printTaint(taint: Taint): string {
  const value = taint.value === undefined || taint.value === '' ? '' : `=${taint.value}`;
  return `${taint.key}${value}:${taint.effect}`;
}
