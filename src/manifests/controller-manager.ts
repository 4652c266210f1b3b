// The static Pod of kube-controller-manager (spec 04 §3.5).
import { kubernetesImage } from '../kube/images.ts';
import { paths } from '../kube/paths.ts';
import { mountsFlexvolumes } from '../kube/traits.ts';
import { composeArguments, type DefaultArgs, lastArgument } from './arguments.ts';
import { certificateVolumes } from './ca-volumes.ts';
import type { KubeObject } from './object.ts';
import {
  environment,
  isWildcard,
  type PodContext,
  type PodVolume,
  samePath,
  staticPod,
  withExtraVolumes,
} from './pod.ts';

/** kube-controller-manager's static Pod. */
export function controllerManagerPod(ctx: PodContext): KubeObject {
  const { cluster } = ctx;
  const { extraArgs } = cluster.controllerManager;
  const bindAddress = lastArgument(extraArgs, 'bind-address') ?? '127.0.0.1';
  return staticPod(ctx, {
    name: 'kube-controller-manager',
    image: kubernetesImage(cluster, 'kube-controller-manager'),
    command: ['kube-controller-manager', ...composeArguments(defaultArguments(ctx), extraArgs, cluster.version)],
    env: environment(ctx, cluster.controllerManager),
    requests: { cpu: '200m' },
    probes: {
      scheme: 'HTTPS',
      host: isWildcard(bindAddress) ? '' : bindAddress,
      port: 10257,
      liveness: '/healthz',
      startup: '/healthz',
    },
    volumes: withExtraVolumes(volumes(ctx), cluster.controllerManager),
  });
}

function volumes(ctx: PodContext): PodVolume[] {
  const { controllerManager, version } = ctx.cluster;
  const flexvolumes =
    lastArgument(controllerManager.extraArgs, 'flex-volume-plugin-dir') ??
    '/usr/libexec/kubernetes/kubelet-plugins/volume/exec';
  return [
    ...certificateVolumes(ctx),
    samePath('kubeconfig', paths.controllerManagerConf, 'FileOrCreate', true),
    ...(mountsFlexvolumes(version) ? [samePath('flexvolume-dir', flexvolumes, 'DirectoryOrCreate', false)] : []),
  ];
}

function defaultArguments(ctx: PodContext): DefaultArgs {
  const { cluster, isExternalCA = false } = ctx;
  const pki = cluster.certificatesDir;
  const { podSubnet, serviceSubnet } = cluster.networking;
  const hasPodSubnet = podSubnet !== '';
  return {
    'allocate-node-cidrs': hasPodSubnet ? 'true' : undefined,
    'authentication-kubeconfig': paths.controllerManagerConf,
    'authorization-kubeconfig': paths.controllerManagerConf,
    'bind-address': '127.0.0.1',
    'client-ca-file': `${pki}/ca.crt`,
    'cluster-cidr': hasPodSubnet ? podSubnet : undefined,
    'cluster-name': cluster.clusterName === '' ? undefined : cluster.clusterName,
    // Empty paths keep the signing controllers from starting without a CA key.
    'cluster-signing-cert-file': isExternalCA ? '' : `${pki}/ca.crt`,
    'cluster-signing-key-file': isExternalCA ? '' : `${pki}/ca.key`,
    controllers: '*,bootstrapsigner,tokencleaner',
    kubeconfig: paths.controllerManagerConf,
    'leader-elect': 'true',
    'requestheader-client-ca-file': `${pki}/front-proxy-ca.crt`,
    'root-ca-file': `${pki}/ca.crt`,
    'service-account-private-key-file': `${pki}/sa.key`,
    'service-cluster-ip-range': hasPodSubnet && serviceSubnet !== '' ? serviceSubnet : undefined,
    'use-service-account-credentials': 'true',
  };
}
