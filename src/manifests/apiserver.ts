// The static Pod of kube-apiserver (spec 04 §3.4).
import type { Arg } from '../config/spec.ts';
import { kubernetesImage } from '../kube/images.ts';
import { printsRawAuthorizationMode } from '../kube/traits.ts';
import type { KubeVersion } from '../kube/version.ts';
import { joinHostPort } from '../util/net.ts';
import { composeArguments, type DefaultArgs, lastArgument } from './arguments.ts';
import { certificateVolumes, externalEtcdVolumes } from './ca-volumes.ts';
import type { KubeObject } from './object.ts';
import { environment, isWildcard, type PodContext, type PodVolume, staticPod, withExtraVolumes } from './pod.ts';

/** Join and upgrade read the API server's address back from its Pod. */
const apiserverEndpointAnnotation = 'kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint';

/** kube-apiserver's static Pod. */
export function apiserverPod(ctx: PodContext): KubeObject {
  const { cluster, endpoint } = ctx;
  const extraArgs = authorizationAsExtraArg(cluster.apiServer.extraArgs, cluster.version);
  return staticPod(ctx, {
    name: 'kube-apiserver',
    annotations: { [apiserverEndpointAnnotation]: joinHostPort(endpoint.advertiseAddress, endpoint.bindPort) },
    image: kubernetesImage(cluster, 'kube-apiserver'),
    command: ['kube-apiserver', ...composeArguments(defaultArguments(ctx), extraArgs, cluster.version)],
    env: environment(ctx, cluster.apiServer),
    requests: { cpu: '250m' },
    probes: {
      scheme: 'HTTPS',
      host: isWildcard(endpoint.advertiseAddress) ? '' : endpoint.advertiseAddress,
      port: endpoint.bindPort,
      liveness: '/livez',
      readiness: '/readyz',
      startup: '/livez',
    },
    volumes: withExtraVolumes(volumes(ctx), cluster.apiServer),
  });
}

function volumes(ctx: PodContext): PodVolume[] {
  const { etcd } = ctx.cluster;
  return [...certificateVolumes(ctx), ...(etcd.kind === 'external' ? externalEtcdVolumes(ctx, etcd) : [])];
}

function defaultArguments(ctx: PodContext): DefaultArgs {
  const { cluster, endpoint } = ctx;
  const pki = cluster.certificatesDir;
  return {
    'advertise-address': endpoint.advertiseAddress,
    'allow-privileged': 'true',
    'authorization-mode': authorizationMode(ctx),
    'client-ca-file': `${pki}/ca.crt`,
    'enable-admission-plugins': 'NodeRestriction',
    'enable-bootstrap-token-auth': 'true',
    ...etcdArguments(ctx),
    'kubelet-client-certificate': `${pki}/apiserver-kubelet-client.crt`,
    'kubelet-client-key': `${pki}/apiserver-kubelet-client.key`,
    'kubelet-preferred-address-types': 'InternalIP,ExternalIP,Hostname',
    'proxy-client-cert-file': `${pki}/front-proxy-client.crt`,
    'proxy-client-key-file': `${pki}/front-proxy-client.key`,
    'requestheader-allowed-names': 'front-proxy-client',
    'requestheader-client-ca-file': `${pki}/front-proxy-ca.crt`,
    'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
    'requestheader-group-headers': 'X-Remote-Group',
    'requestheader-username-headers': 'X-Remote-User',
    'secure-port': String(endpoint.bindPort),
    'service-account-issuer': `https://kubernetes.default.svc.${cluster.networking.dnsDomain}`,
    'service-account-key-file': `${pki}/sa.pub`,
    'service-account-signing-key-file': `${pki}/sa.key`,
    'service-cluster-ip-range': cluster.networking.serviceSubnet,
    'tls-cert-file': `${pki}/apiserver.crt`,
    'tls-private-key-file': `${pki}/apiserver.key`,
  };
}

function etcdArguments(ctx: PodContext): DefaultArgs {
  const { etcd, certificatesDir: pki } = ctx.cluster;
  if (etcd.kind === 'local') {
    const loopback = ctx.endpoint.advertiseAddress.includes(':') ? '::1' : '127.0.0.1';
    return {
      'etcd-cafile': `${pki}/etcd/ca.crt`,
      'etcd-certfile': `${pki}/apiserver-etcd-client.crt`,
      'etcd-keyfile': `${pki}/apiserver-etcd-client.key`,
      'etcd-servers':
        lastArgument(etcd.extraArgs, 'advertise-client-urls') ?? `https://${joinHostPort(loopback, 2379)}`,
    };
  }
  const hasClientPair = etcd.certFile !== '' && etcd.keyFile !== '';
  return {
    'etcd-cafile': etcd.caFile === '' ? undefined : etcd.caFile,
    'etcd-certfile': hasClientPair ? etcd.certFile : undefined,
    'etcd-keyfile': hasClientPair ? etcd.keyFile : undefined,
    'etcd-servers': etcd.endpoints.join(','),
  };
}

const defaultModes = 'Node,RBAC';

/** The API server refuses the flag beside an authorization-config file (1.30). */
function authorizationMode(ctx: PodContext): string | undefined {
  const { apiServer, version } = ctx.cluster;
  const hasConfigFile = lastArgument(apiServer.extraArgs, 'authorization-config') !== undefined;
  return hasConfigFile && printsRawAuthorizationMode(version) ? undefined : defaultModes;
}

const knownModes: ReadonlySet<string> = new Set(['Node', 'RBAC', 'Webhook', 'ABAC', 'AlwaysAllow', 'AlwaysDeny']);

/** Until 1.29 unknown modes were dropped, and what was left stood among the extraArgs. */
function authorizationAsExtraArg(extraArgs: readonly Arg[], version: KubeVersion): readonly Arg[] {
  if (printsRawAuthorizationMode(version)) return extraArgs;
  const name = 'authorization-mode';
  const index = extraArgs.findLastIndex((arg) => arg.name === name);
  const known = (extraArgs[index]?.value ?? '').split(',').filter((mode) => knownModes.has(mode));
  const arg = { name, value: known.length === 0 ? defaultModes : known.join(',') };
  if (index === -1) return [...extraArgs, arg];
  return extraArgs.with(index, arg);
}
